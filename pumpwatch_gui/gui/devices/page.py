"""Devices: every link with its counters; its traffic, its registers, what is behind it, and whether it makes sense."""

import time
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QScrollArea, QSplitter, QTabWidget, QWidget
from typing_extensions import override

from pumpwatch_gui.commissioning.devices.links import WAIT_S
from pumpwatch_gui.commissioning.devices.register_reading import Reader
from pumpwatch_gui.commissioning.pumps.plausibility import confirmed_map, live_material
from pumpwatch_gui.commissioning.pumps.user_maps import tag_changes
from pumpwatch_gui.domain.commands import ChangeSite
from pumpwatch_gui.domain.events import OrderDone
from pumpwatch_gui.domain.links.config import ModbusConfig
from pumpwatch_gui.domain.links.register_map import Point
from pumpwatch_gui.domain.links.view import LinkState, LinkView
from pumpwatch_gui.domain.ports import Capability
from pumpwatch_gui.domain.pump.profile import Sensor
from pumpwatch_gui.domain.site_changes import SiteChange
from pumpwatch_gui.domain.station import StationView
from pumpwatch_gui.domain.wording import error_text
from pumpwatch_gui.gui.devices.links import LINK_TITLES, LinkDetail
from pumpwatch_gui.gui.devices.maps_panel import MapsPanel
from pumpwatch_gui.gui.devices.plausibility_panel import PlausibilityPanel
from pumpwatch_gui.gui.devices.register_browser import RegisterBrowser
from pumpwatch_gui.gui.devices.scan_panel import ScanPanel
from pumpwatch_gui.gui.devices.traffic_panel import TrafficPanel
from pumpwatch_gui.gui.look.layout import vbox
from pumpwatch_gui.gui.look.widgets import Panel, button, label
from pumpwatch_gui.gui.shell.page import Page, PageContext
from pumpwatch_gui.gui.tables.links import link_columns
from pumpwatch_gui.gui.tables.rows_model import RowsModel
from pumpwatch_gui.gui.tables.table_view import TableView

REFRESH_S = 0.5
NARROW = 950
"""Below this width (px at 100 %) the panel of the link is a tab."""


class DevicesPage(Page):
    """The links above; below, the chosen one in words at the left and the work on it at the right."""

    key = "devices"
    follows_pump = True
    in_own_units = True

    def __init__(self, context: PageContext) -> None:
        super().__init__(context)
        self._last_s = 0.0
        self.link_id = self._shown = ""
        self._now_ns = 0
        self.links: RowsModel[LinkView] = RowsModel(link_columns(*LINK_TITLES), key=lambda v: v.link_id)
        self.view = TableView(self.appearance, self.links, "Links", nothing="No links yet. Add a pump to make one.")
        self.view.selectionModel().currentRowChanged.connect(lambda now, _: self._choose(now.row()))
        self.view.lead_to(lambda v: (v.pump_id, ""), context)
        self.summary = label("", "dim")
        self.detail = LinkDetail(context)
        self.traffic = TrafficPanel(context)
        self.view.offer(self.detail.read_id, self.detail.forget)
        self.tabs = QTabWidget()
        self.tabs.setAccessibleName("Work on the chosen link")
        self.browser = RegisterBrowser(self.appearance, context.ask)
        self.browser.tag_wanted.connect(self._make_tag)
        self.scan = ScanPanel(context, use_words="Add as a pump…")
        self.scan.wanted.connect(self._add_found)
        self.plausibility = PlausibilityPanel(self.appearance, context.ask)
        if Capability.CONFIGURE in context.station.capabilities:
            self.plausibility.on_confirm = self._confirm_map
        self.maps = MapsPanel(context)
        self.maps.device, self.maps.profile = self._reader, self._profile
        panels = ((self.traffic, "Traffic", Capability.BROWSE), (self.browser, "Registers", Capability.BROWSE),
                  (self.scan, "Scan", Capability.CONFIGURE), (self.plausibility, "Plausibility", None),
                  (self.maps, "Register maps", Capability.CONFIGURE))  # fmt: skip
        for panel, title, needs in panels:
            if needs is None or needs in context.station.capabilities:
                self.tabs.addTab(panel, title)
        if Capability.CONFIGURE not in context.station.capabilities:
            self.browser.form.hide()
        self._lay_out()
        self.appearance.changed.connect(self._arrange)
        self.setFocusProxy(self.view)

    def _lay_out(self) -> None:
        head: list[QWidget] = [self.summary]
        if "add-pump" in self.context.dialogs:
            add = button("Add a pump…", "Add a pump, step by step", lambda: self.context.open_dialog("add-pump", ""))
            head.append(add)
        if "settings" in self.context.dialogs:
            head.append(button("Settings…", "Change this link in the settings", self._open_settings))
        links = Panel(self.appearance, "Links", self.view, head)
        self._scroll = scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setAccessibleName("Chosen link")
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(self.detail)
        self._lower = lower = QSplitter(Qt.Orientation.Horizontal)
        whole = QSplitter(Qt.Orientation.Vertical)
        for split, parts in ((lower, (scroll, self.tabs)), (whole, (links, lower))):
            for part in parts:
                split.addWidget(part)
            split.setHandleWidth(12)
            split.setChildrenCollapsible(False)
        lower.setStretchFactor(1, 1)
        lower.setSizes([self.appearance.px(270), self.appearance.px(930)])
        whole.setStretchFactor(0, 1)
        whole.setStretchFactor(1, 2)
        whole.setSizes([self.appearance.px(230), self.appearance.px(390)])
        vbox(whole, parent=self, margin=16)

    def _choose(self, at: int) -> None:
        if 0 <= at < len(self.links.rows):
            self.link_id = self.links.rows[at].link_id
            self.context.choose_pump(self.links.rows[at].pump_id)
            self._show_link()

    def _show_link(self) -> None:
        view = next((v for v in self.links.rows if v.link_id == self.link_id), None)
        self.detail.show_link(view, self._now_ns)
        if view is not None and view.link_id != self._shown:
            self._shown = view.link_id
            self._show_work(view.link_id)

    def _show_work(self, link_id: str) -> None:
        """Turn the tabs to another link."""
        station, config = self.context.station, self.context.station.site().link(link_id)
        self.traffic.show_link(link_id)
        pump = next((p for p in station.site().pumps if p.pump_id == link_id.rpartition("/")[0]), None)
        sensors = pump.profile.sensors if pump else ()
        is_modbus = isinstance(config, ModbusConfig)
        self.browser.use(self._reader(), sensors)
        if not is_modbus:
            self.browser.said.say("This link has no registers.")
        self.scan.use_config(config)
        self.plausibility.use((lambda: live_material(station, link_id)) if pump else None)

    def _reader(self) -> Reader | None:
        """What reads the chosen link."""
        station, link_id = self.context.station, self.link_id
        if not isinstance(station.site().link(link_id), ModbusConfig) or Capability.BROWSE not in station.capabilities:
            return None
        return lambda table, address, count: station.links.read_block(link_id, table, address, count).result(WAIT_S)

    def _profile(self) -> tuple[str, tuple[Sensor, ...]]:
        """The profile of the chosen link's pump, and its sensors."""
        pump = self.context.station.site().pump(self.link_id.rpartition("/")[0])
        return (pump.profile_name, pump.profile.sensors) if pump else ("", ())

    def _make_tag(self, point: Point) -> None:
        site, site_file, link_id = self.context.station.site(), self.context.site_file, self.link_id
        self.context.ask(
            lambda: tag_changes(site, site_file, link_id, point), partial(self._save_tag, point), self._tag_failed
        )

    def _save_tag(self, point: Point, changes: tuple[SiteChange, ...]) -> None:
        self.context.order(ChangeSite(changes), partial(self._tag_saved, point))

    def _tag_saved(self, point: Point, outcome: OrderDone) -> None:
        if outcome.ok:
            self.browser.said.say(f"{point.tag} is read from {point.documented} (wire {point.address}) now")
        else:
            self.browser.said.warn(outcome.text)

    def _tag_failed(self, error: Exception) -> None:
        self.browser.said.warn(error_text(error))

    def _confirm_map(self) -> None:
        """Mark the map of the chosen link as confirmed."""
        site, site_file, link_id = self.context.station.site(), self.context.site_file, self.link_id
        words = self.plausibility.confirmation(self.context.user)
        self.context.ask(
            lambda: confirmed_map(site, site_file, link_id, words), self._save_confirmed, self._not_confirmed
        )

    def _save_confirmed(self, changes: tuple[SiteChange, ...]) -> None:
        self.context.order(ChangeSite(changes), self._confirmed)

    def _confirmed(self, outcome: OrderDone) -> None:
        if outcome.ok:
            self.plausibility.is_unconfirmed = False
            self._show_work(self.link_id)
            self.plausibility.summary.say("The register map is confirmed now.", "strong")
        else:
            self.plausibility.summary.warn(outcome.text)

    def _not_confirmed(self, error: Exception) -> None:
        self.plausibility.summary.warn(error_text(error))

    def _add_found(self, config: ModbusConfig) -> None:
        self.context.opening.proposed = config
        self.context.open_dialog("add-pump", "")

    def _open_settings(self) -> None:
        self.context.open_dialog("settings", self.link_id.rpartition("/")[0])

    def _arrange(self) -> None:
        """Where it is narrow the link's panel goes among the tabs."""
        is_narrow = self.width() < self.appearance.px(NARROW)
        if is_narrow != (self.tabs.indexOf(self._scroll) >= 0):
            if is_narrow:
                self.tabs.insertTab(0, self._scroll, "Link")
            else:
                self.tabs.removeTab(self.tabs.indexOf(self._scroll))
                self._lower.insertWidget(0, self._scroll)
                self._scroll.show()
                self._lower.setSizes([self.appearance.px(270), self.width() - self.appearance.px(270)])

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        """Arrange the parts for the width there is."""
        super().resizeEvent(event)
        self._arrange()

    @override
    def show_pump(self, pump_id: str) -> None:
        self._last_s, view = 0.0, self.context.station.latest()
        links = [link.link_id for pump in view.pumps if pump.pump_id == pump_id for link in pump.links]
        if self.link_id not in links:
            self.link_id = next(iter(links), self.link_id)
        self.refresh(view)

    @override
    def refresh(self, view: StationView) -> None:
        now = time.monotonic()
        if now - self._last_s < REFRESH_S:
            return
        self._last_s = now
        self._now_ns = view.mono_ns
        rows = [link for pump in view.pumps for link in pump.links]
        self.links.show_rows(rows)
        at = max(self.links.place_of(self.link_id), 0)
        if rows and self.view.currentIndex().row() != at:
            self.view.selectRow(at)
        bad = sum(v.state is not LinkState.ONLINE for v in rows)
        self.summary.setText(f"{len(rows)} links, {len(rows) - bad} online" + (f", {bad} not" if bad else ""))
        self._show_link()
