"""The chosen link in words, and the columns of the table above it."""

from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout

from pumpwatch_gui.commissioning.devices.links import DRIVER_CHOICES, identity_text, line_text, map_words
from pumpwatch_gui.domain.links.view import LinkState, LinkView
from pumpwatch_gui.domain.ports import Capability
from pumpwatch_gui.domain.wording import age, duration, error_text
from pumpwatch_gui.gui.look.layout import hbox
from pumpwatch_gui.gui.look.widgets import Panel, StatusText, button, label, set_role
from pumpwatch_gui.gui.shell.page import PageContext
from pumpwatch_gui.gui.tables.links import response_text, state_text, trouble_text

_EXCEPTIONS = {1: "function unknown", 2: "address unknown", 3: "value refused", 4: "device failure", 5: "accepted",
               6: "busy", 10: "no path", 11: "no response behind the gateway"}  # fmt: skip
_FACTS = ("State", "Last good values", "Driver", "Endpoint", "Period", "Response, ms", "Good", "Exceptions",
          "Line", "Map", "Identity")  # fmt: skip


LINK_TITLES = ("Link", "Endpoint", "State", "Requests", "Good", "Time-outs", "Refused", "Length", "CRC", "Exceptions",
               "Late", "Reconn.", "Missed", "p50 / p95 ms", "Last error")  # fmt: skip


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
        self.forget = button(
            "Learn again",
            "Forget what was learnt of this device (block sizes, pauses, missing registers), as after its exchange",
            self.forget_learnt,
        )
        if Capability.BROWSE not in context.station.capabilities:
            self.read_id.hide()
            self.forget.hide()
        column: QVBoxLayout = self.body
        column.addLayout(grid)
        column.addWidget(self.trouble)
        column.addStretch(1)
        column.addLayout(hbox(self.read_id, self.forget, None, spacing=6))

    def show_link(self, view: LinkView | None, now_ns: int) -> None:
        """Show a link as it is now; None when the station has none."""
        if view is None:
            self.heading.setText("No link")
            return
        if view.link_id != self.link_id:
            self._choose(view)
        since = duration((now_ns - view.since_mono_ns) / 1e9)
        good = age((now_ns - view.last_good_mono_ns) / 1e9) + " ago" if view.last_good_mono_ns else "never"
        share = f"{view.good:,} of {view.requests:,}"
        if view.requests:
            share += f" ({100 * view.good / view.requests:.1f} %)"
        codes = "; ".join(f"{n:,} × {c} {_EXCEPTIONS.get(c, '')}".rstrip() for c, n in sorted(view.exceptions.items()))
        texts = {
            "State": f"{state_text(view)}, for {since}",
            "Last good values": good,
            "Driver": kind.label if (kind := DRIVER_CHOICES.get(view.driver)) is not None else view.driver,
            "Endpoint": view.endpoint,
            "Period": f"{view.period_s:g} s",
            "Response, ms": response_text(view),
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
        self.facts["Map"].setText("–")
        for each in (self.read_id, self.forget):
            each.setEnabled(DRIVER_CHOICES[view.driver].config.uses_registers)
        site, link_id = self.context.station.site(), view.link_id
        self.context.ask(lambda: line_text(site, link_id), partial(self._show, link_id, "Line"))
        self.context.ask(lambda: map_words(site, link_id), partial(self._show, link_id, "Map"))

    def identify(self) -> None:
        """Read the device identification over the running link."""
        link_id, station = self.link_id, self.context.station
        if link_id:
            self.facts["Identity"].setText("reading …")
            self.context.ask(
                lambda: identity_text(station, link_id),
                partial(self._show, link_id, "Identity"),
                partial(self._not_identified, link_id),
            )

    def forget_learnt(self) -> None:
        """Let the device be learnt again."""
        if self.link_id:
            self.context.station.links.forget(self.link_id)

    def _not_identified(self, link_id: str, error: Exception) -> None:
        self._show(link_id, "Identity", f"no identification: {error_text(error)}")

    def _show(self, link_id: str, name: str, text: str) -> None:
        if link_id == self.link_id:
            self.facts[name].setText(text)
