"""The quick rows of the cases; `python -m tests.cases` plays all."""

from pathlib import Path

import pytest

from tests.cases.case import Case
from tests.cases.files import CHECKED
from tests.cases.recordings import RECORDINGS


@pytest.mark.parametrize("case", [*RECORDINGS, *CHECKED], ids=lambda case: case.number)
def test_what_fell_short_once_is_right(case: Case, tmp_path: Path) -> None:
    now, ok = case.play(tmp_path)
    assert ok, now
