"""One truth in all dresses: it is read as it is, or refused by the name of what is in doubt. Nothing is lost unsaid.

`PUMPWATCH_DRESSES=2000 pytest tests/files/recordings/test_one_truth.py -s` tries that many and says how many were read.
"""

import os
from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.values.recording_format import FormatChoices
from pumpwatch_gui.files.recordings.reading import read_recording
from tests.files.recordings.dresses import MAY_BE_EITHER_DATE, PROFILE, WALL, Dress, Truth, dresses, truths, written

COUNT = int(os.environ.get("PUMPWATCH_DRESSES", "60"))
SEEN: Counter[str] = Counter()


def is_doubtful(message: str, dress: Dress) -> bool:
    """Whether a refusal names something that this dress does leave in doubt."""
    has_groups = dress.decimal == "," or dress.group in (",", ".") or "." in message
    has_wall_clock = dress.times in WALL or dress.times == "days"
    return (
        ("a decimal mark or a thousands mark" in message and has_groups)
        or ("day and month cannot be told apart" in message and dress.times in MAY_BE_EITHER_DATE)
        or ("comes twice in" in message and "/" in dress.zone and has_wall_clock)
        or ("cells, " in message and "names" in message and dress.separator == ",")
        or ("fewer cells than" in message and dress.separator == " " and not dress.missing)
    )


def check_refusal(error: InputError, dress: Dress) -> None:
    assert is_doubtful(error.message, dress), error.message
    assert error.advice
    SEEN[next(word for word in ("thousands", "day and month", "twice", "names") if word in error.message)] += 1


@settings(max_examples=COUNT, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(truth=truths(), dress=dresses())
def tried(folder: pytest.TempPathFactory, truth: Truth, dress: Dress) -> None:
    path = folder.getbasetemp() / "dressed.csv"
    path.write_bytes(written(truth, dress))
    try:
        recording = read_recording(path, PROFILE, FormatChoices(timezone=dress.zone))
    except InputError as error:
        check_refusal(error, dress)
        return
    SEEN["read"] += 1
    assert recording.time_s.size == len(truth.values), recording.notes
    assert np.allclose(recording.time_s, truth.time_s, rtol=0, atol=1e-3)
    assert np.array_equal(recording.values, truth.values, equal_nan=True)
    assert recording.dropped == (dress.repeats // 3 if dress.is_long else dress.repeats)  # in samples
    assert recording.missing == ()


def test_one_truth_is_read_in_every_dress_or_the_dress_is_named(tmp_path_factory: pytest.TempPathFactory) -> None:
    SEEN.clear()
    tried(tmp_path_factory)
    print("\n" + ", ".join(f"{count} {what}" for what, count in SEEN.most_common()))
    # A third of the dresses is refused on purpose (a fifth separator that shows no empty cell); 60 are a small sample.
    assert SEEN["read"] > 0.4 * SEEN.total()
