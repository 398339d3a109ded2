"""A station made of domain types with plausible values, where a test decides what has happened to which pump."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, Generic, TypeVar

import numpy as np

from pumpwatch_gui.acquire.links.traffic import Traffic, packet_now
from pumpwatch_gui.acquire.modbus.wire.traffic_text import mbap_text
from pumpwatch_gui.domain.alarms.alarm import Alarm
from pumpwatch_gui.domain.alarms.rule_places import unjudgeable
from pumpwatch_gui.domain.commands import (
    AlarmCommand,
    Annotate,
    ChangeSite,
    DiscardRefused,
    GiveFeedback,
    ImportCommand,
    MaintenanceCommand,
    ModelCommand,
    Order,
    OrderId,
    PauseSync,
    Record,
    ReloadSite,
    ResendRefused,
    ResendSpan,
    SetCounters,
    SyncCommand,
)
from pumpwatch_gui.domain.detection import NotScored
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.events import Annotated, Event, FeedbackGiven, SiteChanged
from pumpwatch_gui.domain.likelihood import Likelihood
from pumpwatch_gui.domain.links.config import DriverConfig, ModbusTcpConfig
from pumpwatch_gui.domain.ports import BorrowedLine, Capability
from pumpwatch_gui.domain.pump.counters import PumpCounters
from pumpwatch_gui.domain.pump.derived import DerivedQuantities
from pumpwatch_gui.domain.site import PumpSettings, Site
from pumpwatch_gui.domain.site_changes import (
    RemovePump,
    RemoveRule,
    RenamePump,
    SaveRegisterMap,
    SetLimits,
    SetPump,
    SetRule,
    SetStation,
    SetSync,
    SiteChange,
)
from pumpwatch_gui.domain.station import EngineStats, LoopHealth, Percentiles, PumpView, RunState, StationView
from pumpwatch_gui.domain.sync import SyncState, SyncView, row_words
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.trace import Trace, TraceRing
from pumpwatch_gui.engine.annunciator import Annunciator
from pumpwatch_gui.engine.bus import EventBus
from pumpwatch_gui.judge.alarms.desk import AlarmDesk
from pumpwatch_gui.settings.profile_file import load_profile
from tests.gui.fake_derived import counters_of, limited, put_past, set_counters
from tests.gui.fake_history import FakeHistorian
from tests.gui.fake_maintenance import FakeMaintenance
from tests.gui.fake_scenes import SCENES, SECOND, Moment, Scene, alarms_of

NAMES = ("Boiler feed A", "Boiler feed B", "Boiler feed C", "Cooling 1", "Cooling 2", "Cooling 3", "Condensate A",
         "Condensate B", "Transfer 1", "Transfer 2", "Fire water", "Drain")  # fmt: skip
LOOPS = (
    "collector", "links", "infer", "judge", "orders", "store", "gateway", "imports", "reports", "watchdog", "record",
    "sync",
)  # fmt: skip


class FakeLinks:
    """The links of a fake station: eleven registers and some traffic. Keeps the LinkBrowser port."""

    def __init__(self, known: Callable[[str], bool]) -> None:
        self._known = known
        self.forgotten: list[str] = []

    def borrow(self, config: DriverConfig) -> BorrowedLine | None:
        """No line runs."""
        return None

    def traffic(self, link_id: str) -> Traffic:
        """Twelve requests and their responses."""
        traffic = Traffic(link_id, lambda _: None)
        for i in range(1, 13):
            head = i.to_bytes(2) + bytes(2)
            traffic.offer(packet_now(link_id, mbap_text, True, head + bytes.fromhex("0006010300000003")))
            traffic.offer(packet_now(link_id, mbap_text, False, head + bytes.fromhex("000901030605c8028801a5")))
        return traffic

    def read_block(self, link_id: str, table: str, address: int, count: int) -> "Future[Sequence[int]]":
        """The registers of a healthy pump, 0 behind them."""
        held = (1479, 648, 421, 231, 1452, 179, 648, 279, 581, 246, 7)
        read: Future[Sequence[int]] = Future()
        if not self._known(link_id):
            read.set_exception(KeyError(link_id))
        else:
            read.set_result([held[a] if a < len(held) else 0 for a in range(address, address + count)])
        return read

    def identify(self, link_id: str) -> "Future[Mapping[str, str]]":
        """A name and a code."""
        read: Future[Mapping[str, str]] = Future()
        read.set_result({"VendorName": "Example", "ProductCode": "X1"})
        return read

    def forget(self, link_id: str) -> None:
        """Note it."""
        self.forgotten.append(link_id)


C = TypeVar("C", bound=Callable[..., None])


class FakeSubscription(Generic[C]):
    """One subscriber of a fake station."""

    def __init__(self, listeners: list[C], subscriber: C) -> None:
        self._listeners, self._subscriber = listeners, subscriber

    def close(self) -> None:
        """End it."""
        if self._subscriber in self._listeners:
            self._listeners.remove(self._subscriber)


class FakeStation:
    """Keeps the Station port in one thread. `now_s` is how long it has run.

    Move `offset_ns` to let time pass without new frames, put seconds into `stopped` to stop a loop. Orders are kept in
    `orders` and executed at once; while `is_held` they wait for `answer`, and with a `refusal` none is executed.
    `edited` is the site as a person has edited its file outside.
    """

    def __init__(
        self,
        pumps: int = 3,
        *,
        scenes: dict[int, Scene] | None = None,
        history_s: int = 600,
        capabilities: frozenset[Capability] = frozenset(Capability),
    ) -> None:
        self.profile = load_profile("centrifugal")
        self.scenes = SCENES if scenes is None else scenes
        self.capabilities = capabilities
        self.history = FakeHistorian()
        self.links = FakeLinks(lambda link_id: self._site.link(link_id) is not None)
        self.orders: list[Order] = []
        self.is_held, self.refusal = False, ""
        self.edited: Site | None = None
        self.stopped: dict[str, float] = {}
        self.sync: SyncView | None = None
        self.stats = EngineStats(
            frames=36_120, frames_per_s=float(pumps), ring_depth=3, ring_capacity=1000, ring_high_water=61,
            inference=Percentiles(0.2, 0.3, 0.4), inference_count=36_000, commit=Percentiles(2.9, 4.0, 6.1),
            readings_committed=361_000, database_bytes=31_000_000, disk_free_bytes=84_000_000_000,
            bytes_per_reading=97.0, bytes_per_day=8_400_000.0, sensor_to_latest=Percentiles(0.4, 0.8, 1.5),
        )  # fmt: skip
        self.start_ns, self.mono_ns = time.time_ns(), 1_000_000 * SECOND
        self.offset_ns, self.now_s, self.seq = 0, 0.0, 0
        self.listeners: list[Callable[[Event], None]] = []
        self.watchers: list[Callable[[], None]] = []
        self._waiting: list[Order] = []
        self._maintenance = FakeMaintenance(self.publish)
        self._desk, bus = AlarmDesk(), EventBus(lambda event: None)
        self._annunciator = Annunciator(self._desk, bus)
        bus.subscribe(self.publish)
        self._rng = np.random.default_rng(7)
        self._rings: dict[str, TraceRing] = {}
        self._frames: dict[str, Frame] = {}
        self._site = Site("North pumping station", pumps=tuple(map(self._settings, range(pumps))))
        self._derived: dict[str, tuple[DerivedQuantities, PumpCounters]] = {}
        self._make_rings()
        past: dict[str, list[tuple[Frame, float]]] = {pump.pump_id: [] for pump in self._site.pumps}
        for second in range(-history_s, 0):
            for pump_id, frame, score in self._scan(float(second)):
                past[pump_id].append((frame, score))
        for pump_id, scans in past.items():
            if scans:
                self._frames[pump_id] = put_past(self._rings[pump_id], *self._derived[pump_id], scans)
        self.step(0.0)

    def _settings(self, i: int) -> PumpSettings:
        link = ModbusTcpConfig(f"10.0.4.{11 + i}", unit=1 + i)
        return PumpSettings(f"P-{101 + i}", NAMES[i % len(NAMES)], self.profile, "centrifugal", "none", (link,))

    # ---------------------------------------------------------------- what a test decides

    def step(self, now_s: float) -> None:
        """A new scan of every pump at `now_s`."""
        for pump_id, frame, score in self._scan(now_s):
            derived, counters = self._derived[pump_id]
            self._frames[pump_id] = derived.whole(frame, counters)
            self._rings[pump_id].append(self._frames[pump_id], score)
        for wake in self.watchers:
            wake()

    def _scan(self, now_s: float) -> Iterator[tuple[str, Frame, float]]:
        self.now_s = now_s
        self.seq += 1
        for i, pump in enumerate(self._site.pumps):
            moment = self._moment(i, pump.pump_id)
            frame = moment.frame(self._rng)
            if frame is not None:
                yield pump.pump_id, frame, moment.score()

    def change(self, site: Site, text: str = "the site was changed", renamed: Mapping[str, str] | None = None) -> None:
        """Go over to another site, as after an order of another program."""
        for old, new in (renamed or {}).items():
            self._rings[new] = self._rings.pop(old)
            self._derived[new] = self._derived.pop(old)
            if old in self._frames:
                self._frames[new] = replace(self._frames.pop(old), pump_id=new)
        self._site = site
        self._maintenance.rename(renamed or {})
        self._make_rings()
        self.publish(SiteChanged(self._time_ns, text, renamed or {}))

    def publish(self, event: Event) -> None:
        """Deliver an event and keep it in the journal."""
        self.history.put_event(event)
        for listener in tuple(self.listeners):
            listener(event)

    def answer(self) -> None:
        """Execute the orders that wait."""
        waiting, self._waiting = self._waiting, []
        for order in waiting:
            self._execute(order)

    @property
    def commands(self) -> list[object]:
        """What was ordered."""
        return [order.command for order in self.orders]

    # ---------------------------------------------------------------- the Station port

    def site(self) -> Site:
        """What a test made of it."""
        return self._site

    def latest(self) -> StationView:
        """The station at `now_s` (plus `offset_ns`, in which nothing new has come)."""
        mono_ns = self._stamp()[1] + self.offset_ns
        pumps = tuple(self._pump(i, pump) for i, pump in enumerate(self._site.pumps))
        alarms = sorted((a for p in pumps for a in p.alarms), key=lambda a: (a.priority, a.raised_ns))
        loops = tuple(LoopHealth(name, mono_ns - int(self.stopped.get(name, 0.1) * SECOND)) for name in LOOPS)
        commit_ns = self.stats.last_commit_ns or self._time_ns - SECOND
        stats = replace(self.stats, last_commit_ns=commit_ns, loops=loops)
        return StationView(
            self._site.name, self._time_ns, mono_ns, pumps, tuple(alarms), stats, "centrifugal 1.0",
            is_site_edited=self.edited is not None, hidden_alarms=self._desk.hidden,
            maintenance=self._maintenance.of(alarms, self._site), unjudged_rules=unjudgeable(self._site),
            sync=self.sync,
        )  # fmt: skip

    def trace(self, pump_id: str, since_s: float = 0.0) -> Trace:
        """The frames so far. Raises KeyError."""
        return self._rings[pump_id].copy(since_s)

    def subscribe(self, on_event: Callable[[Event], None]) -> FakeSubscription[Callable[[Event], None]]:
        """Have every event delivered on the thread that causes it."""
        self.listeners.append(on_event)
        return FakeSubscription(self.listeners, on_event)

    def watch(self, on_values: Callable[[], None]) -> FakeSubscription[Callable[[], None]]:
        """Have `on_values` called at every step."""
        self.watchers.append(on_values)
        return FakeSubscription(self.watchers, on_values)

    def submit(self, order: Order) -> OrderId:
        """Keep an order and execute it, now or at `answer`."""
        self.orders.append(order)
        self._waiting.append(order)
        if not self.is_held:
            self.answer()
        return order.id

    # ---------------------------------------------------------------- orders

    def _execute(self, order: Order) -> None:
        try:
            if self.refusal:
                raise InputError(self.refusal)
            text = self._execute_command(order)
        except InputError as error:
            self._done(order, False, f"{error.message} ({error.advice})" if error.advice else error.message)
        else:
            self._done(order, True, text)

    def _execute_command(self, order: Order) -> str:
        match order.command:
            case command if isinstance(command, AlarmCommand):
                self._to_alarm(order, command)
            case ChangeSite(changes):
                self._need(Capability.CONFIGURE)
                if self.edited is not None:
                    raise InputError("not saved: site.toml was changed outside this program", "reload it")
                self.change(*_changed(self._site, changes))
            case ReloadSite():
                self.change(self.edited or self._site)
                self.edited = None
            case Record(text):
                return text
            case Annotate(text, about_ns, pump_id):
                self.publish(Annotated(order.time_ns, about_ns, text, order.actor, pump_id))
                return text
            case GiveFeedback(feedback):
                self.publish(FeedbackGiven(self._time_ns, replace(feedback, by=order.actor)))
            case SetCounters(pump_id, values, _):
                set_counters(self._derived[pump_id][1], values)
            case command if isinstance(command, MaintenanceCommand):
                self.latest()  # the list has what is on the screen
                return self._maintenance.execute(order, command, self._site)
            case command if isinstance(command, SyncCommand):
                return self._to_sync(command)
            case command if isinstance(command, ModelCommand | ImportCommand):
                self._check_model_order(order)
        return f"{order.name}: done"

    def _check_model_order(self, order: Order) -> None:
        self._need(Capability.TRAIN)
        if order.pump_id and self._site.pump(order.pump_id) is None:
            raise InputError(f"no pump {order.pump_id}")

    def _to_sync(self, command: SyncCommand) -> str:
        if self.sync is None and not isinstance(command, DiscardRefused):
            raise InputError("sync is off")
        if isinstance(command, DiscardRefused | ResendRefused):
            self.history.refused = [row for row in self.history.refused if row.which not in command.rows]
            return f"{row_words(command.rows)} {'discarded' if isinstance(command, DiscardRefused) else 'sent again'}"
        assert self.sync is not None
        if isinstance(command, ResendSpan):
            return "the span is sent again"
        is_pause = isinstance(command, PauseSync)
        self.sync = replace(self.sync, state=SyncState.PAUSED if is_pause else SyncState.SENDING)
        return "sync paused" if is_pause else "sync resumed"

    def _to_alarm(self, order: Order, command: AlarmCommand) -> None:
        self.latest()  # the desk has what is on the screen
        try:
            changed = self._annunciator.act(command, by=order.actor)
        except ValueError as error:
            raise InputError(f"{command.alarm_id}: {error}") from None
        if not changed:
            raise InputError(f"{command.alarm_id}: nothing to {order.name}")

    def _need(self, capability: Capability) -> None:
        if capability not in self.capabilities:
            raise InputError(f"this station cannot {capability.value}")

    def _alarms(self, i: int, pump_id: str) -> list[Alarm]:
        """Those of the scene, as people have moved them."""
        alarms = alarms_of(pump_id, self.scenes.get(i, Scene()), self.start_ns)
        self._desk.take_up(alarms, time_ns=self._time_ns)
        moved = {a.alarm_id: a for a in (*self._desk.alarms, *self._desk.hidden)}
        return [moved[a.alarm_id] for a in alarms if a.alarm_id in moved]

    def _done(self, order: Order, ok: bool, text: str) -> None:
        self.publish(order.outcome(ok, text, time_ns=self._time_ns))

    # ---------------------------------------------------------------- the pumps

    @property
    def _time_ns(self) -> int:
        return self._stamp()[0] + self.offset_ns

    def _stamp(self) -> tuple[int, int]:
        since_ns = int(self.now_s * SECOND)
        return self.start_ns + since_ns, self.mono_ns + since_ns

    def _moment(self, i: int, pump_id: str) -> Moment:
        return Moment(pump_id, i, self.scenes.get(i, Scene()).what, self.now_s, self.seq, *self._stamp())

    def _make_rings(self) -> None:
        ids = [pump.pump_id for pump in self._site.pumps]
        profiles = {pump.pump_id: pump.profile for pump in self._site.pumps}
        for pump_id, profile in profiles.items():
            if pump_id not in self._derived or self._derived[pump_id][0].profile != profile:
                self._derived[pump_id] = DerivedQuantities(profile), counters_of(profile)
        sizes = {i: len(profile.quantities) for i, profile in profiles.items()}
        kept = {i: ring for i, ring in self._rings.items() if ring.width == sizes.get(i)}
        self._rings = {i: kept.get(i) or TraceRing(sizes[i]) for i in ids}
        self._frames = {i: frame for i, frame in self._frames.items() if i in ids}

    def _pump(self, i: int, pump: PumpSettings) -> PumpView:
        moment = self._moment(i, pump.pump_id)
        lost, standby = moment.what == "lost", moment.what == "standby"
        detection = moment.detection()
        why = "pump stopped" if standby else "no communication"
        alarms = self._alarms(i, pump.pump_id)
        health = {"hot": 38.0, "anomaly": 71.0, "lost": float("nan"), "one_bad": 88.0}.get(moment.what, 92.0 + i % 7)
        return PumpView(
            pump.pump_id, pump.name, pump.profile,
            RunState.NO_DATA if lost else RunState.STANDBY if standby else RunState.RUNNING,
            self._frames.get(pump.pump_id), detection or NotScored(pump.pump_id, moment.time_ns, why), detection,
            health, (moment.link(),), tuple(a for a in alarms if not a.state.is_hidden), 3.0,
            likelihood=Likelihood.VERY_LIKELY if detection and detection.is_anomaly else Likelihood.NONE,
            first_out=self._desk.first_out(pump.pump_id),
        )  # fmt: skip


def _changed(site: Site, changes: Sequence[SiteChange]) -> tuple[Site, str, dict[str, str]]:
    """The site with the changes, what they were, and old pump ids → new ones. Raises InputError."""
    renamed: dict[str, str] = {}
    for change in changes:
        if isinstance(change, RenamePump | RemovePump | SetLimits) and site.pump(change.pump_id) is None:
            raise InputError(f"not saved: there is no pump {change.pump_id}", "reload the settings")
        site = _with(site, change)
        if isinstance(change, RenamePump):
            renamed[change.pump_id] = change.new_id
    ids = [pump.pump_id for pump in site.pumps]
    if len(set(ids)) < len(ids):
        raise InputError(f"not saved: {max(ids, key=ids.count)} is there twice", "give each pump its own id")
    return site, "; ".join(type(change).__name__ for change in changes), renamed


def _with(site: Site, change: SiteChange) -> Site:
    match change:
        case SetStation(name, station, currency, units, history_gb, price):
            room = site.history_gb if history_gb is None else history_gb
            paid = site.energy_price if price is None else price or None
            return replace(site, name=name, station=station, currency=currency, units=units or site.units,
                           history_gb=room, energy_price=paid)  # fmt: skip
        case SetPump(pump_id, name, profile_name, model, links, area, duty):
            profile = load_profile(profile_name, base_dir=site.folder)
            made = PumpSettings(pump_id, name, profile, profile_name, model, links, area or "", duty or "")
            if site.pump(pump_id) is None:
                return replace(site, pumps=(*site.pumps, made))
            return _each(site, pump_id, lambda old: _replaced(old, made, area, duty))
        case RenamePump(pump_id, new_id):
            return _each(site, pump_id, lambda pump: replace(pump, pump_id=new_id))
        case RemovePump(pump_id):
            return replace(site, pumps=tuple(p for p in site.pumps if p.pump_id != pump_id))
        case SetLimits(pump_id, limits):
            return _each(site, pump_id, lambda pump: replace(pump, profile=limited(pump.profile, limits)))
        case SetRule(rule, is_new):
            if is_new == (site.rule(rule.rule_id) is not None):
                raise InputError(f"not saved: rule {rule.rule_id}", "another person may have changed the rules")
            kept = tuple(rule if r.rule_id == rule.rule_id else r for r in site.rules)
            return replace(site, rules=(*kept, rule) if is_new else kept)
        case RemoveRule(rule_id):
            return replace(site, rules=tuple(r for r in site.rules if r.rule_id != rule_id))
        case SetSync(settings):
            return replace(site, sync=settings)
        case SaveRegisterMap():
            return site


def _replaced(old: PumpSettings, made: PumpSettings, area: str | None, duty: str | None) -> PumpSettings:
    return replace(
        made,
        profile=old.profile,
        area=old.area if area is None else area,
        duty=old.duty if duty is None else duty,
    )


def _each(site: Site, pump_id: str, change: Callable[[PumpSettings], PumpSettings]) -> Site:
    return replace(site, pumps=tuple(change(p) if p.pump_id == pump_id else p for p in site.pumps))


def at_once(
    function: Callable[[], Any],
    on_result: Callable[[Any], None],
    on_error: Callable[[Exception], None] | None = None,
) -> None:
    """Asks on the spot: what the host would do in a worker."""
    try:
        result = function()
    except Exception as error:  # noqa: BLE001 - handed on as the host does
        if on_error:
            on_error(error)
        return
    on_result(result)
