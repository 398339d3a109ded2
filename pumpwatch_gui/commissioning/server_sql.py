"""The server side of sync: the SQL that makes it, and its way onto a server by PostgreSQL's own `psql`."""

import os
import shutil
import subprocess
from urllib.parse import unquote, urlsplit, urlunsplit

from pumpwatch_gui.domain.errors import InputError, PrerequisiteError, PumpWatchError
from pumpwatch_gui.files.shipped import shipped

CONNECT_S = "10"


def server_script() -> str:
    """All of it, in their order, as one transaction."""
    files = sorted((shipped("resources") / "postgres").glob("[0-9]*.sql"))
    return (
        "BEGIN;\n\n"
        + "\n".join(file.read_text("utf-8") for file in files)
        + "\nCOMMIT;\n\nNOTIFY pgrst, 'reload schema';\n"
    )


def apply_to_server(url: str) -> list[str]:
    """Apply it to a database (postgresql://USER@HOST:PORT/NAME); what is there then, a line each.

    Raises InputError for what is no such address, PrerequisiteError without `psql`, PumpWatchError with what the server
    said when it refuses.
    """
    _psql(url, server_script())
    query = (shipped("resources") / "postgres" / "what-is-there.sql").read_text("utf-8")
    return _psql(url, query).splitlines()


def _psql(url: str, script: str) -> str:
    plain, environment = _without_password(url)
    program = shutil.which("psql")
    if program is None:
        raise PrerequisiteError(
            "psql is not installed, which applies SQL to a server",
            "install it (on Debian: apt install postgresql-client), or paste what `pumpwatch server-sql` prints into "
            "the SQL editor of the server",
        )
    command = [program, "--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "-v", "ON_ERROR_STOP=1", "-d", plain]
    run = subprocess.run(command, input=script, capture_output=True, text=True, env=environment, check=False)
    if run.returncode:
        said = [line for line in run.stderr.splitlines() if "NOTICE" not in line] or ["no reason given"]
        raise PumpWatchError(
            f"the server did not take the SQL: {said[0]}", "nothing was changed; " + _advice(run.stderr)
        )
    return run.stdout


def _without_password(url: str) -> tuple[str, dict[str, str]]:
    """The address without its password, which goes by the environment: other users see a process's arguments."""
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres") or not parts.hostname:
        raise InputError(
            f"{parts.scheme or url!r} is no address of a database", "write postgresql://USER@HOST:5432/NAME"
        )
    environment = {**os.environ, "PGCONNECT_TIMEOUT": CONNECT_S}
    if parts.password is not None:
        environment["PGPASSWORD"] = unquote(parts.password)
    place = parts.netloc.rpartition("@")[2]
    owner = f"{parts.username}@" if parts.username else ""
    return urlunsplit(parts._replace(netloc=f"{owner}{place}")), environment


def _advice(said: str) -> str:
    if "password" in said or "authentication" in said:
        return "check user and password (PGPASSWORD)"
    if "permission denied" in said:
        return "use the account that owns the database (on Supabase: postgres)"
    return "check the address, and that the server runs"
