"""Reads an application over AT-SPI, as a screen reader does. Run by the system's Python, which has pyatspi.

Each line on its input is an order, each answer one line of JSON: `tree` lists what is shown, `press NAME` does what a
button does, `wait TEXT` waits until a change of a name or a description says it.
"""

import json
import sys
import time

import pyatspi
from gi.repository import GLib

PATIENCE_S = 20.0
SHOWN = (pyatspi.STATE_SHOWING, pyatspi.STATE_VISIBLE)


def application(pid: int) -> "pyatspi.Accessible":
    """The application of a process, once it has come."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        for found in pyatspi.Registry.getDesktop(0):
            if found is not None and found.get_process_id() == pid and found.childCount:
                return found
        time.sleep(0.2)
    raise SystemExit(f"process {pid} is not on the accessibility bus")


def shown(node: "pyatspi.Accessible") -> "list[pyatspi.Accessible]":
    """A node and all below it that is on the screen."""
    if node is None:
        return []
    states = node.getState()
    if node.getRole() != pyatspi.ROLE_APPLICATION and not all(states.contains(state) for state in SHOWN):
        return []
    return [node] + [inner for child in node for inner in shown(child)]


def facts(node: "pyatspi.Accessible") -> "dict[str, object]":
    """What a screen reader can say of it."""
    states = node.getState()
    return {
        "role": node.getRoleName(),
        "name": node.name,
        "description": node.description,
        "focusable": states.contains(pyatspi.STATE_FOCUSABLE),
        "enabled": states.contains(pyatspi.STATE_ENABLED),
        "checked": states.contains(pyatspi.STATE_CHECKED),
    }


def press(app: "pyatspi.Accessible", name: str) -> bool:
    """Do what a button does; whether there was one."""
    for node in shown(app):
        if node.name == name and node.getRole() == pyatspi.ROLE_PUSH_BUTTON:
            return bool(node.queryAction().doAction(0))
    return False


class Changes:
    """Names and descriptions that have changed."""

    def __init__(self) -> None:
        self.said: list[str] = []
        kinds = ("object:property-change:accessible-name", "object:property-change:accessible-description")
        for kind in kinds:
            pyatspi.Registry.registerEventListener(self._came, kind)

    def _came(self, event: "pyatspi.Event") -> None:
        self.said += [event.source.name, event.source.description] if event.source is not None else []

    def wait(self, text: str) -> bool:
        """Until one says this."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end and not any(text in said for said in self.said):
            pyatspi.Registry.pumpQueuedEvents()
            GLib.MainContext.default().iteration(False)
            time.sleep(0.02)
        return any(text in said for said in self.said)


def main() -> None:
    """Answer until the input ends."""
    app, changes = application(int(sys.argv[1])), Changes()
    for line in sys.stdin:
        order, _, rest = line.strip().partition(" ")
        answer: object = None
        if order == "tree":
            answer = [facts(node) for node in shown(app)]
        elif order == "press":
            answer = press(app, rest)
        elif order == "wait":
            answer = changes.wait(rest)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
