"""Pumps of foreign kinds that learn themselves from a cold start: false alarms while healthy, faults detected after."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import inf
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.acquire.simulator.foreign import FAULTS, MODERATE, SEVERE, PumpKind, Run, Spell, run
from pumpwatch_gui.domain.detection import Detection
from pumpwatch_gui.domain.likelihood import Evidence, Likelihood, likelihood_of
from pumpwatch_gui.domain.pump.profile import PumpProfile, Sensor
from pumpwatch_gui.domain.values.recording import Recording
from pumpwatch_gui.infer.evaluation.scoring import ScoredRow
from pumpwatch_gui.infer.learning.recorded import learn_rows

Floats = NDArray[np.float64]

START_S = 1_750_000_000.0
LEARNT_S = 6 * 3600.0
SPELL_S, CALM_S = 1200.0, 3600.0
UNNOTICED_S = 2400.0
CLEAR_SIGMAS = 2.0
AFTERMATH_S = 600.0
AS_STRONG = 0.5
"""A sensor that deviates by so much of the strongest (in its own noise) leads rightly."""
_UNITS = ("mm_s", "l_min", "bar", "rpm", "kw", "nm", "a", "c", "m")
_UNIT_WORDS = {"mm_s": "mm/s", "l_min": "L/min", "c": "degC", "kw": "kW", "nm": "Nm", "a": "A"}


@dataclass(frozen=True, slots=True)
class Healthy:
    """What a healthy pump did: alarms on the first day and after it, days after it, rows scored and in alarm."""

    kind: str
    first_day: int
    later: int
    later_days: float
    scored: int
    in_alarm: int
    rows: int


@dataclass(frozen=True, slots=True)
class Found:
    """How a fault was detected: seconds after it passed twice the noise (infinite: not), and whether it led rightly."""

    kind: str
    fault: str
    severity: float
    delay_s: float
    led_well: bool


@dataclass(frozen=True, slots=True)
class Said:
    """How often each step of likelihood was shown, and how often it was right, as parts of the rows of the run."""

    shown: Floats
    right: Floats


@dataclass(frozen=True, slots=True)
class Lasted:
    """The part of a lasting fault in alarm, and the minutes from the repair to the last instant in alarm."""

    kind: str
    in_alarm: float
    clear_min: float


def profile_of(kind: PumpKind) -> PumpProfile:
    """The profile of a kind: spans wide around what is rated, no limits."""
    healthy = run(kind, hours=2.0, seed=0)
    return PumpProfile(kind.name, tuple(_sensor(tag, c) for tag, c in zip(kind.sensors, healthy.values.T, strict=True)))


def recording_of(made: Run) -> Recording:
    """A run as a recording."""
    return Recording(Path("foreign.csv"), START_S + made.time_s, made.values)


def healthy(case: tuple[PumpKind, int, float]) -> Healthy:
    """(kind, seed, hours) of healthy running from a cold start by the live path."""
    kind, seed, hours = case
    rows = list(learn_rows(profile_of(kind), [recording_of(run(kind, hours=hours, seed=seed))]))
    raised = [(b.time_ns / 1e9 - START_S) / 3600 for a, b in pairwise(rows) if b.alarm and not a.alarm]
    scored = [isinstance(row.score_result, Detection) for row in rows]
    return Healthy(
        kind.name, sum(h < 24 for h in raised), sum(h >= 24 for h in raised), max(hours - 24, 0) / 24,
        sum(scored), sum(row.alarm for row in rows), len(rows),
    )  # fmt: skip


def faults(case: tuple[PumpKind, int, bool]) -> tuple[list[Found], Said]:
    """(kind, seed, unnoticed): every fault, moderate and severe, one by one, beginning after six hours of running.

    `unnoticed`: a quarter of an hour of a severe fault is already in the first hours, from which the pump learns.
    """
    kind, seed, unnoticed = case
    slow = _slow(kind)
    spells = [Spell(fault, 0.0, SPELL_S * slow, size) for size in (MODERATE, SEVERE) for fault in FAULTS]
    at_s, placed = LEARNT_S * slow, list[Spell]()
    for i in np.random.default_rng([seed, 9]).permutation(len(spells)).tolist():
        placed.append(replace(spells[i], start_s=at_s))
        at_s += (SPELL_S + CALM_S) * slow
    before = (Spell("throttled discharge", UNNOTICED_S * slow, 900.0 * slow, SEVERE),) if unnoticed else ()
    made = run(kind, hours=at_s / 3600, seed=seed, spells=(*before, *placed))
    sound = run(kind, hours=at_s / 3600, seed=seed)
    rows = list(learn_rows(profile_of(kind), [recording_of(made)]))
    found = [one for spell in placed if (one := _found(kind, spell, made, sound, rows)) is not None]
    return found, _said(kind, placed, made, sound, rows)


def lasting(case: tuple[PumpKind, int, float]) -> Lasted:
    """(kind, seed, hours) of a severe fault after six hours of running, repaired at its end."""
    kind, seed, hours = case
    slow = _slow(kind)
    spell = Spell("throttled discharge", LEARNT_S * slow, hours * 3600 * slow, SEVERE)
    end_s = spell.start_s + spell.duration_s
    made = run(kind, hours=end_s / 3600 + slow, seed=seed, spells=(spell,))
    alarm = np.array([row.alarm for row in learn_rows(profile_of(kind), [recording_of(made)])])
    during = (made.time_s >= spell.start_s + spell.ramp_s) & (made.time_s < end_s)
    after = made.time_s[alarm & (made.time_s >= end_s)]
    return Lasted(kind.name, float(alarm[during].mean()), float(after.max() - end_s) / 60 if after.size else 0.0)


def _slow(kind: PumpKind) -> float:
    """A pump that is read every few minutes is given its time."""
    return max(1.0, kind.period_s / 60.0)


def _found(kind: PumpKind, spell: Spell, made: Run, sound: Run, rows: Sequence[ScoredRow]) -> Found | None:
    """None for a fault that never passes twice the noise: nothing is there to be detected."""
    first, last = (int(np.searchsorted(made.time_s, x)) for x in (spell.start_s, spell.start_s + spell.duration_s))
    off = np.abs(made.truth[first:last] - sound.truth[first:last]) / made.noise
    clear = np.flatnonzero(off.max(axis=1) > CLEAR_SIGMAS)
    if not clear.size:
        return None
    begin = first + int(clear[0])
    alarm = next((i for i in range(begin, last) if rows[i].alarm), None)
    if alarm is None or rows[begin - 1].alarm:  # one that was on already reports nothing new
        return Found(kind.name, spell.fault, spell.severity, inf, False)
    result, strength = rows[alarm].score_result, off[alarm - first]
    right = isinstance(result, Detection) and strength[int(np.argmax(result.shares))] >= AS_STRONG * strength.max()
    return Found(kind.name, spell.fault, spell.severity, float(made.time_s[alarm] - made.time_s[begin]), bool(right))


def _said(kind: PumpKind, placed: Sequence[Spell], made: Run, sound: Run, rows: Sequence[ScoredRow]) -> Said:
    """What was said of the rows that are clear: with a fault past twice the noise, or long after one."""
    off = (np.abs(made.truth - sound.truth) / made.noise).max(axis=1)
    is_faulty, is_after = np.zeros(len(rows), bool), np.zeros(len(rows), bool)
    for spell in placed:
        end_s = spell.start_s + spell.duration_s
        is_faulty |= (made.time_s >= spell.start_s) & (made.time_s < end_s)
        is_after |= (made.time_s >= end_s) & (made.time_s < end_s + AFTERMATH_S * _slow(kind))
    is_unclear = is_after | (is_faulty & (off <= CLEAR_SIGMAS))
    evidence, shown, right = Evidence(), np.zeros(len(Likelihood)), np.zeros(len(Likelihood))
    for i, row in enumerate(rows):
        if isinstance(row.score_result, Detection):
            evidence.update(row.score_result.mono_ns, row.score_result.score)
            if not is_unclear[i]:
                step = likelihood_of(evidence.probability()).step
                shown[step] += 1
                right[step] += is_faulty[i]
    return Said(shown / max(shown.sum(), 1.0), right / max(shown.sum(), 1.0))


def _sensor(tag: str, values: Floats) -> Sensor:
    ending = next(e for e in _UNITS if tag.endswith(f"_{e}"))
    label = tag.removesuffix(f"_{ending}").replace("_", " ").capitalize()
    level = max(float(np.abs(values).max()), 1.0)
    return Sensor(tag, label, _UNIT_WORDS.get(ending, ending), (-2 * level, 4 * level), level * 1e-4)
