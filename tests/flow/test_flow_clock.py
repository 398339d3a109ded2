"""The system clock is set while a station runs: each step is in the journal once, and nothing that was read is lost."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pumpwatch_gui.domain.errors import StoreError
from pumpwatch_gui.domain.journal import JournalRow
from pumpwatch_gui.domain.ports import JournalQuery
from pumpwatch_gui.store.query.history import History
from tests.conftest import wait_until
from tests.flow.running import home_at, simulated, site_text

FAKETIME = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)


@pytest.mark.skipif(FAKETIME is None, reason="libfaketime is not installed")
def test_each_step_of_the_system_clock_is_one_line_of_the_journal(tmp_path: Path) -> None:
    home = home_at(tmp_path / "home")
    offset = tmp_path / "offset"
    offset.write_text("+0")
    environment = {
        **os.environ, "LD_PRELOAD": str(FAKETIME), "FAKETIME_TIMESTAMP_FILE": str(offset), "FAKETIME_NO_CACHE": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }  # fmt: skip

    def lines(text: str) -> list[JournalRow]:
        try:
            return sorted(History(home.database).journal(JournalQuery(text=text)), key=lambda row: row.text)
        except StoreError:  # the tables are not there yet
            return []

    def set_clock(offset_s: str, wanted: int) -> None:
        other = offset.with_suffix(".new")
        other.write_text(offset_s)
        other.replace(offset)  # at once: half an offset would be another
        wait_until(lambda: len(lines("system clock")) == wanted, within_s=20)

    with simulated(2) as port:
        home.site_file.write_text(site_text(port, pumps=2), "utf-8")
        command = [sys.executable, "-m", "pumpwatch_gui", "run", "--headless", "--site", str(home.site_file), "--home"]
        collector = subprocess.Popen([*command, str(home.path)], env=environment, stderr=subprocess.PIPE, text=True)
        try:
            wait_until(lambda: lines("started with"), within_s=30)
            set_clock("-3600", 1)
            set_clock("+1800", 2)
        finally:
            collector.terminate()
            _, said = collector.communicate(timeout=30)
    assert collector.returncode == 0, said
    back, forward = lines("system clock")
    assert (back.kind, back.severity, forward.severity) == ("note", "WARNING", "WARNING")
    assert "was set back by 3,600." in back.text or "was set back by 3,599." in back.text
    assert "was set forward by 5,400." in forward.text or "was set forward by 5,399." in forward.text
