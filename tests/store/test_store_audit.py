"""The audit log shows what was done to it: altered, missing, moved, cut off, or made again."""

import json
from pathlib import Path
from typing import Any

import pytest

from pumpwatch_gui.cli import main
from pumpwatch_gui.domain.events import OrderDone
from pumpwatch_gui.store.anchors import FILE, Anchor, Anchors
from pumpwatch_gui.store.query.audit_check import verify_audit
from tests.store.conftest import START_NS, Running

UNLOCK = "DROP TRIGGER audit_log_keeps_rows; DROP TRIGGER audit_log_keeps_values; DROP TRIGGER audit_log_keeps_ids"


def order(second: int) -> OrderDone:
    return OrderDone(START_NS + second * 10**9, "", "record", True, f"note {second}", "asha")


@pytest.fixture
def home(open_store: Any) -> Running:
    """Three runs of four orders each; their ids are in `ids_of`."""
    store: Running = open_store("motor_rpm")
    for run in range(3):
        store = store if not run else open_store("motor_rpm")
        for second in range(4):
            store.store.offer_event(order(4 * run + second))
        store.end()
    store.rows(UNLOCK)
    return store


def ids_of(store: Running) -> list[int]:
    return [key for (key,) in store.rows("SELECT id FROM audit_log ORDER BY id")]


def test_a_whole_log_is_whole_with_an_anchor_for_every_end(home: Running) -> None:
    found = verify_audit(home.path)
    assert (found.rows, found.anchors, found.broken_id, found.text) == (12, 3, None, "")
    assert (home.path.with_name(FILE).stat().st_mode & 0o777) == 0o600


@pytest.mark.parametrize("place", [0, 5, 11])
@pytest.mark.parametrize("what", ["by = 'ravi'", "text = ''", "ok = 0", "time_ns = 1", "hash = zeroblob(32)"])
def test_an_altered_row_is_named(home: Running, place: int, what: str) -> None:
    key = ids_of(home)[place]
    home.rows(f"UPDATE audit_log SET {what} WHERE id = ?", key)
    found = verify_audit(home.path)
    assert found.broken_id == key
    assert f"row {key} (2023-11-14T" in found.text or "1970" in found.text


def test_a_row_that_is_missing_at_an_anchor_is_named_itself_and_elsewhere_the_one_after(home: Running) -> None:
    ids = ids_of(home)
    home.rows("DELETE FROM audit_log WHERE id = ?", ids[7])
    found = verify_audit(home.path)
    assert found.broken_id == ids[7]
    assert "is missing" in found.text
    home.rows("DELETE FROM audit_log WHERE id = ?", ids[1])
    assert verify_audit(home.path).broken_id == ids[2]


def test_rows_that_changed_places_are_named(home: Running) -> None:
    ids = ids_of(home)
    home.rows("UPDATE audit_log SET id = -1 WHERE id = ?", ids[4])
    home.rows("UPDATE audit_log SET id = ? WHERE id = ?", ids[4], ids[5])
    home.rows("UPDATE audit_log SET id = ? WHERE id = -1", ids[5])
    assert verify_audit(home.path).broken_id == ids[4]


def test_an_end_that_was_cut_off_shows_by_the_anchor(home: Running) -> None:
    ids = ids_of(home)
    home.rows("DELETE FROM audit_log WHERE id > ?", ids[8])
    assert verify_audit(home.path).broken_id == ids[11]


def test_a_log_that_was_made_anew_shows_by_the_anchors(home: Running, open_store: Any) -> None:
    ids = ids_of(home)
    home.path.unlink()
    again = open_store("motor_rpm")
    again.store.offer_event(order(100))
    again.end()
    found = verify_audit(home.path)
    assert found.broken_id == ids[3]
    assert "missing" in found.text


def test_the_chain_goes_on_after_damage_that_leaves_nothing_to_sqlite(
    home: Running, open_store: Any, wait_until: Any
) -> None:
    with home.path.open("r+b") as file:
        file.write(b"X")
    again = open_store("motor_rpm")
    again.start()
    again.store.offer_event(order(100))
    wait_until(lambda: not list(home.path.parent.glob("*.salvage")), what="the salvage")
    again.end()
    found = verify_audit(home.path)
    assert (found.rows, found.broken_id) == (13, None)


def test_half_a_line_of_anchors_costs_only_itself(tmp_path: Path) -> None:
    anchors = Anchors(tmp_path / "pumpwatch.db")
    anchors.add(Anchor(1, 2, "ab"))
    anchors.path.write_bytes(anchors.path.read_bytes() + b'{"time_ns": 3, "id"')
    assert anchors.last() == Anchor(1, 2, "ab")
    assert anchors.all() == [Anchor(1, 2, "ab")]


def test_the_command_ends_with_1_and_names_the_row(home: Running, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(home.path.parent)
    assert main(["verify-audit", "--home", folder]) == 0
    assert "whole, 12 rows" in capsys.readouterr().out
    key = ids_of(home)[6]
    home.rows("UPDATE audit_log SET by = 'ravi' WHERE id = ?", key)
    assert main(["verify-audit", "--home", folder]) == 1
    assert f"row {key}" in capsys.readouterr().out
    assert main(["verify-audit", "--home", folder, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["broken_id"] == key


def test_a_home_without_history_is_a_wrong_input(tmp_path: Path) -> None:
    assert main(["verify-audit", "--home", str(tmp_path)]) == 2
