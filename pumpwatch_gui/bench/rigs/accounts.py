"""A stand-in for the accounts of Supabase: real tokens for real passwords, on loopback."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from typing_extensions import override

SECRET = "a secret of this rig that is long enough"
"""What tokens are signed with, and what PostgREST checks them by."""
KEY = "sb_publishable_of_this_rig"


def token_of(user: str, *, seconds: float = 3600.0, role: str = "authenticated") -> str:
    """An HS256 token of a user as Supabase issues it, good for so long."""
    content = {"sub": user, "role": role, "exp": int(time.time() + seconds), "aud": "authenticated"}
    parts = [_base64(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, content)]
    signed = hmac.new(SECRET.encode(), ".".join(parts).encode(), hashlib.sha256).digest()
    return ".".join([*parts, _base64(signed)])


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


@contextmanager
def loopback_server(handler: type[BaseHTTPRequestHandler], name: str) -> Iterator[str]:
    """A server of loopback on a thread; gives its address."""

    class Server(ThreadingHTTPServer):
        @override
        def handle_error(self, request: object, client_address: object) -> None:
            pass  # of a client that was killed

    server = Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name=name)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Accounts:
    """The token endpoint: accounts by name, each with its password.

    `token_s` is how long a token lives, `requests` are the grants that were asked for.
    """

    passwords: dict[str, str] = field(default_factory=dict)
    token_s: float = 3600.0
    requests: list[str] = field(default_factory=list)
    url: str = ""

    def issue(self, grant: str, asked: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Status and content of the response to a grant, by password or by renewal."""
        self.requests.append(grant)
        user = asked.get("email") if grant == "password" else asked.get("refresh_token", "").removeprefix("again-")
        is_known = user in self.passwords and grant in ("password", "refresh_token")
        if not is_known or (grant == "password" and self.passwords[str(user)] != asked.get("password")):
            return 400, {"error_code": "invalid_credentials", "msg": "Invalid login credentials"}
        return 200, {"access_token": token_of(str(user), seconds=self.token_s), "refresh_token": f"again-{user}",
                     "expires_in": int(self.token_s), "token_type": "bearer"}  # fmt: skip

    @contextmanager
    def serving(self) -> Iterator["Accounts"]:
        """Serve them on loopback; `url` is where."""
        accounts = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                grant = parse_qs(urlsplit(self.path).query).get("grant_type", [""])[0]
                asked = json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))) or b"{}")
                code, said = accounts.issue(grant, asked) if self.headers.get("apikey") else (401, {"msg": "no key"})
                content = json.dumps(said).encode()
                self.send_response(code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            @override
            def log_message(self, format: str, *args: object) -> None:
                pass

        with loopback_server(Handler, "accounts") as url:
            self.url = f"{url}/auth/v1"
            yield self
