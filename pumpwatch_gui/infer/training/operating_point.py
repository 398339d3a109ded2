"""What a pump's own running says about its operating point: how far it moves, and what it moves."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.infer.detectors.relation import Relation, columns, involved

Floats = NDArray[np.float64]

MOVES = 0.15
WIDER_MOVES = dict.fromkeys(("mm/s", "g", "m/s2", "um", "kW", "W", "hp"), 0.25) | {"A": 0.2}
LEAST_OF_SPAN, WIDEST_SPAN = 0.01, 1e6

SUPPLY = ("suction", "level")
METRE = {"bar": 0.098, "mbar": 98.0, "kPa": 9.8, "psi": 1.42, "m": 1.0, "cm": 100.0, "mm": 1000.0, "ft": 3.28}
"""A metre of liquid, as a pressure or a level."""
MOST_OF_SPAN = 0.25

SPEED, FLOW, LOAD = ("rpm", "Hz"), ("L/min", "m3/h", "L/s", "L/h", "m3/min", "m3/s", "gpm"), ("kW", "W", "A")
"""The units of what drives a pump: its speed, then its flow; where that is not measured, what it takes."""
SPEED_REACH = 0.4
"""Head goes with the square of the speed and power with its cube: less than half the move moves the others as far."""
SLOW = ("degC", "degF", "K")
"""What lags behind the operating point by minutes to hours and is not taken as driven by it."""
BLOCK_S, ROWS_OF_BLOCK = 60.0, 6
LAG = 5
"""Changes over so many blocks are compared: a slower drift is for the slow baseline."""
LEAST_BLOCKS = 20
LEAST_FAR = 5
"""So many of the changes have to be moves of a driver, not noise."""
MARGIN = 3.0
"""The noise of one row about what was seen of a driver, in standard deviations."""
LEAST_MOVE, NOISE_TIMES = 0.03, 4.0
"""A quantity drives others once it has moved by this part of its reach, and by so many times the noise of a block."""
LINEAR, CURVED = 2.0, 1.0
"""How large effects are before anything is seen, as standard deviations in the reach of the sensor."""
FOLDS, GAIN = 4, 0.7
"""A sensor is driven where three quarters of the running predict the changes in the fourth so much better than none."""
_ROUNDS, _HUBER, _MAD = 4, 2.5, 1.4826


def first_guess(profile: PumpProfile, level: Floats) -> Floats:
    """How far a healthy pump may leave its level (n,) by a move of its operating point, in units, before hours showed.

    A valve that is moved by a fifth moves flow, pressures and current by a seventh at most, vibration by a quarter; so
    does a drive with the power, which goes with the cube of its speed.
    """
    part = np.array([WIDER_MOVES.get(s.unit, MOVES) for s in profile.sensors])
    width = np.array([s.span[1] - s.span[0] for s in profile.sensors])
    guess: Floats = np.maximum(part * np.abs(level), np.where(width < WIDEST_SPAN, LEAST_OF_SPAN * width, 0.0))
    return guess


def supply_moves(profile: PumpProfile) -> Floats:
    """How far what the pump is supplied with moves each sensor (n,), in units: a level, the pressure at the suction.

    Liquid in a well, a sump or a tank rises and falls by a metre as others fill and empty it, slowly and whatever the
    pump does: no operating point explains it, and hours do not show all of it. 0 for every other sensor.
    """
    supplied = [any(word in s.tag for word in SUPPLY) for s in profile.sensors]
    metre = np.array([METRE.get(s.unit, 0.0) for s in profile.sensors])
    width = np.array([s.span[1] - s.span[0] for s in profile.sensors])
    return np.where(supplied, np.minimum(metre, MOST_OF_SPAN * width), 0.0)


def ordinary_level(rows: Floats) -> Floats:
    """The ordinary level of each sensor (n,) in rows (m, n), 0 where it never had a value."""
    there = np.isfinite(rows).any(axis=0)
    level = np.zeros(there.size)
    level[there] = np.nanmedian(rows[:, there], axis=0)
    return level


def relation_of(profile: PumpProfile, rows: Floats, *, period_s: float) -> Relation | None:
    """What drives what in rows (m, n) of running `period_s` apart, None for a profile without a driving quantity."""
    driving = drivers(profile, np.asarray(np.isfinite(rows).any(axis=0)))
    if not driving:
        return None
    level = ordinary_level(rows)
    reach = np.maximum(first_guess(profile, level), [s.resolution for s in profile.sensors])
    if profile.sensors[driving[0]].unit in SPEED:
        reach[driving[0]] *= SPEED_REACH
    count, sensors = len(driving), len(profile.sensors)
    none = Relation(driving, level, reach, np.zeros(count), np.zeros(count),
                    np.zeros((sensors, count + count * (count + 1) // 2)))  # fmt: skip
    blocks, noise = _blocks(rows, period_s)
    blocks = blocks[np.isfinite(blocks[:, list(driving)]).all(axis=1)]
    return none if len(blocks) < LEAST_BLOCKS else _fitted(none, profile, blocks, noise)


def _fitted(relation: Relation, profile: PumpProfile, blocks: Floats, noise: Floats) -> Relation:
    """The relation with the effects that blocks (m, n) show; `noise` (n,) is that of a row."""
    count = len(relation.drivers)
    noise = (noise / relation.reach)[list(relation.drivers)]
    least = np.maximum(LEAST_MOVE, NOISE_TIMES * noise / np.sqrt(ROWS_OF_BLOCK))
    moved = np.zeros(count, dtype=np.bool_)
    low, high, effect = np.zeros(count), np.zeros(count), relation.effect.copy()
    for i, driver in enumerate(relation.drivers):
        before = [at for at in columns(i, count) if all(moved[j] for j in involved(at, count))]
        effect[driver] = _effect(relation, blocks, driver, before, least)
        relation = replace(relation, effect=effect)
        at = relation.point(blocks)[:, i]
        low[i], high[i] = at.min() - MARGIN * noise[i], at.max() + MARGIN * noise[i]
        moved[i] = np.ptp(at) > least[i]
        relation = replace(relation, low=low, high=high)
    terms = [at for at in range(relation.effect.shape[1]) if all(moved[j] for j in involved(at, count))]
    for i, sensor in enumerate(profile.sensors):
        if i not in relation.drivers and sensor.unit not in SLOW:
            effect[i] = _effect(relation, blocks, i, terms, least)
    return replace(relation, effect=effect)


def _effect(relation: Relation, blocks: Floats, sensor: int, terms: Sequence[int], least: Floats) -> Floats:
    """The effects of `terms` on a sensor in its unit (f,), all 0 where they predict too little.

    Judged by the changes in which a driver moved by more than `least` (k,) of its reach.
    """
    effect = np.zeros(relation.effect.shape[1])
    if not terms:
        return effect
    at = relation.terms(relation.point(blocks))[:, list(terms)]
    moves, answer = at[LAG:] - at[:-LAG], (blocks[LAG:, sensor] - blocks[:-LAG, sensor]) / relation.reach[sensor]
    there = np.isfinite(answer)
    moves, answer = moves[there], answer[there]
    linear = [i for i, t in enumerate(terms) if t < len(relation.drivers)]
    far = (np.abs(moves[:, linear]) > least[[terms[i] for i in linear]]).any(axis=1)
    if np.count_nonzero(far) < LEAST_FAR:
        return effect
    prior = np.array([LINEAR if t < len(relation.drivers) else CURVED for t in terms]) ** -2.0
    fold = np.arange(answer.size) * FOLDS // answer.size
    left = np.concatenate([
        answer[fold == f] - moves[fold == f] @ _ridge(moves[fold != f], answer[fold != f], prior) for f in range(FOLDS)
    ])  # fmt: skip
    if np.abs(left[far]).sum() < GAIN * np.abs(answer[far]).sum():
        effect[list(terms)] = _ridge(moves, answer, prior) * relation.reach[sensor]
    return effect


def _ridge(moves: Floats, answer: Floats, prior: Floats) -> Floats:
    """Effects (f,) of moves (m, f) on an answer (m,) that outliers do not pull, towards 0 where little moved."""
    weight: Floats = np.ones(answer.size)
    effect: Floats = np.zeros(prior.size)
    for _ in range(_ROUNDS):
        off = answer - moves @ effect
        size = max(_MAD * float(np.median(np.abs(off))), 1e-6)
        if effect.any():
            weight = np.asarray(np.minimum(1.0, _HUBER * size / np.maximum(np.abs(off), 1e-12)), dtype=np.float64)
        weighed = moves * weight[:, np.newaxis]
        effect = np.asarray(
            np.linalg.solve(weighed.T @ moves + np.diag(prior) * size**2, weighed.T @ answer), np.float64
        )
    return effect


def largest_moves(rows: Floats, *, period_s: float) -> Floats:
    """By how much each sensor (n,) has changed at most within minutes in rows (m, n), 0 where it never had a value."""
    blocks, _ = _blocks(rows, period_s)
    changes = np.abs(blocks[LAG:] - blocks[:-LAG])
    largest: Floats = np.max(np.where(np.isfinite(changes), changes, 0.0), axis=0, initial=0.0)
    return largest


def _blocks(rows: Floats, period_s: float) -> tuple[Floats, Floats]:
    """Means (k, n) of a minute of rows each, and the noise (n,) of one row."""
    size = max(ROWS_OF_BLOCK, round(BLOCK_S / max(period_s, 1e-3)))
    whole = rows[: len(rows) // size * size].reshape(-1, size, rows.shape[1])
    noise = np.array([_MAD * float(np.median(np.abs(d[np.isfinite(d)]))) if np.isfinite(d).any() else 0.0
                      for d in np.diff(rows, axis=0).T]) / np.sqrt(2)  # fmt: skip
    there = np.isfinite(whole)
    with np.errstate(invalid="ignore"):
        return np.where(there, whole, 0.0).sum(axis=1) / np.where(there.any(axis=1), there.sum(axis=1), np.nan), noise


def drivers(profile: PumpProfile, present: NDArray[np.bool_]) -> tuple[int, ...]:
    """The sensors that drive: the first of the speeds, and of the flows or else of the loads."""
    speed, flow, load = (
        [i for i, s in enumerate(profile.sensors) if s.unit in units and present[i]] for units in (SPEED, FLOW, LOAD)
    )
    return (*speed[:1], *(flow or load)[:1])
