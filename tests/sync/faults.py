"""A line that fails: a proxy before the server that cuts, swallows answers, delays, and answers itself."""

import http.client
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from typing_extensions import override

from pumpwatch_gui.bench.rigs.accounts import loopback_server

ANSWERS = {
    "503": (503, {"code": "PGRST000", "message": "Could not connect with the database"}),
    "401": (401, {"code": "PGRST301", "message": "JWT expired"}),
    "57014": (500, {"code": "57014", "message": "canceling statement due to statement timeout"}),
    "login page": (200, "<html>log in to the network</html>"),
    "413": (413, {"message": "Request Entity Too Large"}),
}
FATES = (*ANSWERS, "cut", "swallow", "delay")


class Line:
    """What becomes of the next request is asked of `fate`: its path and body → "pass" or one of FATES."""

    def __init__(self, target: str) -> None:
        self.target = urlsplit(target)
        self.fate: Callable[[str, bytes], str] = lambda path, body: "pass"
        self.seen: Counter[str] = Counter()
        self.sizes: list[int] = []
        """Rows of each request that went through to a table."""
        self.url = ""

    @contextmanager
    def open(self) -> Iterator["Line"]:
        line = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                line.handle(self, body)

            @override
            def log_message(self, format: str, *args: object) -> None:
                pass

        with loopback_server(Handler, "line") as self.url:
            yield self

    def handle(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        fate = self.fate(handler.path, body)
        self.seen[fate] += 1
        if fate in ANSWERS:
            self._answer(handler, *ANSWERS[fate])
            return
        if fate == "cut":
            handler.close_connection = True
            handler.connection.close()
            return
        if fate == "delay":
            time.sleep(0.2)
        try:
            code, content, headers = self._forward(handler, body)
        except OSError:
            self._answer(handler, 502, {"message": "Bad Gateway"})
            return
        if "/rpc/" not in handler.path and code < 300:
            self.sizes.append(body.count(b'"station_id":'))
        if fate == "swallow":  # it was done, and the client never learns of it
            handler.close_connection = True
            handler.connection.close()
            return
        self._reply(handler, code, content, headers)

    def _forward(self, handler: BaseHTTPRequestHandler, body: bytes) -> tuple[int, bytes, dict[str, str]]:
        connection = http.client.HTTPConnection(self.target.hostname or "", self.target.port, timeout=20)
        try:
            headers = {k: v for k, v in handler.headers.items() if k.lower() not in ("host", "connection")}
            connection.request("POST", handler.path, body, headers)
            response = connection.getresponse()
            kept = {name: value for name, value in response.getheaders() if name.lower() == "content-range"}
            return response.status, response.read(), kept
        except http.client.HTTPException as error:
            raise OSError(str(error)) from error
        finally:
            connection.close()

    def _answer(self, handler: BaseHTTPRequestHandler, code: int, said: object) -> None:
        self._reply(handler, code, json.dumps(said).encode(), {})

    def _reply(self, handler: BaseHTTPRequestHandler, code: int, content: bytes, headers: dict[str, str]) -> None:
        with suppress(OSError):
            handler.send_response(code)
            handler.send_header("Content-Type", "application/json")
            handler.send_header("Content-Length", str(len(content)))
            for name, value in headers.items():
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(content)
