"""A screen reader in another process finds every control by name, reads every value, hears changes, and can act."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pumpwatch_gui.gui.shell.entries import PAGES

ROOT = Path(__file__).resolve().parents[3]
PYTHON = "/usr/bin/python3"
TOOLS = ("Xvfb", "dbus-run-session")


def missing() -> str:
    """What this machine lacks; "" for nothing."""
    lacking = [tool for tool in TOOLS if shutil.which(tool) is None]
    has_reader = Path(PYTHON).exists() and subprocess.run(
        [PYTHON, "-c", "import pyatspi"], capture_output=True, check=False
    ).returncode == 0  # fmt: skip
    return ", ".join(lacking + ([] if has_reader else ["python3-pyatspi"]))


pytestmark = pytest.mark.skipif(bool(missing()), reason=f"not tested from outside: without {missing()}")

Node = dict[str, Any]


class Session:
    """A window and a reader, each a process, on a display and a bus of their own."""

    def __init__(self, display: str) -> None:
        on = {"DISPLAY": display, "QT_QPA_PLATFORM": "xcb", "QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1"}
        shell = 'echo "$DBUS_SESSION_BUS_ADDRESS"; cat'
        self._bus = self._started(["dbus-run-session", "--", "sh", "-c", shell], os.environ | on)
        address = self._line(self._bus)
        on["DBUS_SESSION_BUS_ADDRESS"] = address
        self._window = self._started([sys.executable, "-m", "tests.gui.outside.window"], os.environ | on)
        assert self._line(self._window) == "shown"
        reader = [PYTHON, str(Path(__file__).with_name("reader.py")), str(self._window.pid)]
        self._reader = self._started(reader, os.environ | on)

    @staticmethod
    def _started(command: list[str], environment: dict[str, str]) -> "subprocess.Popen[str]":
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True
        )

    @staticmethod
    def _line(process: "subprocess.Popen[str]") -> str:
        assert process.stdout is not None
        return process.stdout.readline().strip()

    def _say(self, process: "subprocess.Popen[str]", order: str) -> str:
        assert process.stdin is not None
        process.stdin.write(f"{order}\n")
        process.stdin.flush()
        return self._line(process)

    def turn(self, line: str) -> None:
        """Have the window turn to a page, or its alarms return."""
        assert self._say(self._window, line) == "turned"

    def tree(self) -> list[Node]:
        """All that is on the screen, as the reader has it."""
        nodes: list[Node] = json.loads(self._say(self._reader, "tree"))
        return nodes

    def ask(self, order: str) -> bool:
        """Whether the reader could do it."""
        return bool(json.loads(self._say(self._reader, order)))

    def end(self) -> None:
        """End the three; each ends when its input does."""
        for process in (self._reader, self._window, self._bus):
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.close()
            process.wait(20)
            process.stdout.close()


def named(tree: list[Node], start: str) -> Node:
    """The first node whose name begins so."""
    return next(node for node in tree if node["name"].startswith(start))


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """One for all tests here."""
    read_end, write_end = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write_end), "-screen", "0", "1280x720x24"],
        pass_fds=(write_end,), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(write_end)
    with os.fdopen(read_end) as pipe:
        display = f":{pipe.readline().strip()}"
    made = Session(display)
    yield made
    made.end()
    server.terminate()
    server.wait(20)


@pytest.mark.parametrize("key", [page.key for page in PAGES if page.in_nav])
def test_every_control_of_every_page_has_a_name(session: Session, key: str) -> None:
    session.turn(key)
    tree = session.tree()
    controls = [node for node in tree if node["focusable"] and node["role"] != "table cell"]  # a cell may be empty
    assert [node for node in controls if not node["name"]] == []
    title = next(page.title for page in PAGES if page.key == key)
    assert named(tree, f"{title} page")
    assert named(tree, f"{title} – ")["role"] == "frame"
    assert len(controls) > 10


def test_values_and_states_are_read_not_only_names(session: Session) -> None:
    session.turn("pump")
    tree = session.tree()
    assert "values are live" in named(tree, "Plant, clock")["description"]
    assert "last 10:00, live: Motor speed" in named(tree, "Live trends")["description"]
    assert "limit 85 °C" in named(tree, "Worst unacknowledged alarm: priority 1, P-102")["name"]
    assert "°C" in next(n["description"] for n in tree if n["name"] == "Active alarms" and n["description"])
    session.turn("devices")
    tree = session.tree()
    assert named(tree, "Link: State")["name"].endswith("online, for 50:00")
    session.turn("system")
    assert named(session.tree(), "Queue: Waiting")["name"] == "Queue: Waiting: 3 of 1,000"


def test_an_alarm_is_read_cell_by_cell(session: Session) -> None:
    session.turn("alarms")
    cells = [node["name"] for node in session.tree() if node["role"] == "table cell"]
    assert {"1", "P-102", "Bearing temperature high-high · first out of 2", "85 °C", "unacknowledged"} <= set(cells)


def test_what_is_painted_is_a_list_with_an_item_a_row(session: Session) -> None:
    session.turn("overview")
    tree = session.tree()
    items = [node["name"] for node in tree if node["role"] == "list item"]
    assert [name[:10] for name in items if name.startswith("Pump P-")] == ["Pump P-101", "Pump P-102", "Pump P-103"]
    assert "Bearing temperature high-high" in next(name for name in items if name.startswith("Pump P-102"))
    session.turn("pump")
    tree = session.tree()
    for name in ("Sensors", "Active alarms"):
        assert any(node["name"] == name and node["role"] == "list" for node in tree), name
    items = [node["name"] for node in tree if node["role"] == "list item"]
    assert any(name.startswith("Motor speed: ") for name in items)
    assert any(name.startswith("Bearing temperature: 8") and "alarm priority 1" in name for name in items)


def test_a_button_is_pressed_from_outside(session: Session) -> None:
    session.turn("pump")
    before = named(session.tree(), "Live trends")["description"]
    assert before.startswith("P-102")
    assert session.ask("press Next pump (PgDn)")
    assert session.ask("wait P-103, last 10:00")
    assert not session.ask("press No such button")


def test_changes_of_the_alarms_are_told(session: Session) -> None:
    session.turn("overview")
    session.turn("calm")
    assert session.ask("wait No unacknowledged alarms")
    assert named(session.tree(), "No unacknowledged alarms")
