"""One link of a pump in the settings dialog: its driver, the driver's form, and a test of the connection."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QVBoxLayout, QWidget

from pumpwatch_gui.acquire.discovery.trial import LinkTest, test_link
from pumpwatch_gui.acquire.drivers import DRIVERS
from pumpwatch_gui.domain.links.config import DriverConfig
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.values.quality import Quality
from pumpwatch_gui.domain.wording import number, unit_text
from pumpwatch_gui.gui.forms.form import Form
from pumpwatch_gui.gui.look.widgets import button, label, set_role
from pumpwatch_gui.gui.shell.page import Ask


class LinkBox(QWidget):
    """Edits one link. `value()` is its config, or None with the mistake shown; `removed` asks to take it out."""

    removed = Signal()

    def __init__(self, config: DriverConfig | None, *, ask: Ask, profile: Callable[[], PumpProfile | None],
                 folder: Path | None) -> None:  # fmt: skip
        super().__init__()
        self._ask, self._profile, self._folder = ask, profile, folder
        self.driver = QComboBox()
        self.driver.setAccessibleName("Driver")
        for kind in DRIVERS.values():
            self.driver.addItem(kind.label, kind.name)
        if config is not None:
            self.driver.setCurrentIndex(self.driver.findData(config.driver))
        self.form = self._make_form(config)
        self.outcome = label("", "dim")
        self.outcome.setWordWrap(True)
        self.test = button("Test connection", "Test this connection", self.try_it)
        self.remove = button("Remove link", "Remove this link", self.removed.emit)
        top, foot = QHBoxLayout(), QHBoxLayout()
        name = label("Driver")
        name.setBuddy(self.driver)
        top.addWidget(name)
        top.addWidget(self.driver, 1)
        foot.addWidget(self.test)
        foot.addStretch(1)
        foot.addWidget(self.remove)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(12, 12, 12, 12)
        self._column.setSpacing(8)
        self._column.addLayout(top)
        self._column.addWidget(self.form)
        self._column.addLayout(foot)
        self._column.addWidget(self.outcome)
        self._column.addStretch(1)
        self.driver.currentIndexChanged.connect(self._change_driver)

    def _make_form(self, config: DriverConfig | None) -> Form:
        return Form(DRIVERS[self.driver.currentData()].config, config, ask=self._ask)

    def value(self) -> DriverConfig | None:
        """The link as filled in, or None with the mistake beside its field."""
        config: DriverConfig | None = self.form.value()
        return config

    def try_it(self) -> None:
        """Connect and read once, off the GUI thread, and say in words what came."""
        config, profile = self.value(), self._profile()
        if config is None or profile is None:
            return
        folder = self._folder
        self.test.setEnabled(False)
        self._say("connecting …", "dim")
        self._ask(lambda: (profile, test_link(config, profile, base_dir=folder)), self._tried, self._failed)

    def _tried(self, answer: tuple[PumpProfile, LinkTest]) -> None:
        profile, test = answer
        self.test.setEnabled(True)
        lines = [test.text] + ([test.advice] if test.advice else [])
        if test.frame is not None:
            lines.append(
                "   ".join(
                    f"{s.label} {number(v, s.decimals)} {unit_text(s.unit)}"
                    for s, v, q in zip(profile.sensors, test.frame.values, test.frame.quality, strict=True)
                    if q != Quality.BAD
                )
            )
        self._say("\n".join(lines), "" if test.ok else "warning")

    def _failed(self, error: Exception) -> None:
        self.test.setEnabled(True)
        self._say(str(error), "warning")

    def _say(self, words: str, role: str) -> None:
        self.outcome.setText(words)
        set_role(self.outcome, role)

    def _change_driver(self) -> None:
        self.show_config(None)

    def show_config(self, config: DriverConfig | None) -> None:
        """A new form of the chosen driver, filled from `config`."""
        old, self.form = self.form, self._make_form(config)
        self._column.replaceWidget(old, self.form)
        old.deleteLater()
        self._say("", "dim")
