"""Leaf pages of a damaged file under a root of our own: SQLite reads their rows five times as fast as Python."""

from collections.abc import Mapping, Sequence
from typing import Final

import apsw

from pumpwatch_gui.store import reading_rows
from pumpwatch_gui.store.layout import OLD_STATUS
from pumpwatch_gui.store.reading_rows import STATUS
from pumpwatch_gui.store.salvage.pages import PAGE_SIZE
from pumpwatch_gui.store.salvage.shapes import LONGEST_ID, is_of
from pumpwatch_gui.store.schema import quoted, run

TABLES: Final = (*reading_rows.TABLES, "anomaly_windows")
"""Those with many rows. A row of theirs is never so long that it goes on in another page."""
MOST_COLUMNS: Final = 400
"""A row of more could."""
Leaves = Mapping[int, bytes]
"""Page number in the damaged file → content. At most 583 under one root, which holds 7 bytes of each."""
_STATUS: Final = (quoted(STATUS), quoted(OLD_STATUS))
_KINDS: Final = "CASE typeof({0}) WHEN 'real' THEN 'f' ELSE substr(typeof({0}), 1, 1) END"


class Grafts:
    """A database in memory, attached to the side database, whose pages are those of a damaged file.

    `layout` gives the columns of each table in the order of the file, that of the rowid first.
    """

    def __init__(self, side: apsw.Connection, layout: Mapping[str, Sequence[str]]) -> None:
        self._side = side
        self._columns = {t: [quoted(n) for n in layout[t]] for t in TABLES if len(layout[t]) <= MOST_COLUMNS}
        run(side, "ATTACH ':memory:' AS graft")
        for table, (key, *others) in self._columns.items():
            # Without types: a value that is of another kind than the table has must show, not be converted.
            run(side, f"CREATE TABLE graft.{table} ({key} INTEGER PRIMARY KEY, {', '.join(others)})")
        self._blank = side.serialize("graft")
        sql = "SELECT name, rootpage FROM graft.sqlite_schema"
        self._roots = {str(name): int(str(root)) for name, root in side.execute(sql).fetchall()}

    def __contains__(self, table: object) -> bool:
        """Whether pages of a table can be read so."""
        return table in self._columns

    def sound(self, table: str, leaves: Leaves) -> Leaves:
        """Those leaf pages of a table on which every row is one of the table; to be called outside of a transaction."""
        if not leaves or self._are_sound(table, leaves):
            return leaves
        if len(leaves) == 1:
            return {}
        numbers = list(leaves)
        half = len(numbers) // 2
        first, second = ({n: leaves[n] for n in part} for part in (numbers[:half], numbers[half:]))
        return {**self.sound(table, first), **self.sound(table, second)}

    def hold(self, leaves: Mapping[str, Leaves]) -> None:
        """Have these pages of each table instead of those before; to be called outside of a transaction."""
        content = bytearray(self._blank)
        for table, pages in leaves.items():
            _graft(content, self._roots[table], list(pages.values()))
        content[28:32] = (len(content) // PAGE_SIZE).to_bytes(4)
        self._side.deserialize("graft", bytes(content))

    def copy(self) -> None:
        """Put every row of the pages that it holds into the side database."""
        for table, columns in self._columns.items():
            names = ", ".join(columns)
            run(self._side, f"INSERT INTO main.{table} ({names}) SELECT {names} FROM graft.{table}")

    def _are_sound(self, table: str, leaves: Leaves) -> bool:
        self.hold({table: leaves})
        key, *others = self._columns[table]
        kinds = " || ".join(_KINDS.format(name) for name in others)
        # The status is fetched because SQLite does not look whether a text is UTF-8; there are two or three of them.
        texts = "".join(f", {name}" for name in others if name in _STATUS)
        sql = f"SELECT DISTINCT {kinds}, {key} BETWEEN 1 AND {LONGEST_ID}{texts} FROM graft.{table}"
        try:
            found = self._side.execute(sql).fetchall()
        except (apsw.CorruptError, UnicodeDecodeError):
            return False
        return all(is_id and is_of(table, f"n{kinds}") for kinds, is_id, *_ in found)


def _graft(content: bytearray, root: int, leaves: Sequence[bytes]) -> None:
    """Put leaf pages under page `root` (1 is the first) of a database."""
    if not leaves:
        return
    page = leaves[0]
    if len(leaves) > 1:  # SQLite takes no interior page with a single child
        first = len(content) // PAGE_SIZE + 1
        page = _parent(range(first, first + len(leaves)))
        content += b"".join(leaves)
    content[(root - 1) * PAGE_SIZE : root * PAGE_SIZE] = page


def _parent(children: Sequence[int]) -> bytes:
    """An interior page over these. All its keys are 0: reading from end to end asks for none."""
    *others, last = children
    pointers = [PAGE_SIZE - 5 * (i + 1) for i in range(len(others))]
    head = b"\x05\0\0" + len(others).to_bytes(2) + pointers[-1].to_bytes(2) + b"\0" + last.to_bytes(4)
    head += b"".join(pointer.to_bytes(2) for pointer in pointers)
    cells = b"".join(number.to_bytes(4) + b"\0" for number in reversed(others))
    return head.ljust(PAGE_SIZE - len(cells), b"\0") + cells
