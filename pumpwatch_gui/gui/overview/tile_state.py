"""What one tile of the overview shows, decided apart from painting, and where its parts lie."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from math import ceil, log

from PySide6.QtCore import QRectF

from pumpwatch_gui.domain.alarms.alarm import Alarm, Priority
from pumpwatch_gui.domain.alarms.shown import ShownAlarm
from pumpwatch_gui.domain.detection import Detection, NotScored
from pumpwatch_gui.domain.display import (
    Presence,
    ShownValue,
    is_provisional,
    key_sensors,
    learning_words,
    presence,
    read_sensor,
    watched_tags,
)
from pumpwatch_gui.domain.pump.limit_words import limit_place
from pumpwatch_gui.domain.station import PumpView, RunState, StationView
from pumpwatch_gui.domain.wording import number, unit_text
from pumpwatch_gui.gui.look.cut_text import NOTHING_KEPT
from pumpwatch_gui.gui.shell.page import PageContext


class TileKind(Enum):
    """How much a tile has room for, by the number of pumps."""

    LARGE = 6
    MEDIUM = 3
    SMALL = 2

    @property
    def sensors(self) -> int:
        """How many values it shows."""
        return self.value


def kind_for(pumps: int) -> TileKind:
    """1-6 pumps large, 7-20 medium, more small."""
    return TileKind.LARGE if pumps <= 6 else TileKind.MEDIUM if pumps <= 20 else TileKind.SMALL


@dataclass(frozen=True, slots=True)
class TileState:
    """Everything a tile shows. Two equal states paint the same picture (but for the sparkline).

    `sensors` are the places in the profile of those it shows. `border` is the priority of the worst alarm, None for
    none; `blinks` while one of that pump is not acknowledged. `kept` are the letters of `brief` that are never cut.
    """

    pump_id: str
    name: str
    run_state: RunState
    presence: Presence
    readings: tuple[ShownValue, ...]
    urgent: tuple[Priority | None, ...]
    health: float
    border: Priority | None
    blinks: bool
    hollow: bool
    line: str
    brief: str
    sensors: tuple[int, ...]
    kept: tuple[int, int] = NOTHING_KEPT
    is_favourite: bool = False

    @property
    def spoken(self) -> str:
        """The tile for assistive technology."""
        seen = self.run_state.value.lower() if self.presence.live else self.presence.text
        values = "; ".join(
            f"{r.sensor.label} {r.shown} {unit_text(r.sensor.unit) if not r.hatched else ''}" for r in self.readings
        )
        rank = f"priority {int(self.border)}: " if self.border else ""
        return f"{self.pump_id} {self.name}, {seen}. {rank}{self.line}. {values}".replace("?", "unknown")


def differs_in_numbers_only(state: TileState, before: TileState) -> bool:
    """Whether two states of a live tile differ in values, health and the last line alone; in alarm in the same one."""
    return (
        state != before
        and (state.border is None or state.brief == before.brief)
        and state.presence.live
        and before.presence.live
        and state == replace(before, presence=state.presence, readings=state.readings, health=state.health,
                             line=state.line, brief=state.brief)
    )  # fmt: skip


def tile_state(
    pump: PumpView,
    view: StationView,
    context: PageContext,
    kind: TileKind,
    *,
    is_favourite: bool = False,
    sensors: tuple[int, ...] = (),
) -> TileState:
    """Decide what the tile of a pump shows now; `sensors` are those of a state with the same alarms, where known."""
    now, last_good = view.mono_ns, context.last_good
    seen = presence(pump, now, last_good)
    active = {a.tag: a.priority for a in reversed(pump.alarms) if a.state.is_active and a.tag}
    worst = pump.alarms[0] if pump.alarms else None
    unseen = [a for a in pump.alarms if a.state.is_unacknowledged]
    shown = unseen[0] if unseen and worst and unseen[0].priority == worst.priority else worst
    keys = sensors or _keys(pump, kind, shown)
    return TileState(
        pump_id=pump.pump_id,
        name=pump.name if pump.name != pump.pump_id else "",
        run_state=seen.run_state,
        presence=seen,
        readings=tuple(read_sensor(pump, i, now, last_good) for i in keys),
        urgent=tuple(active.get(pump.profile.sensors[i].tag) for i in keys),
        health=seen.health,
        border=shown.priority if shown else None,
        blinks=bool(unseen),
        hollow=shown is not None and not shown.state.is_active,
        line=_line(pump, seen, context.shown(shown, view) if shown else None),
        brief=_brief(pump, seen, shown),
        sensors=keys,
        kept=limit_place(shown) if shown is not None and seen.live else NOTHING_KEPT,
        is_favourite=is_favourite,
    )


def _keys(pump: PumpView, kind: TileKind, alarm: Alarm | None) -> tuple[int, ...]:
    """The sensors a tile has room for: that of the alarm that it shows first, then always the same ones."""
    tags = pump.profile.tags
    keys = key_sensors(tags, watched_tags(pump), len(tags))
    first = (tags.index(alarm.tag),) if alarm and alarm.tag in tags else ()
    return (*first, *(i for i in keys if i not in first))[: kind.sensors]


def _line(pump: PumpView, seen: Presence, alarm: ShownAlarm | None) -> str:
    """The last line: the worst alarm, the loss of the link, or how the model judges the pump."""
    if not seen.live:
        return seen.text[:1].upper() + seen.text[1:]
    if alarm is not None:
        return f"{alarm.alarm.text} · now {alarm.now}" if alarm.now else alarm.alarm.text
    learning = learning_words(pump)
    match pump.score_result:
        case Detection(score=score):
            provisional = ", provisional" if is_provisional(pump) else ""
            return f"Anomaly score {number(score, 2)}, limit 1{provisional}"
        case _ if learning:
            return learning[:1].upper() + learning[1:]
        case NotScored(why=why):
            return f"Not scored: {why}"
        case None:
            return "Not scored yet"


def _brief(pump: PumpView, seen: Presence, alarm: Alarm | None) -> str:
    """The same in a word or two, for a tile without room."""
    if not seen.live:
        return seen.text.replace("no usable value", "no value").replace("no new values", "old")
    if alarm is not None:
        return alarm.text
    if isinstance(pump.score_result, Detection):
        return f"Score {number(pump.score_result.score, 2)}"
    return "Learning" if learning_words(pump) else "Not scored"


@dataclass(frozen=True, slots=True)
class Grid:
    """Columns and rows of the overview and the place of each tile.

    `sizes` are the tiles of each group; every group begins a row. `heading` is the height of the line above each, 0
    where groups have none.
    """

    columns: int
    rows: int
    width: float
    height: float
    gap: float
    sizes: tuple[int, ...] = ()
    heading: float = 0.0

    def rect(self, index: int) -> QRectF:
        """Where tile `index` lies."""
        group, row = 0, 0
        while group < len(self.sizes) - 1 and index >= self.sizes[group]:
            index -= self.sizes[group]
            row += ceil(self.sizes[group] / self.columns)
            group += 1
        down, column = divmod(index, self.columns)
        top = self._top(row + down, group)
        return QRectF(column * (self.width + self.gap), top, self.width, self.height)

    def heading_rect(self, group: int) -> QRectF:
        """Where the heading of a group lies."""
        row = sum(ceil(size / self.columns) for size in self.sizes[:group])
        width = self.columns * (self.width + self.gap) - self.gap
        return QRectF(0.0, self._top(row, group) - self.heading, width, self.heading)

    def _top(self, row: int, group: int) -> float:
        return row * (self.height + self.gap) + (group + 1) * self.heading


def best_grid(sizes: Sequence[int], width: float, height: float, *, gap: float, aspect: float, heading: float) -> Grid:
    """The grid that fills the page with tiles nearest to `aspect` (width / height) and few empty places.

    `sizes` are the tiles of each group, `heading` is the height of the line above one.
    """
    own = tuple(sizes) or (1,)
    count, best, least = sum(own), Grid(1, 1, width, height, gap, own, heading), float("inf")
    for columns in range(1, count + 1):
        rows = sum(ceil(size / columns) for size in own)
        w = (width - gap * (columns - 1)) / columns
        h = (height - gap * (rows - 1) - heading * len(own)) / rows
        if w <= 20 or h <= 20:
            continue
        cost = abs(log(w / h / aspect)) + 5.0 * (columns * rows - count) / count / len(own)
        if cost < least:
            best, least = Grid(columns, rows, float(int(w)), float(int(h)), gap, own, heading), cost
    return best
