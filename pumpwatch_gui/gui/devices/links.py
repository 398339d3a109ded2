"""The links of the station as the Devices page shows them: the table of counters, and the chosen link in words."""

from collections.abc import Callable
from math import isfinite

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout

from pumpwatch_gui.commissioning.links import DRIVER_CHOICES, line_text
from pumpwatch_gui.commissioning.plausibility import WAIT_S
from pumpwatch_gui.domain.links.view import LinkState, LinkView
from pumpwatch_gui.domain.ports import Station
from pumpwatch_gui.domain.wording import duration, error_text, number
from pumpwatch_gui.gui.look.widgets import Panel, StatusText, button, label, set_role
from pumpwatch_gui.gui.shell.page import PageContext
from pumpwatch_gui.gui.tables.rows_model import Column

_MARKS = {LinkState.ONLINE: "●", LinkState.CONNECTING: "○", LinkState.STALE: "▲", LinkState.OFFLINE: "✕"}
_EXCEPTIONS = {1: "function unknown", 2: "address unknown", 3: "value refused", 4: "device failure", 5: "accepted",
               6: "busy", 10: "no path", 11: "no response behind the gateway"}  # fmt: skip
_FACTS = ("State", "Last good values", "Driver", "Endpoint", "Period", "Response time", "Good", "Exceptions",
          "Line", "Identity")  # fmt: skip


def state_text(view: LinkView) -> str:
    """The state with its mark."""
    return f"{_MARKS[view.state]} {view.state.value}"


def exceptions_text(view: LinkView) -> str:
    """Count by code: `2: 14, 6: 1`."""
    return ", ".join(f"{code}: {count:,}" for code, count in sorted(view.exceptions.items()))


def trouble_text(view: LinkView) -> str:
    """The last error with its probable cause."""
    if not view.last_error:
        return ""
    earlier = "earlier: " if view.state is LinkState.ONLINE else ""
    return f"{earlier}{view.last_error}" + (f" – {view.last_advice}" if view.last_advice else "")


def link_columns() -> list[Column[LinkView]]:
    """State and every counter."""

    def count(title: str, of: Callable[[LinkView], int], tip: str) -> Column[LinkView]:
        return Column(title, lambda v: f"{of(v):,}", right=True, tip=lambda _: tip)

    def response_times(view: LinkView) -> str:
        return f"{number(view.response_p50_ms, 1)} / {number(view.response_p95_ms, 1)}"

    return [
        Column("Link", lambda v: v.link_id),
        Column("Endpoint", lambda v: v.endpoint, tip=lambda v: f"{v.endpoint} ({v.driver})"),
        Column("State", state_text),
        count("Requests", lambda v: v.requests, "Requests that were sent (text lines: lines that came)"),
        count("Good", lambda v: v.good, "Responses that passed every check"),
        count("Time-outs", lambda v: v.timeouts, "No response in time"),
        count("Refused", lambda v: v.refused_responses, "Responses of another unit or function"),
        count("Length", lambda v: v.wrong_length, "Short and long responses"),
        count("CRC", lambda v: v.crc_errors, "Damaged on the way"),
        Column("Exceptions", exceptions_text, tip=lambda _: "The device refused the request: code and count"),
        count("Late", lambda v: v.late_responses, "Responses that came after their time-out"),
        count("Reconn.", lambda v: v.reconnects, "How often the link came back"),
        count("Missed", lambda v: v.missed_scans, "Scans that could not begin in time"),
        Column("p50 / p95 ms", response_times, right=True),
        Column("Last error", trouble_text, tip=trouble_text),
    ]


LINK_WIDTHS = {0: 74, 1: 168, 2: 96, 3: 66, 4: 66, 5: 78, 6: 68, 7: 62, 8: 52, 9: 86, 10: 50, 11: 70, 12: 76, 13: 98}


class LinkDetail(Panel):
    """One link in words: its state, the last error and its cause, the load of its line, the device identification."""

    def __init__(self, context: PageContext) -> None:
        super().__init__(context.appearance, "Link")
        self.context = context
        self.link_id = ""
        self.facts: dict[str, QLabel] = {}
        grid = QGridLayout()
        grid.setVerticalSpacing(5)
        grid.setHorizontalSpacing(10)
        grid.setColumnStretch(1, 1)
        for row, name in enumerate(_FACTS):
            value = label("–", "strong")
            value.setWordWrap(True)
            value.setAccessibleName(f"Link: {name}")
            grid.addWidget(label(name, "dim"), row, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(value, row, 1)
            self.facts[name] = value
        self.trouble = StatusText()
        self.trouble.setAccessibleName("Last error")
        self.read_id = button("Read device ID", "Read the device identification (function 43/14)", self.identify)
        column: QVBoxLayout = self.body
        column.addLayout(grid)
        column.addWidget(self.trouble)
        column.addStretch(1)
        column.addWidget(self.read_id, 0, Qt.AlignmentFlag.AlignLeft)

    def show_link(self, view: LinkView | None, now_ns: int) -> None:
        """Show a link as it is now; None when the station has none."""
        if view is None:
            self.heading.setText("No link")
            return
        if view.link_id != self.link_id:
            self._choose(view)
        since = duration((now_ns - view.since_mono_ns) / 1e9)
        good = duration((now_ns - view.last_good_mono_ns) / 1e9) + " ago" if view.last_good_mono_ns else "never"
        share = f"{view.good:,} of {view.requests:,}"
        if view.requests:
            share += f" ({view.good / view.requests:.1%})"
        times = f"{number(view.response_p50_ms, 1)} / {number(view.response_p95_ms, 1)} ms"
        codes = "; ".join(f"{n:,} × {c} {_EXCEPTIONS.get(c, '')}".rstrip() for c, n in sorted(view.exceptions.items()))
        texts = {
            "State": f"{state_text(view)}, for {since}",
            "Last good values": good,
            "Driver": DRIVER_CHOICES[view.driver].label,
            "Endpoint": view.endpoint,
            "Period": f"{view.period_s:g} s",
            "Response time": times if isfinite(view.response_p50_ms) else "none yet",
            "Good": share,
            "Exceptions": codes or "none",
        }
        for name, text in texts.items():
            self.facts[name].setText(text)
        if view.identity:
            self.facts["Identity"].setText(view.identity)
        set_role(self.facts["State"], "strong" if view.state is LinkState.ONLINE else "warning")
        self.trouble.say(trouble_text(view), "dim" if view.state is LinkState.ONLINE else "warning")

    def _choose(self, view: LinkView) -> None:
        self.link_id = view.link_id
        self.heading.setText(view.link_id)
        self.facts["Identity"].setText("not read")
        self.facts["Line"].setText("–")
        self.read_id.setEnabled(DRIVER_CHOICES[view.driver].config.uses_registers)
        site, link_id = self.context.station.site(), view.link_id
        self.context.ask(lambda: (link_id, line_text(site, link_id)), self._show_line)

    def _show_line(self, answer: tuple[str, str]) -> None:
        if answer[0] == self.link_id:
            self.facts["Line"].setText(answer[1])

    def identify(self) -> None:
        """Read the device identification over the running link."""
        link_id, station = self.link_id, self.context.station
        if not link_id:
            return
        self.facts["Identity"].setText("reading …")
        self.context.ask(lambda: (link_id, _identity(station, link_id)), self._identified)

    def _identified(self, answer: tuple[str, str]) -> None:
        if answer[0] == self.link_id:
            self.facts["Identity"].setText(answer[1])


def _identity(station: Station, link_id: str) -> str:
    try:
        found = station.links.identify(link_id).result(WAIT_S)
    except Exception as error:  # noqa: BLE001 - whatever it was is shown in place of the identification
        return f"no identification: {error_text(error)}"
    return " · ".join(f"{key} {value}" for key, value in found.items()) or "it is empty"
