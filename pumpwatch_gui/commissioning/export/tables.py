"""What an export writes, whatever the file: tables of columns, and their content in blocks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from math import nan

import numpy as np

from pumpwatch_gui.commissioning.export.selection import PumpSelection, Selection
from pumpwatch_gui.domain.ports import Historian
from pumpwatch_gui.domain.pump.profile import STANDARD_TAGS
from pumpwatch_gui.domain.values.quality import Quality
from pumpwatch_gui.domain.values.readings import NOT_RECORDED, ORIGINAL_TABLES, Readings
from pumpwatch_gui.domain.wording import unit_text

NO_QUALITY = ""
_WORDS = np.array([*(quality.word for quality in Quality), NO_QUALITY])


class Kind(Enum):
    """What a column holds: `TIME` Unix milliseconds UTC, `NUMBER` floats with NaN for none, `TEXT` "" for none."""

    TIME = "time"
    NUMBER = "number"
    WHOLE = "whole"
    BOOLEAN = "boolean"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class ExportColumn:
    """One column. `unit` as people write it; `label` says in words what it is; `decimals` those of a spreadsheet."""

    name: str
    kind: Kind
    unit: str = ""
    label: str = ""
    decimals: int = 6
    is_quality: bool = False

    @property
    def title(self) -> str:
        """The name with the unit: `motor_rpm [rpm]`."""
        return f"{self.name} [{self.unit}]" if self.unit else self.name


@dataclass(frozen=True, slots=True)
class ExportTable:
    """A table by name, with its columns."""

    name: str
    columns: tuple[ExportColumn, ...]


Block = list[Sequence[object]]
"""Some rows of a table: its columns, all of one length."""


def tables_of(selection: Selection) -> tuple[ExportTable, ...]:
    """The tables that a selection gives."""
    if not selection.tables:
        return (ExportTable("readings", _reading_columns(selection)),)
    return tuple(ExportTable(name, _original_columns(name, selection)) for name in selection.tables)


def blocks_of(history: Historian, selection: Selection, table: ExportTable) -> Iterator[tuple[Block, int]]:
    """The content of a table, block by block, each with the newest time in it (Unix UTC). Raises StoreError."""
    if not selection.tables:
        yield from _reading_blocks(history, selection, table)
        return
    pumps = [one.pump.pump_id for one in selection.pumps]
    stamp_at = [column.kind for column in table.columns].index(Kind.TIME) if table.name != "anomaly_detections" else -1
    for rows in history.table_rows(table.name, pump_ids=pumps, start_ns=selection.start_ns, end_ns=selection.end_ns):
        columns: Block = [_of_kind(column.kind, values) for column, values in
                          zip(table.columns, zip(*rows, strict=True), strict=True)]  # fmt: skip
        newest = rows[-1][stamp_at]
        yield columns, newest * 1_000_000 if isinstance(newest, int) and stamp_at >= 0 else 0


# -------------------------------------------------------------------- readings


def _key(tag: str, unit: str) -> tuple[str, str]:
    """Pumps of several types may measure one tag in several units: those are several columns."""
    return tag.casefold(), unit


def _reading_columns(selection: Selection) -> tuple[ExportColumn, ...]:
    columns = [ExportColumn("time", Kind.TIME), ExportColumn("pump", Kind.TEXT)]
    seen = set()
    for one in selection.pumps:
        for sensor in one.sensors:
            unit = unit_text(sensor.unit)
            if _key(sensor.tag, unit) not in seen:
                seen.add(_key(sensor.tag, unit))
                label, decimals = sensor.label, sensor.decimals
                columns.append(ExportColumn(sensor.tag, Kind.NUMBER, unit, label, decimals))
                columns.append(ExportColumn(f"{sensor.tag} quality", Kind.TEXT, is_quality=True))
    return tuple(columns)


def _reading_blocks(history: Historian, selection: Selection, table: ExportTable) -> Iterator[tuple[Block, int]]:
    for one in selection.pumps:
        if not one.tags:
            continue
        pieces = history.readings_of(
            one.pump.pump_id, one.tags, start_ns=selection.start_ns, end_ns=selection.end_ns, profile=one.pump.profile
        )
        for piece in pieces:
            yield _block(piece, one, table), int(piece.time_ms[-1]) * 1_000_000


def _block(piece: Readings, one: PumpSelection, table: ExportTable) -> Block:
    rows = piece.time_ms.size
    places = {_key(sensor.tag, unit_text(sensor.unit)): i for i, sensor in enumerate(one.sensors)}
    block: Block = [piece.time_ms.tolist(), [one.pump.pump_id] * rows]
    for column in table.columns[2::2]:
        at = places.get(_key(column.name, column.unit))
        if at is None:
            block += [[nan] * rows, [NO_QUALITY] * rows]
            continue
        codes = piece.quality[:, at]
        words = _WORDS[np.where(codes == NOT_RECORDED, len(Quality), codes)]
        block += [piece.values[:, at].tolist(), words.tolist()]
    return block


# -------------------------------------------------------------------- the original's tables

_KINDS = {
    "id": Kind.WHOLE, "reading_id": Kind.WHOLE, "timestamp": Kind.TIME, "is_anomaly": Kind.BOOLEAN,
    "resolved": Kind.BOOLEAN, "reconstruction_loss": Kind.NUMBER, "threshold": Kind.NUMBER,
    "estimated_cost": Kind.NUMBER, **dict.fromkeys(STANDARD_TAGS, Kind.NUMBER),
}  # fmt: skip


def _original_columns(name: str, selection: Selection) -> tuple[ExportColumn, ...]:
    """With the original's names; a sensor's unit is that of the first pump that has it."""
    sensors = {s.tag.casefold(): s for one in reversed(selection.pumps) for s in one.pump.profile.sensors}
    found = []
    for column in ORIGINAL_TABLES[name]:
        sensor = sensors.get(column) if name == "sensor_readings" else None
        label = sensor.label if sensor else ""
        decimals = sensor.decimals if sensor else 2 if column == "estimated_cost" else 6
        found.append(ExportColumn(column, _KINDS.get(column, Kind.TEXT), "", label, decimals))
    return tuple(found)


def _of_kind(kind: Kind, values: Sequence[object]) -> Sequence[object]:
    if kind is Kind.NUMBER:
        return [nan if value is None else value for value in values]
    return ["" if value is None else value for value in values] if kind is Kind.TEXT else values
