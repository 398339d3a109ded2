"""Whatever comes from outside: no traceback, no hang, and a refusal in words.

`PUMPWATCH_FUZZ=32000 pytest -m slow tests/fuzz` spoils so many inputs, and 5,000 bundles for every 32,000. A
fault names its kind and number, which make the same input again.
"""

import os
import random
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from tests.fuzz.bundles import resealed_bundle
from tests.fuzz.kinds import KINDS, Kind
from tests.fuzz.watch import fault_of

INPUTS = int(os.environ.get("PUMPWATCH_FUZZ", "32000"))
FIRST = int(os.environ.get("PUMPWATCH_FUZZ_FIRST", "0"))
ALL = {**KINDS, "resealed bundle": resealed_bundle}

pytestmark = pytest.mark.skipif(os.name != "posix", reason="a hang is ended by a signal")


def faults(name: str, kind: Kind, folder: Path, *, first: int, count: int) -> list[str]:
    """What went wrong, one line for each place where it did, with how often and the number of the first."""
    found: Counter[str] = Counter()
    numbers: dict[str, tuple[int, str]] = {}
    for number in range(first, first + count):
        if fault := fault_of(partial(kind, random.Random(f"{name} {number}"), folder)):
            place = fault.split(":")[0] + fault[fault.rindex(" at ") :]
            found[place] += 1
            numbers.setdefault(place, (number, fault))
    return [f"{name} {numbers[p][0]} ({times} like it): {numbers[p][1]}" for p, times in found.most_common()]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test may meet the home of whoever runs it, nor write next to the code."""
    monkeypatch.setenv("PUMPWATCH_HOME", str(tmp_path / "home"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")


@pytest.mark.parametrize("name", ALL)
def test_a_spoilt_input_is_used_or_refused_in_words(name: str, tmp_path: Path) -> None:
    found = faults(name, ALL[name], tmp_path, first=FIRST, count=40)
    assert not found, "\n".join(found)


@pytest.mark.slow
@pytest.mark.timeout(0)
@pytest.mark.parametrize("name", ALL)
def test_no_spoilt_input_of_many_ends_in_a_traceback_or_a_hang(name: str, tmp_path: Path) -> None:
    count = INPUTS // len(KINDS) + 1 if name in KINDS else INPUTS * 5 // 32
    found = faults(name, ALL[name], tmp_path, first=FIRST, count=count)
    assert not found, "\n".join(found)
