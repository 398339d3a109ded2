"""The maintenance list of a fake station: what its alarms make by the shipped cost table, and what people order."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from pumpwatch_gui.domain.alarms.alarm import Alarm
from pumpwatch_gui.domain.alarms.guidance import guidance_for
from pumpwatch_gui.domain.commands import CreateMaintenance, MaintenanceCommand, Order
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.events import Event, MaintenanceChanged
from pumpwatch_gui.domain.maintenance.changes import changed, created
from pumpwatch_gui.domain.maintenance.costs import anomalous_pumps, assess, event_of
from pumpwatch_gui.domain.maintenance.event import MaintenanceEvent, by_risk
from pumpwatch_gui.domain.site import Site
from pumpwatch_gui.settings.cost_file import read_costs
from pumpwatch_gui.settings.guidance_file import read_guidance


class FakeMaintenance:
    """Keeps the list as the engine does, without threads and files; changes are published."""

    def __init__(self, publish: Callable[[Event], None]) -> None:
        self._publish = publish
        self._table, self._guidance = read_costs(None)[0], read_guidance(None)[0]
        self._by_id: dict[str, MaintenanceEvent] = {}

    def of(self, alarms: Sequence[Alarm], site: Site) -> tuple[MaintenanceEvent, ...]:
        """The list, with an event of every episode that has none yet."""
        for alarm in alarms:
            found = assess(alarm, anomalous_pumps(alarms), self._table) if alarm.state.is_active else None
            if found is not None:
                row = guidance_for(alarm.source, self._guidance)
                advice = "\n".join(row.action) if row is not None else ""
                event = event_of(alarm, found, recommendation=advice, currency=site.currency)
                self._by_id.setdefault(event.event_id, event)
        return by_risk(self._by_id.values())

    def execute(self, order: Order, command: MaintenanceCommand, site: Site) -> str:
        """Do what was ordered. Raises InputError."""
        if isinstance(command, CreateMaintenance):
            if site.pump(command.pump_id) is None:
                raise InputError(f"there is no pump {command.pump_id}", "choose one of the site")
            event = created(order, command, currency=site.currency)
        elif (before := self._by_id.get(command.event_id)) is None:
            raise InputError(f"there is no maintenance event {command.event_id}", "choose one of the list")
        else:
            event = changed(before, order, command)
        self._by_id[event.event_id] = event
        self._publish(MaintenanceChanged(order.time_ns, event, order.name, order.actor))
        return f"{order.name}: {event.title}"

    def rename(self, renamed: Mapping[str, str]) -> None:
        """Follow pumps to their new ids."""
        known = self._by_id.items()
        self._by_id = {i: replace(e, pump_id=renamed.get(e.pump_id, e.pump_id)) for i, e in known}
