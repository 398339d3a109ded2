"""The tables of pages and dialogs: title, icon, key and how each is made."""

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtWidgets import QDialog, QWidget

from pumpwatch_gui.domain.ports import Capability
from pumpwatch_gui.gui.shell.page import Page, PageContext

FIRST_RUN = "first-run"
"""The page that a site without pumps opens on."""


@dataclass(frozen=True, slots=True)
class PageEntry:
    """One page: `kind` imports what it is, which takes a while and may be done on any thread before it is wanted.

    `icon` is a file in `resources/icons`, `shortcut` its key, `resources/help/KEY.md` its help. Not `in_nav`: it has no
    button in the navigation bar. A page that is `live` shows what only a running station has: not in a review.
    """

    key: str
    title: str
    icon: str
    shortcut: str
    kind: Callable[[], type[Page]]
    in_nav: bool = True
    live: bool = False

    def page(self, context: PageContext) -> Page:
        """The page, or in a review or a viewer what there is to say in place of one of a running program."""
        view = context.station.latest()
        if self.live and (view.reviewed or view.seen_through):
            from pumpwatch_gui.gui.review.page import ReviewPage

            return ReviewPage(context, self.title)
        return self.kind()(context)


@dataclass(frozen=True, slots=True)
class DialogEntry:
    """One dialog: `build(context, pump_id, parent)`; the rest as of a page.

    `in_nav`: it has a button at the foot of the navigation bar. `needs`: what the station must be able to do.
    """

    key: str
    title: str
    icon: str
    shortcut: str
    build: Callable[[PageContext, str, QWidget], QDialog]
    in_nav: bool = False
    needs: Capability | None = None


def _overview() -> type[Page]:
    from pumpwatch_gui.gui.overview.page import OverviewPage

    return OverviewPage


def _pump() -> type[Page]:
    from pumpwatch_gui.gui.pump.page import PumpPage

    return PumpPage


def _alarms() -> type[Page]:
    from pumpwatch_gui.gui.alarms.page import AlarmsPage

    return AlarmsPage


def _trends() -> type[Page]:
    from pumpwatch_gui.gui.trends.page import TrendsPage

    return TrendsPage


def _events() -> type[Page]:
    from pumpwatch_gui.gui.events.page import EventsPage

    return EventsPage


def _maintenance() -> type[Page]:
    from pumpwatch_gui.gui.maintenance.page import MaintenancePage

    return MaintenancePage


def _models() -> type[Page]:
    from pumpwatch_gui.gui.models.page import ModelsPage

    return ModelsPage


def _devices() -> type[Page]:
    from pumpwatch_gui.gui.devices.page import DevicesPage

    return DevicesPage


def _system() -> type[Page]:
    from pumpwatch_gui.gui.system.page import SystemPage

    return SystemPage


def _first_run() -> type[Page]:
    from pumpwatch_gui.gui.add_pump.first_run import FirstRunPage

    return FirstRunPage


def _settings(context: PageContext, pump_id: str, parent: QWidget) -> QDialog:
    from pumpwatch_gui.gui.settings.settings_dialog import SettingsDialog

    return SettingsDialog(context, pump_id, parent)


def _add_pump(context: PageContext, pump_id: str, parent: QWidget) -> QDialog:
    from pumpwatch_gui.gui.add_pump.dialog import AddPumpDialog

    return AddPumpDialog(context, pump_id, parent)


def _limits(context: PageContext, pump_id: str, parent: QWidget) -> QDialog:
    from pumpwatch_gui.gui.settings.limits_dialog import LimitsDialog

    return LimitsDialog(context, pump_id, parent)


def _rules(context: PageContext, pump_id: str, parent: QWidget) -> QDialog:
    from pumpwatch_gui.gui.rules.rules_dialog import RulesDialog

    return RulesDialog(context, pump_id, parent)


def _palette(context: PageContext, pump_id: str, parent: QWidget) -> QDialog:
    from pumpwatch_gui.gui.palette.dialog import PaletteDialog

    return PaletteDialog(context, pump_id, parent)


def _hand_over(context: PageContext, pump_id: str, parent: QWidget) -> QDialog:
    from pumpwatch_gui.gui.events.hand_over_dialog import HandOverDialog

    return HandOverDialog(context, pump_id, parent)


def _reports(context: PageContext, pump_id: str, parent: QWidget) -> QDialog:
    from pumpwatch_gui.gui.reports.reports_dialog import ReportsDialog

    return ReportsDialog(context, pump_id, parent)


def _incident(context: PageContext, pump_id: str, parent: QWidget) -> QDialog:
    from pumpwatch_gui.gui.review.incident_dialog import IncidentDialog

    return IncidentDialog(context, pump_id, parent)


def _import(context: PageContext, pump_id: str, parent: QWidget) -> QDialog:
    from pumpwatch_gui.gui.imports.dialog import ImportDialog

    return ImportDialog(context, pump_id, parent)


def _counters(context: PageContext, pump_id: str, parent: QWidget) -> QDialog:
    from pumpwatch_gui.gui.settings.counters_dialog import CountersDialog

    return CountersDialog(context, pump_id, parent)


def _sync(context: PageContext, pump_id: str, parent: QWidget) -> QDialog:
    from pumpwatch_gui.gui.sync.dialog import SyncDialog

    return SyncDialog(context, parent)


def _sync_setup(context: PageContext, pump_id: str, parent: QWidget) -> QDialog:
    from pumpwatch_gui.gui.sync.setup_dialog import SyncSetupDialog

    return SyncSetupDialog(context, parent)


def _quarantine(context: PageContext, pump_id: str, parent: QWidget) -> QDialog:
    from pumpwatch_gui.gui.sync.quarantine_dialog import QuarantineDialog

    return QuarantineDialog(context, parent)


def _shortcuts(context: PageContext, pump_id: str, parent: QWidget) -> QDialog:
    from pumpwatch_gui.gui.help.shortcuts import ShortcutsDialog

    return ShortcutsDialog(context, pump_id, parent)


def _about(context: PageContext, pump_id: str, parent: QWidget) -> QDialog:
    from pumpwatch_gui.gui.help.about import AboutDialog

    return AboutDialog(context, pump_id, parent)


def _help(context: PageContext, topic: str, parent: QWidget) -> QDialog:
    from pumpwatch_gui.gui.help.dialog import HelpDialog

    return HelpDialog(context.appearance, topic, parent)


PAGES: tuple[PageEntry, ...] = (
    PageEntry("overview", "Overview", "overview", "F2", _overview),
    PageEntry("alarms", "Alarms", "alarms", "F3", _alarms),
    PageEntry("pump", "Pump", "pump", "F6", _pump),
    PageEntry("trends", "Trends", "trends", "F4", _trends),
    PageEntry("events", "Events", "events", "F7", _events),
    PageEntry("maintenance", "Maintenance", "maintenance", "F12", _maintenance),
    PageEntry("models", "Models", "models", "Ctrl+M", _models, live=True),
    PageEntry("devices", "Devices", "devices", "Ctrl+E", _devices, live=True),
    PageEntry("system", "System", "system", "F8", _system, live=True),
    PageEntry(FIRST_RUN, "Welcome", "station", "Shift+F1", _first_run, in_nav=False),
)
"""Every page there is, in the order of the navigation bar. F5 stays free for diagnosis."""

DIALOGS: tuple[DialogEntry, ...] = (
    DialogEntry("settings", "Settings", "settings", "Ctrl+,", _settings, in_nav=True, needs=Capability.CONFIGURE),
    DialogEntry("limits", "Limits", "limits", "Ctrl+L", _limits, in_nav=True, needs=Capability.CONFIGURE),
    DialogEntry("help", "Help", "help", "F1", _help, in_nav=True),
    DialogEntry("add-pump", "Add a pump", "add", "Ctrl+Shift+A", _add_pump, needs=Capability.CONFIGURE),
    DialogEntry("rules", "Alarm rules", "rules", "Ctrl+Shift+L", _rules, needs=Capability.CONFIGURE),
    DialogEntry("counters", "Counters", "counters", "Ctrl+Shift+N", _counters, needs=Capability.CONFIGURE),
    DialogEntry("hand-over", "Hand-over", "hand-over", "Ctrl+Shift+H", _hand_over),
    DialogEntry("reports", "Reports", "reports", "Ctrl+Shift+R", _reports, needs=Capability.CONFIGURE),
    DialogEntry("incident", "Save an incident file", "incident", "Ctrl+Shift+S", _incident),
    DialogEntry("import", "Import a recording", "import", "Ctrl+Shift+I", _import, needs=Capability.CONFIGURE),
    DialogEntry("sync", "Sync", "sync", "Ctrl+Shift+Y", _sync, needs=Capability.OPERATE),
    DialogEntry("sync-setup", "Set up sync", "sync-setup", "Ctrl+Shift+U", _sync_setup, needs=Capability.CONFIGURE),
    DialogEntry(
        "quarantine", "Rows in quarantine", "quarantine", "Ctrl+Shift+B", _quarantine, needs=Capability.OPERATE
    ),
    DialogEntry("palette", "Find", "find", "Ctrl+K", _palette),
    DialogEntry("shortcuts", "Keys", "keys", "Ctrl+F1", _shortcuts),
    DialogEntry("about", "About PumpWatch", "about", "Ctrl+I", _about),
)
"""Every dialog there is. A page shows a button for one only if its key is in `PageContext.dialogs`."""


def open_help(context: PageContext, topic: str, parent: QWidget) -> None:
    """Show the help on a page or dialog above another dialog."""
    _help(context, topic, parent).open()
