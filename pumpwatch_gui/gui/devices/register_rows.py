"""What the register browser shows: the registers of a block with their changes, and one register in every type."""

from collections.abc import Sequence
from dataclasses import dataclass

from pumpwatch_gui.commissioning.devices.register_views import VIEWED, View, views
from pumpwatch_gui.domain.links.register_map import ORDERS, TABLES, documented
from pumpwatch_gui.gui.tables.rows_model import Column


@dataclass(frozen=True, slots=True)
class RegisterRow:
    """One register (or bit) of a block: wire address, value, and the value of the reading before (None: the same)."""

    table: str
    address: int
    value: int
    before: int | None = None

    @property
    def change(self) -> str:
        """A mark and what it was, where it changed."""
        return "" if self.before is None else f"◆ was {self.before}"


@dataclass(frozen=True, slots=True)
class TypeRow:
    """A register read as one type, in the four orders."""

    type: str
    views: tuple[View, ...]


def is_bits(table: str) -> bool:
    """Whether a table holds bits."""
    return TABLES[table][0] in (1, 2)


def block_rows(
    table: str, address: int, values: Sequence[int], before: Sequence[RegisterRow] = ()
) -> list[RegisterRow]:
    """The rows of a reading; `before` are those of the one before, of whatever block."""
    old = {(row.table, row.address): row.value for row in before}
    rows = []
    for at, value in enumerate(values, address):
        was = old.get((table, at), value)
        rows.append(RegisterRow(table, at, value, was if was != value else None))
    return rows


def type_rows(rows: Sequence[RegisterRow], at: int) -> list[TypeRow]:
    """The registers from row `at` on in every type and order; none for bits."""
    if not 0 <= at < len(rows) or is_bits(rows[at].table):
        return []
    found = views([row.value for row in rows], at)
    return [TypeRow(kind, tuple(v for v in found if v.type == kind)) for kind in VIEWED]


def register_columns() -> list[Column[RegisterRow]]:
    """Address as the manual writes it and on the wire, bits, numbers, and the mark of a change."""

    def hexadecimal(row: RegisterRow) -> str:
        return "" if is_bits(row.table) else f"{row.value:04X}"

    return [
        Column("Manual · wire", lambda r: f"{documented(r.table, r.address)} · {r.address}"),
        Column("Hex", hexadecimal, right=True, spare=True),
        Column("Value", lambda r: str(r.value), right=True),
        Column("Changed", lambda r: r.change),
    ]


def type_columns() -> list[Column[TypeRow]]:
    """The type, then a column for each order."""

    def column(n: int) -> Column[TypeRow]:
        return Column(ORDERS[n], lambda r: r.views[n].text, right=True)

    return [Column("Type", lambda r: r.type), *(column(n) for n in range(len(ORDERS)))]
