"""Detection: the test-bed protocols on the folder given, foreign pumps that learn themselves, and the simulated plant.

The foreign pumps take about ten minutes. The simulated plant streams 30 pump-days at 1 Hz through the live path: about
10 minutes on 2 cores. The test-bed protocols train a model a file: about 5 minutes more for 17 files.
"""

import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from math import inf
from pathlib import Path

import numpy as np

from pumpwatch_gui.acquire.simulator.foreign import KEPT_BACK, KNOWN, PumpKind
from pumpwatch_gui.bench.figure import Figure
from pumpwatch_gui.bench.rigs import foreign_pumps, plant
from pumpwatch_gui.domain.likelihood import Likelihood
from pumpwatch_gui.infer.evaluation.protocols import (
    COMMISSIONED,
    FREE,
    STREAMED,
    UNSEEN,
    UNSOUND,
    Labelled,
    Result,
    load_skab,
    protocol_a,
    protocol_c,
    protocol_d,
)

KINDS = ("combined", "chart")
FOREIGN_HOURS, LASTING_HOURS = 72.0, 1.5
_PROCESSES = 2
_REFERENCE = {
    "A": {"f1": "≥ 0.80", "far": "≤ 22", "mar": "≤ 20"},
    "C": {"detected": "all", "delay_median_s": "≤ 60 s", "in_alarm": "≤ 3", "false_alarms": "≤ 1"},
    "D, sound labels": {"detected": "all", "in_alarm": "≤ 25"},
}
_UNITS = {"far": "%", "mar": "%", "detected": "", "delay_median_s": "s", "false_alarms": "", "in_alarm": "%"}
_WORDS = {
    "f1": "F1",
    "far": "FAR",
    "mar": "MAR",
    "detected": "detected",
    "delay_median_s": "median delay",
    "false_alarms": "false alarms",
    "in_alarm": "of normal time in alarm",
}


def run(data: Path | None) -> Iterator[Figure]:
    """The simulated plant, and with `data` (labelled recordings) the protocols A, C′ and D′ before it."""
    if data is not None:
        yield from _bed(load_skab(data))
    yield from _foreign()
    yield from _plant()


def _bed(files: Mapping[str, Labelled]) -> Iterator[Figure]:
    """Every protocol whose recordings are there, for each kind, and the baselines once."""
    for protocol in _protocols(files):
        for i, kind in enumerate(KINDS):
            for result in protocol(files, kind=kind, progress=_say):
                if i == 0 or result.who == kind:
                    yield from _figures(result)


def _protocols(files: Mapping[str, Labelled]) -> Iterator[Callable[..., Iterable[Result]]]:
    """The protocols for these recordings: those of the reference where they are all there, else alike with others."""
    yield protocol_a
    valve = [name for name in files if name.startswith("valve")]
    first = [name for name in valve if name.startswith("valve1/")]
    known = set(COMMISSIONED + STREAMED) <= files.keys()
    commissioned = COMMISSIONED if known else tuple(first[: 3 * len(first) // 4])
    streamed = STREAMED if known else tuple(name for name in valve if name not in commissioned)
    if commissioned and streamed:
        yield partial(protocol_c, commissioned=commissioned, streamed=streamed)
    if FREE in files:
        unseen = [name for name in UNSEEN if name in files]
        others = [name for name in files if name.startswith("other/") and name not in UNSOUND]
        yield partial(protocol_d, streamed=unseen or others)


def _figures(result: Result) -> Iterator[Figure]:
    marks = result.marks
    wanted = _REFERENCE.get(result.protocol, {}) if result.who in KINDS else {}
    for field, word in _WORDS.items():
        value, unit = float(getattr(marks, field)), _UNITS.get(field, "")
        reference = wanted.get(field, "")
        if field == "detected":
            unit, reference = f"of {marks.events}", reference
        yield Figure(f"{result.protocol}, {result.who}: {word}", value, unit, reference)


def _say(text: str) -> None:
    print(f"    {text}", flush=True)


def _foreign() -> Iterator[Figure]:
    """Pumps of other kinds that learn themselves from a cold start: those the recipe was tuned on, and the others."""
    with ProcessPoolExecutor(_PROCESSES, multiprocessing.get_context("spawn")) as pool:
        for half, kinds, seed in (("tuned on", KNOWN, 11), ("kept back", KEPT_BACK, 4711)):
            yield from _foreign_half(pool, f"foreign pumps, {half}", kinds, seed)


def _foreign_half(pool: ProcessPoolExecutor, half: str, kinds: Sequence[PumpKind], seed: int) -> Iterator[Figure]:
    calm = list(pool.map(foreign_pumps.healthy, [(kind, seed, FOREIGN_HOURS) for kind in kinds]))
    named = ", ".join(f"{one.kind} {one.first_day} + {one.later}" for one in calm if one.first_day + one.later)
    yield Figure(
        f"{half}: false alarms a pump on its first day", _mean(one.first_day for one in calm), "", f"≤ 1 {named}"
    )
    weeks = sum(one.later_days for one in calm) / 7
    yield Figure(f"{half}: false alarms a pump-week after it", sum(one.later for one in calm) / weeks, "", "≤ 1")
    scored = max(sum(one.scored for one in calm), 1)
    yield Figure(f"{half}: of scored time in alarm", 100 * sum(one.in_alarm for one in calm) / scored, "%", "≤ 0.5")
    counts = []
    for unnoticed in (False, True):
        parts = list(pool.map(foreign_pumps.faults, [(k, seed, unnoticed) for k in kinds]))
        found = [one for part, _ in parts for one in part]
        counts.append(sum(one.delay_s < inf for one in found))
        if not unnoticed:
            yield from _foreign_faults(half, found)
            yield from _likelihoods(half, [said for _, said in parts])
    lost = 12 * (counts[0] - counts[1]) / max(counts[0], 1)
    yield Figure(f"{half}: of 12 faults lost by one in the first hours", lost, "", "≤ 1")
    lasted = list(pool.map(foreign_pumps.lasting, [(kind, seed, LASTING_HOURS) for kind in kinds]))
    yield Figure(
        f"{half}: of a fault of 90 min in alarm", 100 * min(one.in_alarm for one in lasted), "%", "≥ 95, the worst"
    )
    yield Figure(f"{half}: clear after its repair", max(one.clear_min for one in lasted), "min", "≤ 15, the worst")


def _foreign_faults(half: str, found: Sequence[foreign_pumps.Found]) -> Iterator[Figure]:
    seen = [one for one in found if one.delay_s < inf]
    missed = Counter(one.fault for one in found if one.delay_s == inf)
    words = ", ".join(f"{fault} {count}" for fault, count in missed.most_common())
    yield Figure(f"{half}: moderate and severe faults detected", _share(one.delay_s < inf for one in found), "%",
                 f"≥ 95; missed: {words or '-'}")  # fmt: skip
    yield Figure(f"{half}: median delay", float(np.median([one.delay_s for one in seen] or [inf])), "s", "≤ 60 s")
    yield Figure(f"{half}: leading sensor right", _share(one.led_well for one in seen), "%", "≥ 90")


def _likelihoods(half: str, said: Sequence[foreign_pumps.Said]) -> Iterator[Figure]:
    shown, right = sum(one.shown for one in said), sum(one.right for one in said)
    wanted = {Likelihood.NONE: "≤ 5", Likelihood.POSSIBLE: "20-60", Likelihood.VERY_LIKELY: "≥ 85"}
    for step in Likelihood:
        share = 100 * float(np.divide(right, shown)[step.step])
        yield Figure(f"{half}: with a fault where shown: {step.words}", share, "%", wanted.get(step, "60-85"))


def _mean(counts: Iterable[int]) -> float:
    return float(np.mean(list(counts)))


def _plant() -> Iterator[Figure]:
    """Normal running and faults of the simulator, with the same settings in the same run."""
    share = plant.PUMPS // _PROCESSES
    runs = [(plant.SEED + i, share, plant.HOURS) for i in range(_PROCESSES)]
    cases = plant.every_case()
    parts = [(plant.SEED + 100 + i, cases[i::_PROCESSES]) for i in range(_PROCESSES)]
    with ProcessPoolExecutor(_PROCESSES, multiprocessing.get_context("spawn")) as pool:
        outcomes = [one for part in pool.map(plant.faults, parts) for one in part]
        yield from _faults(outcomes)
        _say(f"{plant.PUMPS} pumps for {plant.HOURS:.0f} h of normal running follow, about ten minutes")
        seen = [one for part in pool.map(plant.normal, runs) for one in part]
    days = sum(one.rows for one in seen) / 86_400
    false, scored = sum(len(one.raised) for one in seen), sum(one.scored for one in seen)
    yield Figure("plant: false alarms a pump-day", false / days, "", f"≤ 2 ({false} in {days:.1f} pump-days)")
    in_alarm = 100 * sum(one.in_alarm for one in seen) / max(scored, 1)
    yield Figure("plant: of normal time in alarm", in_alarm, "%")
    yield Figure("plant: of normal time scored", 100 * scored / max(sum(one.rows for one in seen), 1), "%")


def _faults(outcomes: Sequence[plant.FaultOutcome]) -> Iterator[Figure]:
    for word, severity in plant.SEVERITIES.items():
        own = [one for one in outcomes if one.severity == severity]
        missed = ", ".join(one.fault for one in own if not one.is_detected)
        yield Figure(
            f"plant: {word} faults detected", _share(one.is_detected for one in own), "%", f"missed: {missed or '-'}"
        )
    grave = [one for one in outcomes if one.severity > plant.SEVERITIES["mild"]]
    yield Figure("plant: moderate and severe faults detected", _share(one.is_detected for one in grave), "%", "≥ 95")
    for fault in dict.fromkeys(one.fault for one in outcomes):
        own = [one for one in outcomes if one.fault == fault and one.is_detected]
        if own:
            led = ", ".join(dict.fromkeys(one.tag for one in own))
            median = float(np.median([one.delay_s for one in own]))
            yield Figure(f"plant: {fault}, median delay", median, "s", f"led by {led}")
    right = _share(one.led_well for one in outcomes if one.is_detected)
    yield Figure("plant: leading sensor in the top two of the fault", right, "%", "≥ 85")


def _share(flags: Iterable[bool]) -> float:
    """Percent of the flags that are set, NaN without any."""
    every = list(flags)
    return 100 * sum(every) / len(every) if every else float("nan")
