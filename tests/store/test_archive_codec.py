"""A column of the archive: what comes back is what was put in, to the resolution, or it is refused."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpwatch_gui.store.archive.codec import (
    BrokenChunkError,
    Floats,
    Integers,
    decode_integers,
    decode_runs,
    decode_values,
    encode_integers,
    encode_runs,
    encode_values,
    rounded,
)
from pumpwatch_gui.store.archive.rollup import combined, decode_rollup, encode_rollup, rolled

RESOLUTIONS = (1.0, 0.1, 0.01, 0.001, 0.25, 0.05, 10.0)
values = st.lists(st.one_of(st.none(), st.floats(-1e7, 1e7), st.integers(-(10**6), 10**6).map(float)), max_size=200)


@given(values, st.sampled_from(RESOLUTIONS))
def test_a_value_comes_back_as_itself_or_rounded_to_the_resolution(
    given_values: list[float | None], resolution: float
) -> None:
    column = np.array([np.nan if v is None else v for v in given_values])
    back = decode_values(encode_values(column, resolution))
    assert np.array_equal(np.isnan(column), np.isnan(back))
    good = ~np.isnan(column)
    assert (np.abs(back[good] - column[good]) <= resolution * 0.5000001 + 1e-9).all()


@given(st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=100), st.sampled_from(RESOLUTIONS))
def test_multiples_of_the_resolution_come_back_bit_by_bit(steps: list[int], resolution: float) -> None:
    column = np.array([rounded(step * resolution, resolution) for step in steps])
    assert decode_values(encode_values(column, resolution)).tolist() == column.tolist()
    noisy = column * (1 + 1e-15)  # 3 * 0.1 is not 0.3
    assert decode_values(encode_values(noisy, resolution)).tolist() == column.tolist()


def test_a_sensor_that_gives_more_decimals_than_its_resolution_says_keeps_two_of_them() -> None:
    column = np.array([20.05, 20.15, 20.25], np.float64)
    assert decode_values(encode_values(column, 0.1)).tolist() == column.tolist()
    finer = np.array([20.05123, 20.15123, 20.25123])
    assert decode_values(encode_values(finer, 0.1)).tolist() == [20.1, 20.2, 20.3]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=50))
def test_values_without_a_resolution_or_beyond_whole_numbers_are_kept_as_they_are(column: list[float]) -> None:
    exact: Floats = np.empty(len(column))
    exact[:] = column
    assert decode_values(encode_values(exact, None)).tolist() == column
    huge: Floats = np.empty(len(column) + 1)
    huge[:-1], huge[-1] = column, 1e300
    assert decode_values(encode_values(huge, 0.1)).tolist() == huge.tolist()


@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=50))
def test_whole_numbers_come_back(column: list[int]) -> None:
    assert decode_integers(encode_integers(np.array(column, np.int64))).tolist() == column


def test_a_damaged_column_is_refused_and_never_gives_other_values() -> None:
    wave: Floats = np.sin(np.arange(500.0))
    content = encode_values(wave.round(2), 0.01)
    for at in range(0, len(content), 7):
        broken = content[:at] + bytes([content[at] ^ 0x10]) + content[at + 1 :]
        with pytest.raises(BrokenChunkError):
            decode_values(broken)
    for cut in (0, 10, 24, len(content) // 2):
        with pytest.raises(BrokenChunkError):
            decode_values(content[:cut])
    runs = encode_runs([(0, "IDLE"), (5, None)], 9)
    assert decode_runs(runs) == [(0, "IDLE"), (5, None)]
    for wrong in (decode_values, decode_integers):
        with pytest.raises(BrokenChunkError):
            wrong(runs)
    with pytest.raises(BrokenChunkError):
        decode_runs(content)


readings = st.lists(
    st.tuples(st.integers(0, 10**6), st.one_of(st.none(), st.integers(-500, 500))),
    max_size=80,
    unique_by=lambda r: r[0],
)


@given(readings, st.sampled_from([1_000, 60_000]), st.integers(0, 80))
def test_steps_are_what_a_plain_loop_finds_however_they_are_put_together(
    rows: list[tuple[int, int | None]], step_ms: int, cut: int
) -> None:
    rows.sort()
    ms: Integers = np.array([at for at, _ in rows], np.int64)
    column = np.array([np.nan if v is None else v / 10 for _, v in rows])
    found = combined([rolled(ms[:cut], column[:cut], step_ms), rolled(ms[cut:], column[cut:], step_ms)])
    found = decode_rollup(encode_rollup(found, 0.1))
    expected: dict[int, list[int | None]] = {}
    for at, value in rows:
        expected.setdefault(at // step_ms, []).append(value)
    assert found.index.tolist() == sorted(expected)
    for i, (_, own) in enumerate(sorted(expected.items())):
        good = [v / 10 for v in own if v is not None]
        assert (found.good[i], found.bad[i]) == (len(good), len(own) - len(good))
        if good:
            assert (found.low[i], found.high[i]) == (min(good), max(good))
            assert found.mean[i] == pytest.approx(sum(good) / len(good), abs=0.0051)
        else:
            assert np.isnan([found.low[i], found.mean[i], found.high[i]]).all()


@given(readings)
def test_minutes_of_the_layout_before_are_read(rows: list[tuple[int, int | None]]) -> None:
    rows.sort()
    ms: Integers = np.array([at for at, _ in rows], np.int64)
    found = rolled(ms, np.array([np.nan if v is None else v / 10 for _, v in rows]), 60_000)
    counts = encode_integers(np.concatenate((found.index, found.good, found.bad)))
    extremes = encode_values(np.concatenate((found.low, found.high)), 0.1)
    before = struct.pack("<II", len(counts), len(extremes)) + counts + extremes + encode_values(found.mean, 0.01)
    for one, other in zip(decode_rollup(before).parts(), decode_rollup(encode_rollup(found, 0.1)).parts(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_minutes_without_a_resolution_or_with_finer_values_come_back() -> None:
    random = np.random.default_rng(1)
    for column, resolution in ((random.normal(0, 1, 5_000), None), (random.integers(-900, 900, 5_000) / 100, 0.1)):
        found = rolled(np.arange(5_000) * 1_000, column, 60_000)
        back = decode_rollup(encode_rollup(found, resolution))
        np.testing.assert_array_equal(back.low, found.low)
        np.testing.assert_array_equal(back.high, found.high)


def test_minutes_in_which_nothing_happens_take_no_room_for_their_counts_and_come_back() -> None:
    values = np.sin(np.arange(86_400))
    ms = np.arange(86_400) * 1000
    steady = rolled(ms, values, 60_000)
    is_kept = np.ones(values.size, np.bool_)
    is_kept[[70, 4_000]] = False
    values[[90, 9_000]] = np.nan
    lacking = rolled(ms[is_kept], values[is_kept], 60_000)
    assert len(encode_rollup(steady, 0.1)) < len(encode_rollup(lacking, 0.1)) - 50
    for found in (steady, lacking):
        back = decode_rollup(encode_rollup(found, 0.1))
        for one, other in zip((found.index, found.good, found.bad), (back.index, back.good, back.bad), strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_damaged_row_of_minutes_is_refused_and_what_was_decoded_cannot_be_written_to() -> None:
    found = rolled(np.arange(5_000) * 1_000, np.sin(np.arange(5_000.0)).round(2), 60_000)
    content = encode_rollup(found, 0.01)
    for at in range(4, len(content), 11):
        broken = content[:at] + bytes([content[at] ^ 0x10]) + content[at + 1 :]
        with pytest.raises(BrokenChunkError):
            decode_rollup(broken)
    with pytest.raises(ValueError, match="read-only"):
        decode_rollup(content).low[0] = 1.0


def test_a_day_of_noise_is_smaller_than_as_differences_and_comes_back() -> None:
    random = np.random.default_rng(1)
    slow = 50 + 3 * np.sin(np.arange(86_400) / 5_000)
    column = (slow + random.normal(0, 0.05, 86_400)).round(2)
    content = encode_values(column, 0.01)
    assert decode_values(content).tolist() == column.tolist()
    counts = np.unique(np.diff(np.rint(column * 100)), return_counts=True)[1] / (column.size - 1)
    assert 8 * len(content) / column.size < -(counts * np.log2(counts)).sum() - 0.3
