"""Damage by kind of page, byte and cut: every file starts again, and what could be read comes back."""

import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from tests.store.rigs.plant import Start, copy, fill, mark_unclean, start_on

READINGS = 7_000
FILES = int(os.environ.get("PUMPWATCH_DAMAGED_FILES", "500"))
PAGE = 4096

Damage = tuple[str, int, bytes | None]
"""Which kind, where in the file, and what is written there; None: the file is cut there."""


def pages_by_kind(path: Path) -> dict[str, list[int]]:
    """Page numbers by the table they belong to and by what they are in it."""
    connection = apsw.Connection(os.fspath(path), flags=apsw.SQLITE_OPEN_READONLY)
    kinds: dict[str, list[int]] = {}
    for name, kind, number in connection.execute("SELECT name, pagetype, pageno FROM dbstat").fetchall():
        kinds.setdefault(f"{name} {kind}", []).append(int(str(number)))
    connection.close()
    return kinds


def damages(path: Path) -> Iterator[Damage]:
    """Header bytes, cuts and zeroed halves once each; then pages of every kind in turn, as often as is wanted."""
    content = path.read_bytes()
    for offset in range(100):
        yield f"header byte {offset:3}", offset, bytes([content[offset] ^ 0xFF])
    for share in (0.1, 0.25, 0.5, 0.75, 0.9):
        yield f"cut to {share:.0%}", int(len(content) * share), None
    yield "cut to 50 bytes", 50, None
    yield "cut by 777 bytes", len(content) - 777, None
    half = len(content) // 2 // PAGE * PAGE
    yield "first half zeroed", 0, bytes(half)
    yield "second half zeroed", half, bytes(len(content) - half)
    draw = random.Random(1)
    kinds = pages_by_kind(path)
    while True:
        for kind, numbers in kinds.items():
            at = (draw.choice(numbers) - 1) * PAGE
            byte = draw.choice((*range(12), draw.randrange(PAGE)))
            yield f"{kind} zeroed", at, bytes(PAGE)
            yield f"{kind} 0xFF", at, b"\xff" * PAGE
            yield f"{kind} byte", at + byte, bytes([content[at + byte] ^ 0xFF])
            yield f"{kind} torn", at + 2048, draw.randbytes(2048)


def readings_by_page(path: Path) -> dict[int, int]:
    """Page number → readings on it."""
    connection = apsw.Connection(os.fspath(path), flags=apsw.SQLITE_OPEN_READONLY)
    sql = "SELECT pageno, ncell FROM dbstat WHERE name = 'reading_rows' AND pagetype = 'leaf'"
    found: list[Any] = connection.execute(sql).fetchall()
    connection.close()
    return dict(found)


def untouched(by_page: dict[int, int], at: int, content: bytes | None) -> int:
    """Readings on pages that the damage did not touch."""
    first, last = at // PAGE + 1, (10**9 if content is None else (at + len(content) - 1) // PAGE + 1)
    return sum(count for number, count in by_page.items() if not first <= number <= last)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_every_damaged_file_starts_again_and_yields_what_it_still_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pumpwatch_gui.store.hot.writer.COMMIT_EVERY_S", 0.2)  # five hundred times a second are minutes
    source = tmp_path / "source" / "pumpwatch.db"
    source.parent.mkdir()
    fill(source, READINGS)
    mark_unclean(source)
    failed: list[str] = []
    starts: list[Start] = []
    by_page = readings_by_page(source)
    shares: list[float] = [1.0]
    for (kind, at, content), number in zip(damages(source), range(FILES), strict=False):
        path = copy(source, tmp_path / str(number) / "pumpwatch.db")
        with path.open("r+b") as file:
            if content is None:
                file.truncate(at)
            else:
                file.seek(at)
                file.write(content)
        start = start_on(path)
        starts.append(start)
        least = untouched(by_page, at, content)
        if least > READINGS * 0.9:
            shares.append(start.readings / READINGS)
        if start.storing_s > 5.0 or start.readings < least or start.wrong > 1 or start.salvage_s > 1e6:
            failed.append(f"{kind} at {at}: {least} untouched, {start}")
            print("FAILED", failed[-1], flush=True)
        shutil.rmtree(path.parent)
    print(f"\n{len(starts)} files: {sum(s.is_quarantined for s in starts)} put aside, first reading stored after "
          f"{max(s.storing_s for s in starts):.2f} s at worst, worst share of one damaged page {min(shares):.2%}, "
          f"{sum(s.wrong for s in starts)} readings with a value nobody wrote, {len(failed)} failed")  # fmt: skip
    assert not failed
