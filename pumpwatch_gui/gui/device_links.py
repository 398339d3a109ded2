"""The links of the station as the Devices page shows them: the table of counters, and the chosen link in words."""

from math import isfinite

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout

from pumpwatch_gui.acquire.budget import LineSpeed, line_budget
from pumpwatch_gui.acquire.config import DriverConfig, ModbusRtuConfig
from pumpwatch_gui.acquire.drivers import DRIVERS
from pumpwatch_gui.domain.link import LinkState, LinkView
from pumpwatch_gui.gui.page import Source, Workplace
from pumpwatch_gui.gui.tables import Column
from pumpwatch_gui.gui.widgets import Panel, button, label, set_role
from pumpwatch_gui.gui.words import duration, error_text, number
from pumpwatch_gui.settings.line_check import PlacedLink, poll_plan
from pumpwatch_gui.settings.site import Site

WAIT_S = 15.0
"""Longest wait for an order on a running link; it is read between two beats, and a dead unit is asked seldom."""
_MARKS = {LinkState.ONLINE: "●", LinkState.CONNECTING: "○", LinkState.STALE: "▲", LinkState.OFFLINE: "✕"}
_EXCEPTIONS = {1: "function unknown", 2: "address unknown", 3: "value refused", 4: "device failure", 5: "accepted",
               6: "busy", 10: "no path", 11: "no answer behind the gateway"}  # fmt: skip
_FACTS = ("State", "Last good values", "Driver", "Endpoint", "Period", "Answers p50 / p95", "Good", "Exceptions",
          "Line", "Identity")  # fmt: skip


def config_of(site: Site, link_id: str) -> DriverConfig | None:
    """How a link is set (`PUMP/1` is the first link of PUMP); None when the site has no such link."""
    pump_id, _, number_text = link_id.rpartition("/")
    links = next((p.links for p in site.pumps if p.pump_id == pump_id), ())
    at = int(number_text) - 1 if number_text.isdigit() else -1
    return links[at] if 0 <= at < len(links) else None


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

    def count(title: str, name: str, tip: str) -> Column[LinkView]:
        return Column(title, lambda v: f"{getattr(v, name):,}", right=True, tip=lambda _: tip)

    def answers(view: LinkView) -> str:
        return f"{number(view.answer_p50_ms, 1)} / {number(view.answer_p95_ms, 1)}"

    return [
        Column("Link", lambda v: v.link_id),
        Column("Endpoint", lambda v: v.endpoint, tip=lambda v: f"{v.endpoint} ({v.driver})"),
        Column("State", state_text),
        count("Asked", "requests", "What was asked (text lines: what came)"),
        count("Good", "good", "What could be believed"),
        count("Time-outs", "timeouts", "No answer in time"),
        count("Refused", "refused_answers", "Answers of another unit or function"),
        count("Length", "wrong_length", "Short and long answers"),
        count("CRC", "crc_errors", "Damaged on the way"),
        Column("Exceptions", exceptions_text, tip=lambda _: "The device said no: code and count"),
        count("Late", "late_answers", "Came after their time-out"),
        count("Reconn.", "reconnects", "How often the link came back"),
        count("Overruns", "skipped_beats", "Beats that were skipped"),
        Column("p50 / p95 ms", answers, right=True),
        Column("Last error", trouble_text, tip=trouble_text),
    ]


LINK_WIDTHS = {0: 74, 1: 168, 2: 96, 3: 66, 4: 66, 5: 78, 6: 68, 7: 62, 8: 52, 9: 86, 10: 50, 11: 70, 12: 76, 13: 98}


class LinkDetail(Panel):
    """One link in words: how it stands, what went wrong last and why, what its line can carry, who is there."""

    def __init__(self, place: Workplace) -> None:
        super().__init__(place.look, "Link")
        self.place = place
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
        self.trouble = label("")
        self.trouble.setWordWrap(True)
        self.trouble.setAccessibleName("Last error")
        self.who = button("Who is there?", "Ask the device for its name (function 43/14)", self.identify)
        column: QVBoxLayout = self.body
        column.addLayout(grid)
        column.addWidget(self.trouble)
        column.addStretch(1)
        column.addWidget(self.who, 0, Qt.AlignmentFlag.AlignLeft)

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
        answers = f"{number(view.answer_p50_ms, 1)} / {number(view.answer_p95_ms, 1)} ms"
        codes = "; ".join(f"{n:,} × {c} {_EXCEPTIONS.get(c, '')}".rstrip() for c, n in sorted(view.exceptions.items()))
        texts = {
            "State": f"{state_text(view)}, for {since}",
            "Last good values": good,
            "Driver": DRIVERS[view.driver].label if view.driver in DRIVERS else view.driver,
            "Endpoint": view.endpoint,
            "Period": f"{view.period_s:g} s",
            "Answers p50 / p95": answers if isfinite(view.answer_p50_ms) else "none yet",
            "Good": share,
            "Exceptions": codes or "none",
        }
        for name, text in texts.items():
            self.facts[name].setText(text)
        if view.identity:
            self.facts["Identity"].setText(view.identity)
        set_role(self.facts["State"], "strong" if view.state is LinkState.ONLINE else "warning")
        self.trouble.setText(trouble_text(view))
        set_role(self.trouble, "dim" if view.state is LinkState.ONLINE else "warning")

    def _choose(self, view: LinkView) -> None:
        self.link_id = view.link_id
        self.heading.setText(view.link_id)
        self.facts["Identity"].setText("not asked")
        self.facts["Line"].setText("–")
        self.who.setEnabled(view.driver.startswith("modbus"))
        site, link_id = self.place.source.site, view.link_id
        self.place.ask(lambda: (link_id, line_text(site, link_id)), self._show_line)

    def _show_line(self, answer: tuple[str, str]) -> None:
        if answer[0] == self.link_id:
            self.facts["Line"].setText(answer[1])

    def identify(self) -> None:
        """Ask the device of the running link who it is."""
        link_id, source = self.link_id, self.place.source
        if not link_id:
            return
        self.facts["Identity"].setText("asking …")
        self.place.ask(lambda: (link_id, _identity(source, link_id)), self._identified)

    def _identified(self, answer: tuple[str, str]) -> None:
        if answer[0] == self.link_id:
            self.facts["Identity"].setText(answer[1])


def _identity(source: Source, link_id: str) -> str:
    try:
        found = source.identify(link_id).result(WAIT_S)
    except Exception as error:  # noqa: BLE001 - whatever it was is told where the answer would stand
        return f"no answer to that: {error_text(error)}"
    return " · ".join(f"{key} {value}" for key, value in found.items()) or "it says nothing"


def line_text(site: Site, link_id: str) -> str:
    """What the poll plan of all links of a serial line needs of its time; reads register maps."""
    config = config_of(site, link_id)
    if not isinstance(config, ModbusRtuConfig):
        return "no serial line of this machine"
    placed = [
        PlacedLink(f"{pump.pump_id}/{n}", link, pump.profile)
        for pump in site.pumps
        for n, link in enumerate(pump.links, 1)
        if isinstance(link, ModbusRtuConfig) and link.device == config.device
    ]
    plans = [plan for link in placed if (plan := poll_plan(link, site.folder))]
    if not plans:
        return "no register map"
    budget = line_budget(plans, LineSpeed(config.baud, config.parity, config.stop_bits))
    return f"{budget.text}, {len(plans)} links ({budget.load:.0%} busy)"
