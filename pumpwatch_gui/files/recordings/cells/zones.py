"""Local time to UTC: where the clocks are set back an hour comes twice, where they are set forward one is missing."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.errors import InputError

Floats = NDArray[np.float64]

_OFFSET = re.compile(r"^([+-])(\d\d):?(\d\d)?$")
_STEP_S = 900
"""Clocks are changed on quarters of an hour."""
_EPOCH = datetime(1970, 1, 1)


def check_zone(name: str) -> None:
    """Raise InputError for a name that is no time zone."""
    _utc_of(name)


def to_utc(local_s: Floats, name: str, *, path: Path) -> Floats:
    """Unix seconds (m,) of wall-clock times (m,) in a zone, in the order in which they were recorded.

    In the hour that comes twice a step back, or what goes on before or after it, says which of both is meant. Raises
    InputError where nothing does, and for times that the zone never had.
    """
    if match := _OFFSET.match(name):
        offset_s = _offset_s(match)
        utc_s: Floats = local_s - offset_s
        return utc_s
    if name.upper() in ("UTC", "GMT", "Z"):
        return local_s
    utc_of = _utc_of(name)
    quarter, which = np.unique(np.floor(local_s / _STEP_S).astype(np.int64), return_inverse=True)
    walls = [_EPOCH + timedelta(seconds=int(q) * _STEP_S) for q in quarter.tolist()]
    start_s = quarter * float(_STEP_S)
    early, late = (start_s - np.array([utc_of(wall.replace(fold=fold)) for wall in walls]) for fold in (0, 1))
    never = early < late
    if never.any():
        raise InputError(
            f"{path}: there is no {walls[int(np.flatnonzero(never)[0])]:%Y-%m-%d %H:%M} in {name}",
            "the times are of another zone: set it, for example --timezone UTC or --timezone +01:00",
        )
    twice = (early != late)[which]
    second = _is_second(local_s, twice, path=path, zone=name) if twice.any() else twice
    ahead_s: Floats = np.where(second, late[which], early[which])
    return np.subtract(local_s, ahead_s)


def _offset_s(match: re.Match[str]) -> float:
    return (-1 if match[1] == "-" else 1) * (int(match[2]) * 3600.0 + int(match[3] or 0) * 60.0)


def _utc_of(name: str) -> Callable[[datetime], float]:
    """From a naive wall-clock time to Unix seconds."""
    if name.lower() == "local":
        return datetime.timestamp
    if _OFFSET.match(name) or name.upper() in ("UTC", "GMT", "Z"):
        return lambda wall: wall.replace(tzinfo=UTC).timestamp()
    try:
        zone = ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        advice = "give a name such as Europe/Berlin, UTC, local, or an offset such as +05:30"
        raise InputError(f"the time zone {name!r} is not known here", advice) from None
    return lambda wall: wall.replace(tzinfo=zone).timestamp()


def _is_second(local_s: Floats, twice: NDArray[np.bool_], *, path: Path, zone: str) -> NDArray[np.bool_]:
    """Which of the times in an hour that comes twice are of the second."""
    second = np.zeros_like(twice)
    steps = np.diff(local_s)
    usual_s = float(np.median(np.abs(steps))) if steps.size else 0.0
    shuffled = int((steps < 0).sum()) > 1 + 0.01 * steps.size
    edges = np.flatnonzero(np.diff(np.concatenate(([0], twice.astype(np.int8), [0]))))
    for start, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        within = steps[start : stop - 1]
        back = np.flatnonzero(within <= 0 if usual_s >= _STEP_S else within < 0)
        if back.size == 1 and not shuffled:
            second[start + int(back[0]) + 1 : stop] = True
            continue
        near_s = 3 * max(usual_s, 1.0)
        follows = start > 0 and 0 <= steps[start - 1] <= near_s
        precedes = stop < local_s.size and 0 <= steps[stop - 1] <= near_s
        if shuffled or back.size or follows == precedes:
            wall = _EPOCH + timedelta(seconds=float(local_s[start]))
            raise InputError(
                f"{path}: {wall:%Y-%m-%d %H:%M:%S} comes twice in {zone}, and nothing says which is meant",
                "export with UTC or an offset, or set the offset: for example --timezone +01:00",
            )
        second[start:stop] = precedes
    return second
