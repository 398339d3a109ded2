"""One link of a pump in the settings dialog: its driver, the driver's form, and a test of the connection."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QWidget

from pumpwatch_gui.commissioning.devices.links import DRIVER_CHOICES, Trial, try_link
from pumpwatch_gui.domain.display import Trust
from pumpwatch_gui.domain.links.config import DriverConfig
from pumpwatch_gui.domain.ports import LinkBrowser
from pumpwatch_gui.domain.wording import error_text
from pumpwatch_gui.gui.forms.form import Form
from pumpwatch_gui.gui.look.layout import hbox, vbox
from pumpwatch_gui.gui.look.widgets import StatusText, button, label
from pumpwatch_gui.gui.shell.page import Ask


class LinkBox(QWidget):
    """Edits one link. `value()` is its config, or None with the mistake shown; `removed` asks to take it out.

    `edited`: a field says something else.
    """

    removed = Signal()
    edited = Signal()

    def __init__(
        self,
        config: DriverConfig | None,
        *,
        ask: Ask,
        profile_name: Callable[[], str],
        folder: Path | None,
        running: LinkBrowser | None = None,
    ) -> None:
        super().__init__()
        self._ask, self._profile_name, self._folder, self._running = ask, profile_name, folder, running
        self.driver = QComboBox()
        self.driver.setAccessibleName("Driver")
        for kind in DRIVER_CHOICES.values():
            self.driver.addItem(kind.label, kind.name)
        if config is not None:
            self.driver.setCurrentIndex(self.driver.findData(config.driver))
        self.more = QCheckBox("More settings")
        self.more.setToolTip("Settings that few devices need; most are found out")
        self._name = label("Driver")
        self._name.setBuddy(self.driver)
        self.form = self._shown_form(config)
        self.more.toggled.connect(lambda on: self.form.show_advanced(on))
        self.outcome = StatusText()
        self.test = button("Test connection", "Test this connection", self.try_it)
        self.remove = button("Remove link", "Remove this link", self.removed.emit)
        head, foot = hbox(self._name, (self.driver, 1), spacing=12), hbox(self.test, None, self.remove)
        self._column = vbox(head, self.form, self.more, foot, self.outcome, None, parent=self, margin=12)
        self.driver.currentIndexChanged.connect(self._change_driver)

    def _make_form(self, config: DriverConfig | None) -> Form:
        return Form(DRIVER_CHOICES[self.driver.currentData()].config, config, ask=self._ask)

    def _shown_form(self, config: DriverConfig | None) -> Form:
        """A form in line with the driver above it; what is seldom needed shows where it was set."""
        form = self._make_form(config)
        form.changed.connect(self.edited)
        width = max(name.sizeHint().width() for name in form.names.values())
        form.widen_names(width)
        self._name.setFixedWidth(width)
        self.more.setVisible(bool(form.advanced))
        self.more.setChecked(form.differs)
        form.show_advanced(self.more.isChecked())
        return form

    def value(self) -> DriverConfig | None:
        """The link as filled in, or None with the mistake at its field."""
        config: DriverConfig | None = self.form.value()
        return config

    def try_it(self) -> None:
        """Connect and read once, off the GUI thread, and say in words what came."""
        config, profile_name, folder, running = self.value(), self._profile_name(), self._folder, self._running
        if config is not None:
            self._wait()
            self._ask(lambda: try_link(config, profile_name, folder, running), self._tried, self._failed)

    def _wait(self) -> None:
        self.test.setEnabled(False)
        self.outcome.say("connecting …")

    def _tried(self, trial: Trial) -> None:
        self.test.setEnabled(True)
        values = (f"{v.sensor.label} {v.with_unit}" for v in trial.values if v.trust is not Trust.BAD)
        self.outcome.say("\n".join((*trial.lines, "   ".join(values))).rstrip(), "" if trial.ok else "warning")

    def _failed(self, error: Exception) -> None:
        self.test.setEnabled(True)
        self.outcome.warn(error_text(error))

    def _change_driver(self) -> None:
        self.show_config(None)
        self.edited.emit()

    def show_config(self, config: DriverConfig | None) -> None:
        """A new form of the chosen driver, filled from `config`."""
        old, self.form = self.form, self._shown_form(config)
        self._column.replaceWidget(old, self.form)
        old.deleteLater()
        self.outcome.say("")
