"""A small OpenID provider on loopback, to log in at for real: discovery, a page to choose who one is, codes, keys."""

import base64
import hashlib
import http.server
import json
import secrets
import threading
import time
import urllib.parse
from contextlib import contextmanager

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

CLIENT, SECRET = "tradefair", "a secret of the client"


def _b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@contextmanager
def identity_provider(people):
    """Serve until the block ends.

    Args:
        people: claims of each person who may log in, by name; `sub` and perhaps `email`, `email_verified`.

    Yields: the provider's address.
    """
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    numbers = key.public_key().public_numbers()
    codes = {}

    class Provider(http.server.BaseHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

        def answer(self, content, kind="application/json", status=200):
            body = content.encode() if isinstance(content, str) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self):
            url = urllib.parse.urlsplit(self.path)
            query = dict(urllib.parse.parse_qsl(url.query))
            if url.path == "/.well-known/openid-configuration":
                self.answer(
                    {
                        "issuer": address,
                        "authorization_endpoint": f"{address}/authorize",
                        "token_endpoint": f"{address}/token",
                        "jwks_uri": f"{address}/keys",
                        "response_types_supported": ["code"],
                        "subject_types_supported": ["public"],
                        "id_token_signing_alg_values_supported": ["RS256"],
                    }
                )
            elif url.path == "/keys":
                n, e = (_b64(one.to_bytes((one.bit_length() + 7) // 8, "big")) for one in (numbers.n, numbers.e))
                self.answer({"keys": [{"kty": "RSA", "kid": "1", "use": "sig", "alg": "RS256", "n": n, "e": e}]})
            elif url.path == "/authorize" and "as" not in query:
                links = "".join(f'<a href="{self.path}&as={name}">{name}</a> ' for name in people)
                self.answer(f"<!doctype html><title>Who are you?</title><h1>Who are you?</h1>{links}", "text/html")
            elif url.path == "/authorize":
                code = secrets.token_urlsafe()
                codes[code] = (query["as"], query)
                back = urllib.parse.urlencode({"code": code, "state": query["state"]})
                self.send_response(302)
                self.send_header("Location", f"{query['redirect_uri']}?{back}")
                self.send_header("Content-Length", "0")
                self.end_headers()
            else:
                self.answer("not here", "text/plain", 404)

        def do_POST(self):
            form = dict(urllib.parse.parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
            sent = self.headers.get("Authorization", "").removeprefix("Basic ")
            known = base64.b64encode(f"{CLIENT}:{urllib.parse.quote(SECRET)}".encode()).decode()
            plainly = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
            name, asked = codes.pop(form["code"], (None, {}))
            if name is None or (sent not in (known, plainly) and form.get("client_secret") != SECRET):
                self.answer({"error": "invalid_client"}, status=401)
                return
            if "code_challenge" in asked:
                verifier = hashlib.sha256(form["code_verifier"].encode()).digest()
                assert _b64(verifier) == asked["code_challenge"]
            now = int(time.time())
            claims = {"iss": address, "aud": CLIENT, "iat": now, "exp": now + 600, **people[name]}
            if "nonce" in asked:
                claims["nonce"] = asked["nonce"]
            parts = [_b64(json.dumps(one).encode()) for one in ({"alg": "RS256", "kid": "1", "typ": "JWT"}, claims)]
            signed = key.sign(".".join(parts).encode(), padding.PKCS1v15(), hashes.SHA256())
            token = ".".join([*parts, _b64(signed)])
            self.answer({"access_token": "none", "token_type": "Bearer", "expires_in": 600, "id_token": token})

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield address
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()
