"""A collector is killed again and again in a flood of 1,000 alarms: what is open after it is what the journal says."""

import json
import os
import random
import signal
import time
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from pumpwatch_gui.bench.rigs.flood import CALM_S, FLOOD_S, flood_site
from pumpwatch_gui.domain.alarms.alarm import AlarmState
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.store.open_alarms import open_alarms
from tests.flow.programs import program

KILLS = int(os.environ.get("PUMPWATCH_FLOOD_KILLS", "20"))


def rows(database: Path, sql: str) -> list[tuple[object, ...]]:
    """What another program reads; nothing before the tables are there."""
    try:
        with closing(apsw.Connection(os.fspath(database), flags=apsw.SQLITE_OPEN_READONLY)) as connection:
            connection.set_busy_timeout(2_000)
            return [tuple(row) for row in connection.execute(sql).fetchall()]
    except (apsw.CantOpenError, apsw.SQLError):
        return []


def raised(database: Path) -> int:
    """How many alarms the journal has."""
    return len(rows(database, "SELECT 1 FROM journal WHERE kind = 'alarm'"))


def last_states(database: Path) -> dict[str, tuple[str, int]]:
    """The newest state of each alarm in the journal that is not normal, and when it was raised."""
    found: dict[str, tuple[str, int]] = {}
    for (text,) in rows(database, "SELECT detail FROM journal WHERE kind = 'alarm' ORDER BY id"):
        alarm = json.loads(str(text))
        found[alarm["alarm_id"]] = (alarm["state"], alarm["raised_ns"])
    return {key: found[key] for key in found if found[key][0] != AlarmState.NORMAL.value}


@pytest.mark.slow
@pytest.mark.timeout(KILLS * 90)
def test_open_alarms_are_those_of_the_journal_whenever_the_collector_dies(tmp_path: Path) -> None:
    dice, counts = random.Random(7), []
    for turn in range(KILLS):
        home = Home(tmp_path / str(turn))
        home.prepare()
        site_file = flood_site(home.path, pumps=50, sensors=20)
        process = program("run", "--headless", "--site", str(site_file), home=home)
        try:
            deadline = time.monotonic() + CALM_S + FLOOD_S + 30
            wanted = dice.randint(1, 990)
            while raised(home.database) < wanted and time.monotonic() < deadline:
                time.sleep(0.02)
            process.send_signal(signal.SIGKILL)
            process.wait(20)
        finally:
            if process.poll() is None:
                process.kill()
        with closing(apsw.Connection(os.fspath(home.database))) as connection:
            opened = {a.alarm_id: (a.state.value, a.raised_ns) for a in open_alarms(connection)}
        assert opened == last_states(home.database), f"kill {turn} after {len(opened)} alarms"
        counts.append(len(opened))
    assert min(counts) < 900 < max(counts) or KILLS < 20, f"the kills were not spread over the flood: {counts}"
