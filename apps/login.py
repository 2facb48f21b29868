"""Who uses the app where it asks for a login: read from the identity provider's token, with the roles of a file.

Off this machine's own address the app starts with a login only. Each user then has a run store of their own, so that
nobody sees another's runs, uploads, variants or rules, and sees the pages of their roles alone.
"""

from __future__ import annotations

import hashlib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from retail.errors import ConfigError

LOGIN_VARIABLE: Final = "TRADEFAIR_LOGIN"
"""In the environment: the file of the login; not set where nobody logs in."""
ROLES: Final = ("researcher", "compliance", "merchant")
SECTIONS: Final = dict(zip(("Researchers", "Compliance", "Merchants"), ROLES, strict=True))
"""Of the navigation, and the role whose pages they hold."""
EVERYBODY: Final = "*"
USERS: Final = ".users"
"""In the run store: the stores of users."""
_KEYS: Final = ("redirect_uri", "cookie_secret", "client_id", "client_secret", "server_metadata_url")
_SHORTEST_SECRET: Final = 32


@dataclass(frozen=True)
class User:
    """Somebody who is logged in.

    Attributes:
        id: of the user's store: a hash of the provider and its own, unchanging id.
        email: "" where the provider names none, none that it has verified, or one that is not ASCII.
        roles: which pages.
    """

    id: str
    email: str
    roles: frozenset[str]


def is_required() -> bool:
    """Whether the app was started with a login."""
    return bool(os.environ.get(LOGIN_VARIABLE))


def current_user() -> User | None:
    """Return who is logged in; None where nobody is.

    Raises:
        ConfigError: the file of the login cannot be used any more.
    """
    import streamlit as st

    if not is_required() or st.user.get("is_logged_in") is not True:
        return None
    return user_of(st.user.to_dict(), read_login(Path(os.environ[LOGIN_VARIABLE]))["roles"])


def sees(section: str) -> bool:
    """Whether the pages of a section are for whoever uses the app now: for everybody, where nobody logs in."""
    if not is_required():
        return True
    user = current_user()
    return user is not None and SECTIONS[section] in user.roles


def has_role() -> bool:
    """Whether whoever uses the app now sees the pages of any section; a fragment that is redrawn asks this first."""
    try:
        return any(map(sees, SECTIONS))
    except ConfigError:
        return False


def require(section: str | None = None) -> None:
    """Refuse what only the pages of a section offer, or without a section only people with some role.

    Everything that changes something asks here, when it is done: a button's callback runs before the page asks who is
    there, and an open page is older than the role that was taken away.

    Raises:
        ConfigError: whoever uses the app does not see that section, or not any more.
    """
    if not (has_role() if section is None else sees(section)):
        which = f"this ({section})" if section else "this"
        raise ConfigError(f"your role does not cover {which} any more; ask whoever runs this app")


def user_of(claims: Mapping[str, Any], roles: Mapping[str, Any]) -> User | None:
    """Return the user whom an identity token names; None where it names none.

    Args:
        claims: of the token.
        roles: by email address, and `EVERYBODY` for all who are logged in.
    """
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject:
        return None
    said = str(claims.get("email") or "")
    # Letters that are none of ASCII may become those of another address in lower case, as the sign for kelvin does.
    email = said.lower() if claims.get("email_verified") is True and said.isascii() else ""
    granted = {*roles.get(EVERYBODY, ()), *(roles.get(email, ()) if email else ())}
    whole = f"{claims.get('iss') or ''}\n{subject}"  # a subject is unique at its issuer alone
    return User(hashlib.sha256(whole.encode()).hexdigest()[:32], email, frozenset(granted))


def read_login(path: Path) -> dict[str, Any]:
    """Read and check the file of the login: `[auth]` for the identity provider, `[roles]` for who sees what.

    Raises:
        ConfigError: it cannot be read, others may read it, or something is missing; one line says which and what to do.
    """
    try:
        mode = path.stat().st_mode
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"--login {path} cannot be read ({error.strerror}); docs/app.md shows what it holds"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"--login {path} is no TOML ({error}); docs/app.md shows what it holds") from None
    if mode & 0o077:
        raise ConfigError(f"--login {path} holds secrets and others may read it; run: chmod 600 {path}")
    auth, roles = document.get("auth"), document.get("roles")
    if not isinstance(auth, dict) or any(not isinstance(auth.get(key), str) or not auth[key] for key in _KEYS):
        raise ConfigError(f"--login {path}: [auth] needs {', '.join(_KEYS)}, each a text; see docs/app.md")
    if len(auth["cookie_secret"]) < _SHORTEST_SECRET:
        raise ConfigError(
            f"--login {path}: cookie_secret has less than {_SHORTEST_SECRET} characters; draw a longer one"
        )
    if not auth["redirect_uri"].endswith("/oauth2callback"):
        raise ConfigError(f"--login {path}: redirect_uri must be the app's address with /oauth2callback at its end")
    if not isinstance(roles, dict) or not roles:
        raise ConfigError(f'--login {path}: [roles] says who sees what, such as "*" = ["merchant"]; it is missing')
    for who, granted in roles.items():
        if not isinstance(granted, list) or any(one not in ROLES for one in granted):
            raise ConfigError(f"--login {path}: roles of {who!r} must be a list of some of {', '.join(ROLES)}")
    return {**document, "roles": _by_address(path, roles)}


def _by_address(path: Path, roles: Mapping[str, Any]) -> dict[str, Any]:
    """Return roles by address as tokens are asked for it, in lower case and without spaces.

    Raises:
        ConfigError: an address could not be that of a token, or stands there twice.
    """
    written: dict[str, str] = {}
    for who in roles:
        if not who.isascii():
            raise ConfigError(f"--login {path}: {who!r} in [roles] is not ASCII, and no such address gets a role")
        address = "".join(who.split()).lower()
        if address in written:
            raise ConfigError(
                f"--login {path}: {written[address]!r} and {who!r} in [roles] are one address; write it once, with all"
                " its roles"
            )
        written[address] = who
    return {address: roles[who] for address, who in written.items()}
