"""Backup and restore of real homes: while a collector writes, killed in the middle, damaged, refused, and the drill."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw
import pytest

from pumpwatch_gui.cli import main
from pumpwatch_gui.commissioning.backups.making import back_up, watched_site
from pumpwatch_gui.commissioning.backups.restoring import restore
from pumpwatch_gui.domain.commands import Record
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.ports import JournalQuery
from pumpwatch_gui.files.account import user_name
from pumpwatch_gui.files.backups import CONTENT, MANIFEST, read_manifest
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.files.owner import HomeLock
from pumpwatch_gui.store.query.audit_check import verify_audit
from pumpwatch_gui.store.query.history import History
from tests.conftest import wait_until
from tests.flow.running import RunningStation, home_at, simulated, site_text

PEM = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home that a station with two pumps has ended in, with readings, a journal and an audit log."""
    home = home_at(tmp_path_factory.mktemp("recorded") / "home")
    with simulated(2) as port:
        station = RunningStation(home, site_text(port, pumps=2)).start()
        wait_until(lambda: station.engine.latest().stats.readings_committed > 30, within_s=30)
        assert station.order(Record("the seal was looked at")).ok
        station.end()
    (home.path / "guidance.toml").write_text("", "utf-8")
    (home.path / "secrets.toml").write_text('password = "x"\n', "utf-8")
    (home.path / "registers").mkdir()
    (home.path / "registers" / "own.toml").write_text("# a map\n", "utf-8")
    (home.path / "line.toml").write_text(PEM, "utf-8")
    return home


@pytest.fixture
def home(recorded: Home, tmp_path: Path) -> Home:
    """A copy of that home."""
    shutil.copytree(recorded.path, tmp_path / "home")
    return Home(tmp_path / "home")


@pytest.fixture
def backup(home: Home, tmp_path: Path) -> Path:
    """A backup of it."""
    return back_up(home, tmp_path / "backups").folder


def rows(database: Path, sql: str = "SELECT * FROM sensor_readings ORDER BY id") -> list[Any]:
    connection = apsw.Connection(os.fspath(database), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def contents(home: Home) -> dict[str, object]:
    """All that a person would miss: readings, scores, journal, audit log, what is open."""
    history = History(home.database)
    journal = history.journal(JournalQuery(), limit=10_000)
    audit = rows(home.database, "SELECT * FROM audit_log ORDER BY id")
    alarms = history.open_alarms()
    assert journal
    assert audit
    found = verify_audit(home.database)
    assert found.broken_id is None
    return {"readings": rows(home.database), "journal": journal, "audit": audit, "alarms": alarms, "chain": found}


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes()
        for p in folder.rglob("*")
        if p.is_file() and p.name != "owner.lock"
    }


def test_a_running_collector_is_backed_up_and_goes_on_writing(tmp_path: Path) -> None:
    home = home_at(tmp_path / "home")
    with simulated(2) as port:
        site_file = tmp_path / "plant.toml"  # not the home's own: found through the program that watches it
        site_file.write_text(site_text(port, pumps=2), "utf-8")
        arguments = ("run", "--headless", "--site", str(site_file), "--home", str(home.path))
        with subprocess.Popen([sys.executable, "-m", "pumpwatch_gui", *arguments]) as process:
            try:
                wait_until(lambda: home.database.exists() and is_written(home.database, 20), within_s=60)
                assert watched_site(home) == site_file
                made = back_up(home, tmp_path / "backups")
                copied = rows(made.folder / CONTENT / "pumpwatch.db")
                wait_until(lambda: is_written(home.database, len(copied) + 10), within_s=60, what="writing on")
                with pytest.raises(InputError, match="in use by"):
                    restore(made.folder, home, replace=True)
            finally:
                process.send_signal(signal.SIGINT)
    assert process.returncode == 0
    assert len(copied) >= 20
    assert rows(home.database)[: len(copied)] == copied
    assert (made.folder / CONTENT / "site.toml").read_bytes() == site_file.read_bytes()
    assert not list((made.folder / CONTENT).glob("pumpwatch.db-*"))


def is_written(database: Path, count: int) -> bool:
    try:
        return len(rows(database, "SELECT id FROM sensor_readings")) >= count
    except apsw.Error:
        return False


def test_the_drill_gives_back_readings_journal_alarms_and_audit_chain(home: Home, backup: Path, tmp_path: Path) -> None:
    before = contents(home)
    other = Home(tmp_path / "new machine")
    assert main(["restore", str(backup), "--home", str(other.path)]) == 0
    assert contents(other) == before
    assert other.site_file.read_bytes() == home.site_file.read_bytes()
    assert (other.path / "registers" / "own.toml").read_text("utf-8") == "# a map\n"
    station = RunningStation(other).start()  # and a program runs on it
    wait_until(lambda: station.engine.latest().stats.last_commit_ns, within_s=30)
    assert station.order(Record("restored")).ok
    station.end()
    assert verify_audit(other.database).broken_id is None
    kept = rows(home.database)
    assert rows(other.database)[: len(kept)] == kept


def test_a_backup_holds_no_secret_and_says_what_it_left_out(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["backup", "--home", str(home.path), "--out", str(tmp_path / "out")]) == 0
    (folder,) = (tmp_path / "out").iterdir()
    said = capsys.readouterr()
    assert "secrets.toml, a secret" in said.err
    assert "line.toml, a private key" in said.err
    assert str(folder) in said.out
    names = set(files_of(folder / CONTENT))
    assert {"pumpwatch.db", "site.toml", "guidance.toml", "registers/own.toml", "audit-anchors.jsonl"} <= names
    assert not {"secrets.toml", "line.toml", "owner.lock"} & names
    manifest = read_manifest(folder)
    assert {file.name for file in manifest.files} == names
    assert 0 < manifest.first_ns < manifest.last_ns < manifest.made_ns


def cut_short(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def change_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("spoil", [cut_short, change_a_byte, Path.unlink])
@pytest.mark.parametrize("name", ["home/pumpwatch.db", "home/site.toml", "home/audit-anchors.jsonl", MANIFEST])
def test_a_damaged_backup_is_refused_with_the_file_named(
    spoil: Callable[[Path], None], name: str, home: Home, backup: Path
) -> None:
    before = files_of(home.path)
    spoil(backup / name)
    with pytest.raises(InputError, match=name.rpartition("/")[2]):
        restore(backup, home, replace=True)
    assert files_of(home.path) == before


@pytest.mark.parametrize("name", ["../site.toml", "/etc/x", "C:\\x", "C:x", "a/../../x", ""])
def test_a_manifest_that_leads_out_of_its_folder_is_refused(name: str, home: Home, backup: Path) -> None:
    manifest = read_manifest(backup)
    spoilt = type(manifest.files[0])(name, 1, "0" * 64)
    (backup / MANIFEST).write_bytes(type(manifest)("1", "x", 1_000_000, 0, 0, (spoilt,)).content)
    with pytest.raises(InputError, match="not in the backup"):
        restore(backup, home)


def test_newer_readings_are_replaced_only_when_asked_and_put_aside_then(home: Home, backup: Path) -> None:
    old = files_of(home.path)
    connection = apsw.Connection(os.fspath(home.database))
    newest: Any = connection.execute("SELECT max(id) FROM sensor_readings").get
    connection.execute("INSERT INTO reading_rows (id) VALUES (?)", (newest + (60_000 << 12),))
    connection.close()
    newer = rows(home.database)
    with pytest.raises(InputError, match="newer than the backup's"):
        restore(backup, home)
    assert rows(home.database) == newer
    done = restore(backup, home, replace=True)
    assert done.put_aside is not None
    assert rows(done.put_aside / "pumpwatch.db") == newer
    assert rows(home.database) == newer[:-1]
    assert (home.path / "secrets.toml").read_bytes() == old["secrets.toml"]


def test_an_error_in_the_middle_of_a_restore_takes_all_back(home: Home, backup: Path) -> None:
    (home.path / "site.toml").unlink()
    (home.path / "site.toml").mkdir()  # no file can take this name
    before = files_of(home.path)
    with pytest.raises(InputError, match="the home is as it was"):
        restore(backup, home)
    assert files_of(home.path) == before
    assert not list(home.path.glob("before-restore-*"))


def test_no_program_starts_on_a_home_whose_restore_was_cut_off(home: Home, backup: Path) -> None:
    home.restoring.touch()
    assert main(["run", "--headless", "--site", str(home.site_file), "--home", str(home.path), "--for", "1"]) == 2
    restore(backup, home)
    assert not home.restoring.exists()


def test_a_home_in_use_is_not_restored(home: Home, backup: Path) -> None:
    lock = HomeLock(home.path, "window")
    try:
        script = "import sys; from pumpwatch_gui.cli import main; sys.exit(main(sys.argv[1:]))"
        command = [sys.executable, "-c", script, "restore", str(backup), "--home", str(home.path), "--replace"]
        run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    finally:
        lock.release()
    assert run.returncode == 2
    assert "in use by the window" in run.stderr


@pytest.fixture
def large(home: Home) -> Home:
    """A home whose database takes a while to copy."""
    connection = apsw.Connection(os.fspath(home.database))
    connection.execute("CREATE TABLE ballast (content BLOB)")
    for _ in range(60):
        connection.execute("INSERT INTO ballast VALUES (randomblob(2000000))")
    connection.close()
    return home


@contextmanager
def backing_up(home: Home, out: Path) -> Iterator["subprocess.Popen[str]"]:
    """A backup by a program of its own that has begun to copy the database."""
    command = [sys.executable, "-m", "pumpwatch_gui", "backup", "--home", str(home.path), "--out", str(out)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        pattern = f"backup-*.partial/{CONTENT}/pumpwatch.db"
        wait_until(lambda: any(p.stat().st_size for p in out.glob(pattern)), within_s=60, what="copying")
        yield process


def test_a_backup_that_is_killed_leaves_nothing_that_restore_accepts(large: Home, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with backing_up(large, out) as process:
        process.kill()
    assert process.returncode == -signal.SIGKILL
    (left,) = out.iterdir()
    assert left.suffix == ".partial"
    with pytest.raises(InputError, match="not a whole backup"):
        restore(left, Home(tmp_path / "new"))
    assert contents(large)
    assert back_up(large, out).folder.exists()  # and the next one is not hindered


def test_a_target_that_vanishes_is_said_so(large: Home, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with backing_up(large, out) as process:
        out.rename(tmp_path / "unplugged")
        said = process.communicate(timeout=120)[1]
    assert process.returncode == 2, said
    assert "vanished" in said
    assert not out.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="the limit is of POSIX")
def test_a_target_that_fills_up_is_said_so_and_nothing_is_left(large: Home, tmp_path: Path) -> None:
    script = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000_000, 20_000_000));"
        "from pumpwatch_gui.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", script, "backup", "--home", str(large.path), "--out", str(tmp_path / "out")]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 2, run.stderr
    assert "could not be finished" in run.stderr
    assert "nothing is left there" in run.stderr
    assert not list((tmp_path / "out").iterdir())


def test_a_folder_of_no_disk_is_refused(home: Home, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        back_up(home, tmp_path / "not" / "mounted")


def test_a_damaged_database_is_not_taken_for_a_backup(large: Home, tmp_path: Path) -> None:
    with large.database.open("r+b") as file:
        for page in range(3, 200):
            file.seek(page * 4096)
            file.write(b"\xff" * 64)
    assert main(["backup", "--home", str(large.path), "--out", str(tmp_path / "out")]) != 0
    assert not list((tmp_path / "out").iterdir())


def test_the_manifest_is_json_that_names_what_is_in_the_backup(backup: Path) -> None:
    plain = json.loads((backup / MANIFEST).read_text("utf-8"))
    assert plain["format"] == 1
    assert plain["from"] < plain["to"] < plain["made"]
    assert {"name", "bytes", "sha256"} == set(plain["files"][0])


def acts_of(home: Home) -> list[tuple[str, str, int, str]]:
    """Command, who, whether it was done, and what the audit log says of backups and restores."""
    sql = "SELECT action, by, ok, text FROM audit_log WHERE action IN ('backup', 'restore') ORDER BY id"
    return rows(home.database, sql)


def test_who_backed_up_and_restored_is_in_the_audit_log(home: Home, tmp_path: Path) -> None:
    out = tmp_path / "backups"
    assert main(["backup", "--home", str(home.path), "--out", str(out)]) == 0
    assert main(["backup", "--home", str(home.path), "--out", str(tmp_path / "no" / "disk")]) != 0
    assert acts_of(home) == [], "no program runs: it is noted in the home until one does"
    with simulated(2) as port:
        station = RunningStation(home, site_text(port, pumps=2)).start()
        wait_until(lambda: len(acts_of(home)) == 2, within_s=20)
        assert main(["backup", "--home", str(home.path), "--out", str(out)]) == 0
        (folder, _) = sorted(out.iterdir())
        lock = HomeLock(home.path, "window")
        assert main(["restore", str(folder), "--home", str(home.path)]) != 0, "a program has the home"
        lock.release()
        wait_until(lambda: len(acts_of(home)) == 4, within_s=20)
        station.end()
    assert [(action, ok) for action, _, ok, _ in acts_of(home)] == [
        ("backup", 1), ("backup", 0), ("backup", 1), ("restore", 0)]  # fmt: skip
    assert {by for _, by, _, _ in acts_of(home)} == {user_name()}
    texts = [text for *_, text in acts_of(home)]
    assert texts[0].startswith(f"{folder}: ")
    assert "verified (20" in texts[0], "with the time"
    assert "cannot be written" in texts[1]
    assert "in use by" in texts[3]
    assert verify_audit(home.database).broken_id is None
    assert list(home.acts.iterdir()) == []


def test_a_restore_is_in_the_audit_log_of_the_home_it_made(home: Home, tmp_path: Path) -> None:
    folder = back_up(home, tmp_path / "backups").folder
    assert main(["restore", str(folder), "--home", str(home.path)]) == 0
    with simulated(2) as port:
        station = RunningStation(home, site_text(port, pumps=2)).start()
        wait_until(lambda: len(acts_of(home)) == 1, within_s=20)
        station.end()
    ((action, by, ok, text),) = acts_of(home)
    assert (action, by, ok) == ("restore", user_name(), 1)
    assert f"files restored of {folder}" in text
    assert verify_audit(home.database).broken_id is None
