"""Cases of devices: a collector runs some seconds on each."""

import csv
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.cases.case import ALL, ROOT, TAGS, Case, pumpwatch, wide_profile


@dataclass(frozen=True)
class Run:
    """A collector on one device: qualities and last value by tag, the device's requests, the log and the journal."""

    qualities: dict[str, Counter[str]]
    last: dict[str, float]
    requests: list[tuple[int, int]]
    words: str

    def is_good(self, *tags: str, times: int = 3) -> bool:
        """Whether these were GOOD so often."""
        return all(self.qualities.get(tag, Counter())["good"] >= times for tag in tags)

    def scan(self, size: int) -> bool:
        """Whether the last scan took so many requests: each is in the last ones as often as the others."""
        return len(set(self.requests[-2 * size :])) == size

    @property
    def text(self) -> str:
        """The qualities of each tag."""
        return ", ".join(f"{tag[:12]} {dict(found)}" for tag, found in self.qualities.items())


def collect(
    folder: Path,
    places: Sequence[int],
    habits: dict[str, float] | None = None,
    *,
    held: Sequence[int] = (),
    seconds: float = 8.0,
    link: str = "",
    driver: str = "modbus-tcp",
) -> Run:
    """Run the program on a device that holds `held` (as default: `places`), of which `places` are tags in order."""
    rows = "".join(
        f'[[point]]\ntag = "{t}"\naddress = {a}\ntype = "uint16"\n' for t, a in zip(ALL, places, strict=False)
    )
    (folder / "map.toml").write_text(f'name = "map"\n{rows}', "utf-8")
    registers = {a: 10 + a for a in held or places}
    arguments = json.dumps(registers), json.dumps(habits or {})
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        (sys.executable, "-m", "tests.cases.device", *arguments), stdout=subprocess.PIPE, text=True, env=environment,
        cwd=ROOT,
    ) as device:  # fmt: skip
        assert device.stdout is not None
        port = int(device.stdout.readline())
        (folder / "site.toml").write_text(
            f'schema = 1\n[[pump]]\nid = "P-1"\nprofile = "{wide_profile(folder)}"\nmodel = "none"\n[[pump.link]]\n'
            f'driver = "{driver}"\nhost = "127.0.0.1"\nport = {port}\nregisters = "map.toml"\n{link}', "utf-8",
        )  # fmt: skip
        site, record = str(folder / "site.toml"), str(folder / "record.csv")
        try:
            run = pumpwatch(folder, "run", "--site", site, "--headless", "--for", f"{seconds:g}", "--record", record)
        finally:
            device.terminate()
        requests = [(int(a), int(n)) for a, n in (line.split() for line in device.stdout)]
    return _judged(folder, requests, run.stdout + run.stderr)


def _judged(folder: Path, requests: list[tuple[int, int]], said: str) -> Run:
    qualities: dict[str, Counter[str]] = {}
    last: dict[str, float] = {}
    with (folder / "record.csv").open(encoding="utf-8") as rows:
        for row in csv.DictReader(rows):
            qualities.setdefault(row["sensor"], Counter())[row["quality"]] += 1
            if row["quality"] == "good":
                last[row["sensor"]] = float(row["value"])
    logs = "\n".join(p.read_text("utf-8") for p in sorted((folder / "home" / "logs").glob("*.log")))
    found = pumpwatch(folder, "query", "SELECT * FROM journal")
    return Run(qualities, last, requests, said + logs + found.stdout)


def device(
    places: Sequence[int],
    is_right: Callable[[Run], bool],
    habits: dict[str, float] | None = None,
    *,
    held: Sequence[int] = (),
    seconds: float = 8.0,
    link: str = "",
    driver: str = "modbus-tcp",
) -> Callable[[Path], tuple[str, bool]]:
    """A case of a device."""

    def play(folder: Path) -> tuple[str, bool]:
        run = collect(folder, places, habits, held=held, seconds=seconds, link=link, driver=driver)
        at = dict(zip(ALL, places, strict=False))
        wrong = [t for t, value in run.last.items() if t in at and not 0 <= value - 10 - at[t] <= 2]
        return run.text + (f"; WRONG {wrong}" if wrong else ""), not wrong and is_right(run)

    return play


HOLED, LONE, TEN = (0, 1, 3, 6, 7), (20, 40, 60), tuple(range(100, 200, 10))
IN_TWO = (10, 11, 12, 60)
STRETCH = tuple(range(10))
DEVICES = (
    Case("01", "one place early after a hole, GOOD", device(HOLED, lambda r: True, {"leaves_out": 1})),
    Case("02", "no response over a hole: never a value", device(HOLED, lambda r: r.is_good(*TAGS), {"silent": 1})),
    Case("03", "requested two wide: never a value", device(LONE, lambda r: r.is_good(*TAGS[:3]), {"silent": 1})),
    Case("04", "20 requests a scan for ten values", device(TEN, lambda r: r.is_good(*ALL) and r.scan(10), seconds=15)),
    Case(
        "05",
        "one silent block made all BAD, and no message named it",
        device(
            IN_TWO, lambda r: r.is_good(*TAGS[:3]) and "40061" in r.words, {"silent": 1}, held=IN_TWO[:3], seconds=12
        ),
    ),
    Case("06", "silent above 8 registers: never a value", device(STRETCH, lambda r: r.is_good(*ALL), {"most": 8})),
    Case("07", "needs a pause: never a value", device(IN_TWO, lambda r: r.is_good(*TAGS[:4]), {"pause_s": 0.1})),
    Case(
        "08",
        "hangs up after each response: GOOD and BAD in turn",
        device(
            STRETCH,
            lambda r: r.is_good(*ALL, times=5) and not any(q["bad"] for q in r.qualities.values()),
            {"hangs_up": 1},
        ),
    ),
    Case(
        "09",
        "length in the header one too high: 'no answer'",
        device(STRETCH, lambda r: "length is one too high" in r.words, {"length_too_high": 1}),
    ),
    Case(
        "10",
        "RTU in pieces 80 ms apart: dropped for ever",
        device(
            STRETCH,
            lambda r: r.is_good(*ALL),
            {"rtu": 1, "pieces_s": 0.08},
            link="timeout_s = 2.0\n",
            driver="modbus-rtu-over-tcp",
        ),
    ),
    Case(
        "11",
        "four bytes a register: no word",
        device(STRETCH, lambda r: "four bytes a register" in r.words, {"four_bytes": 1}),
    ),
    Case(
        "12",
        "responds 0.7 s late: 'check the unit id'",
        device(STRETCH, lambda r: "0.7 s late: timeout_s" in r.words, {"takes_s": 1.2}),
    ),
    Case(
        "13",
        "bit-identical values for ever stayed GOOD",
        device(STRETCH, lambda r: r.qualities["motor_rpm"]["uncertain"] > 0, {"frozen": 1}, seconds=180),
    ),
    Case(
        "14",
        "exception 3 above 8 registers: ten requests a scan",
        device(STRETCH, lambda r: r.is_good(*ALL) and r.scan(2), {"most": 8, "refuses": 1}, seconds=12),
    ),
)
