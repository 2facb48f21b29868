"""The one door of a server: nodes' requests pass, and whoever else comes, to start runs or admit keys, does not.

Flower's SuperLink answers nodes, operators and its own apps at one address, and asks operators for no password. So it
listens on this machine alone, and this process hands it what belongs to nodes. Who a node is, the SuperLink checks.
Run as `python -m federation.engines.deploy.gate`.
"""

from __future__ import annotations

import argparse
import http.client
import re
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from federation.engines.deploy.keys import CA, SERVER_CERTIFICATE, SERVER_KEY

_NODES: Final = re.compile(r"/v1/fleet/[a-z-]+")
_LARGEST: Final = 2**31
_HEARD_OUT: Final = 2**16
_AT_ONCE: Final = 256
_WAIT_S: Final = 120.0
_PASSED_ON: Final = ("content-type", "content-length", "accept", "user-agent")
_OF_NODES: Final = "flwr-"
_LOOPBACK: Final = "127.0.0.1"


class Gate(ThreadingHTTPServer):
    """Listens with the server's certificate and asks the SuperLink on this machine.

    Guarantee: no request but one by POST to a path of nodes reaches the SuperLink through it.

    Args:
        folder: of the server, with its certificate and key.
        bind: address to listen on.
        port: to listen on.
        inner: port of the SuperLink.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, folder: Path, *, bind: str, port: int, inner: int) -> None:
        self.outside = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.outside.minimum_version = ssl.TLSVersion.TLSv1_2
        self.outside.load_cert_chain(folder / SERVER_CERTIFICATE, folder / SERVER_KEY)
        self.inside = ssl.create_default_context(cafile=str(folder / CA))
        self.inner, self.room = inner, threading.BoundedSemaphore(_AT_ONCE)
        super().__init__((bind, port), _Passage)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing about connections that break off."""


class _Passage(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _WAIT_S
    server: Gate

    def setup(self) -> None:
        """Shake hands in the thread of this connection, so that nobody keeps others waiting."""
        self.request.settimeout(self.timeout)
        self.request = self.server.outside.wrap_socket(self.request, server_side=True)
        super().setup()

    def do_POST(self) -> None:
        """Hand a node's request on."""
        length = self.headers.get("content-length", "")
        if not _NODES.fullmatch(self.path) or not length.isdigit() or int(length) > _LARGEST:
            if length.isdigit():
                self.rfile.read(min(int(length), _HEARD_OUT))  # closing on unread bytes would take the answer back
            self._answer(403, b"", {})
            return
        body = self.rfile.read(int(length))
        headers = {
            name: value
            for name, value in self.headers.items()
            if name.lower() in _PASSED_ON or name.lower().startswith(_OF_NODES)
        }
        with self.server.room:
            inside = http.client.HTTPSConnection(
                _LOOPBACK, self.server.inner, timeout=_WAIT_S, context=self.server.inside
            )
            try:
                inside.request("POST", self.path, body=body, headers=headers)
                reply = inside.getresponse()
                found, content = reply.status, reply.read()
                kind = reply.getheader("content-type")
            except (OSError, http.client.HTTPException):
                found, content, kind = 502, b"", None
            finally:
                inside.close()
        self._answer(found, content, {} if kind is None else {"content-type": kind})

    def log_message(self, format: str, *args: Any) -> None:
        """Write no line for each request; the SuperLink does."""

    def _answer(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        if status == 403:
            self.send_header("connection", "close")  # closes it here too
        self.end_headers()
        self.wfile.write(content)


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--bind", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--inner", type=int, required=True)
    said = parser.parse_args()
    Gate(said.folder, bind=said.bind, port=said.port, inner=said.inner).serve_forever()


if __name__ == "__main__":
    main()
