"""The file of a login, as `tradefair app --login` takes it."""

import tomli_w
from identity_provider import CLIENT, SECRET


def login_file(folder, provider="http://127.0.0.1:1", redirect="http://127.0.0.1:8501", *, roles, **changes):
    """Write the file into a folder, readable for its owner alone; changes are of `auth__key`."""
    document = {
        "auth": {
            "redirect_uri": f"{redirect}/oauth2callback",
            "cookie_secret": "0123456789abcdef0123456789abcdef",
            "client_id": CLIENT,
            "client_secret": SECRET,
            "server_metadata_url": f"{provider}/.well-known/openid-configuration",
        },
        "roles": roles,
    }
    for where, value in changes.items():
        table, _, key = where.partition("__")
        document[table][key] = value
    path = folder / "login.toml"
    path.write_text(tomli_w.dumps(document))
    path.chmod(0o600)
    return path
