"""The rows of a manual's table on the screen: what was understood, and what the device says now."""

from dataclasses import dataclass

from pumpwatch_gui.commissioning.devices.map_table import TableRow
from pumpwatch_gui.domain.links.decode import PointValue
from pumpwatch_gui.domain.values.quality import Quality
from pumpwatch_gui.domain.wording import unit_text
from pumpwatch_gui.gui.tables.rows_model import Column


@dataclass(frozen=True, slots=True)
class TableLine:
    """A row, the raw registers of its point as read last, and what they mean in the unit of the tag."""

    row: TableRow
    registers: tuple[int, ...] = ()
    value: PointValue | None = None
    unit: str = ""

    @property
    def now(self) -> str:
        """The value, or why there is none."""
        if self.value is None:
            return ""
        if self.value.quality is Quality.BAD:
            return f"✕ {self.value.reason.text}"
        return f"{self.value.value:.6g} {unit_text(self.unit)}".rstrip()


def line_columns() -> list[Column[TableLine]]:
    """Line, name, both addresses, coding, tag, registers, value now, remark."""

    def place(line: TableLine) -> str:
        point = line.row.point
        return f"{point.documented} · {point.address}" if point else ""

    def coding(line: TableLine) -> str:
        return line.row.point.words if line.row.point else ""

    def raw(line: TableLine) -> str:
        return " ".join(f"{r:04X}" for r in line.registers)

    def tag(line: TableLine) -> str:
        point = line.row.point
        return point.tag if point and line.row.is_used else "–"

    def state(line: TableLine) -> str:
        return line.row.state

    return [
        Column("Line", lambda x: str(x.row.line), right=True, tip=lambda x: x.row.text),
        Column("Name", lambda x: x.row.name or x.row.text, tip=lambda x: x.row.text, elided=True),
        Column("Manual · wire", place),
        Column("Coding", coding, elided=True),
        Column("Tag", tag),
        Column("Registers", raw, right=True, spare=True),
        Column("Now", lambda x: x.now, right=True),
        Column("Assumed, or wrong", state, elided=True),
    ]
