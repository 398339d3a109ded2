"""Adding a pump, the first two steps: how the device is reached, and what it is."""

from PySide6.QtWidgets import QCheckBox, QComboBox, QScrollArea, QTabWidget, QWidget
from typing_extensions import override

from pumpwatch_gui.commissioning.devices.links import try_unit
from pumpwatch_gui.commissioning.devices.register_reading import Reader
from pumpwatch_gui.commissioning.pumps.new_pump import Draft, reader_of
from pumpwatch_gui.commissioning.pumps.profiles import profile_names
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.links.config import DriverConfig, ModbusConfig
from pumpwatch_gui.domain.links.discovery import Found
from pumpwatch_gui.domain.pump.profile import Sensor
from pumpwatch_gui.domain.wording import error_text
from pumpwatch_gui.gui.add_pump.step import Step
from pumpwatch_gui.gui.devices.maps_panel import MapsPanel
from pumpwatch_gui.gui.devices.scan_panel import ScanPanel
from pumpwatch_gui.gui.forms.form import Form
from pumpwatch_gui.gui.forms.link_box import LinkBox
from pumpwatch_gui.gui.look.layout import hbox, vbox
from pumpwatch_gui.gui.look.widgets import StatusText, label
from pumpwatch_gui.gui.shell.page import PageContext


class NewLinkBox(LinkBox):
    """A link without a map yet: the test reads one register, whatever the device is."""

    @override
    def _make_form(self, config: DriverConfig | None) -> Form:
        form = super()._make_form(config)
        if "registers" in form.editors:
            form.hide_field("registers")
        return form

    @override
    def try_it(self) -> None:
        config, folder, running = self.value(), self._folder, self._running
        if not isinstance(config, ModbusConfig):
            super().try_it()
            return
        self._wait()
        self._ask(lambda: try_unit(config, folder, running), self._probed, self._failed)

    def _probed(self, found: Found) -> None:
        self.test.setEnabled(True)
        self.outcome.say(f"{found.place}: {found.text}", "" if found.outcome.is_there else "warning")


class LinkStep(Step):
    """The driver and its settings."""

    title = "Link"
    advice = "How is the device reached? The test reads one register of it."

    def __init__(self, context: PageContext, draft: Draft) -> None:
        super().__init__(context, draft)
        self.box = NewLinkBox(
            draft.config,
            ask=context.ask,
            profile_name=lambda: draft.profile_name,
            folder=draft.folder,
            running=context.running,
        )
        self.box.remove.hide()
        self.box.setMaximumWidth(context.appearance.px(760))
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setWidget(self.box)
        vbox(scroll, parent=self)

    @property
    @override
    def first(self) -> QWidget:
        return next(iter(self.box.form.editors.values()))

    @override
    def leave(self) -> str:
        config = self.box.value()
        if config is None:
            return "Correct the marked fields"
        if config != self.draft.config:
            self.draft.config = config
            self.draft.forget()
        return ""

    def take(self, config: ModbusConfig) -> None:
        """Another unit, port or speed, that a scan has found."""
        self.box.driver.blockSignals(True)
        self.box.driver.setCurrentIndex(self.box.driver.findData(config.driver))
        self.box.driver.blockSignals(False)
        self.box.show_config(config)
        self.draft.config = config
        self.draft.forget()


class DeviceStep(Step):
    """A template or an empty map, the profile; or a scan first."""

    title = "Device"
    advice = "A template of its maker, or an empty map to fill from the manual. The profile names the pump's sensors."

    def __init__(self, context: PageContext, draft: Draft, link: LinkStep) -> None:
        super().__init__(context, draft)
        self._link = link
        self._taken: str | None = None
        self.profile = QComboBox()
        self.profile.setEditable(True)
        self.profile.addItems(list(profile_names()))
        self.profile.setCurrentText(draft.profile_name)
        self.profile.setAccessibleName("Profile")
        self.profile.setToolTip("A shipped name, or the path of your own")
        self.empty = QCheckBox("Empty map: fill it from the manual")
        self.empty.toggled.connect(self._show_empty)
        self.maps = MapsPanel(context)
        self.maps.chosen.connect(self._choose)
        self.maps.device, self.maps.profile = self._reader, self._profile
        self.scan = ScanPanel(context, use_words="Use this")
        self.scan.wanted.connect(self._take)
        self.tabs = QTabWidget()
        self.tabs.setAccessibleName("Template or scan")
        self.tabs.addTab(self.maps, "Template")
        self.tabs.addTab(self.scan, "Scan")
        self.said = StatusText()
        name = label("Profile")
        name.setBuddy(self.profile)
        vbox(hbox(name, self.profile, self.empty, None, self.said), (self.tabs, 1), parent=self)

    @property
    @override
    def first(self) -> QWidget:
        return self.maps.list if self.draft.is_modbus else self.profile

    @override
    def enter(self) -> None:
        self.tabs.setEnabled(self.draft.is_modbus)
        self.empty.setVisible(self.draft.is_modbus)
        self.said.setText("" if self.draft.is_modbus else "This driver brings names of its own: it needs no map.")
        self.scan.use_config(self.draft.config)

    def _choose(self, _name: str) -> None:
        found = self.maps.map
        if found is not None and found.profile:
            self.profile.setCurrentText(found.profile)

    def _reader(self) -> Reader | None:
        config, folder = self.draft.config, self.draft.folder
        return reader_of(config, folder) if isinstance(config, ModbusConfig) else None

    def _profile(self) -> tuple[str, tuple[Sensor, ...]]:
        profile = self.draft.profile
        return self.draft.profile_name, profile.sensors if profile else ()

    def _show_empty(self, on: bool) -> None:
        self.maps.setEnabled(not on)

    def _take(self, config: ModbusConfig) -> None:
        self._link.take(config)
        self.said.setText(f"The link is {config.endpoint} now.")

    @override
    def leave(self) -> str:
        draft, name = self.draft, self.profile.currentText().strip()
        try:
            if draft.profile is None or name != draft.profile_name:
                draft.use_profile(name)
        except InputError as error:
            return error_text(error)
        if not draft.is_modbus:
            return ""
        template = "" if self.empty.isChecked() else self.maps.name
        if not template and not self.empty.isChecked():
            return "choose a template, or the empty map"
        if not self.empty.isChecked() and self.maps.map is None:
            return "the map is not read yet, or has mistakes"
        # Compared with what was chosen here: the map may have been made of a table since.
        if template != self._taken or not (draft.points or draft.is_changed):
            self._taken = template
            draft.use_template(template, None if self.empty.isChecked() else self.maps.map)
        return ""

    @override
    def stop(self) -> None:
        self.scan.cancel()
