"""Mutation testing of the core rooms with Cosmic Ray: `python -m tests.mutation [--room NAME] [--count N] [--seed N]`.

Cosmic Ray makes the mutants and runs the tests; this chooses a sample by seed, works in a copy of the tree (a run that
is killed leaves no mutant behind), and prints a table. Exit code 1 when a mutant survives that `equivalent.py` does not
argue, or when the tests fail without any mutant.
"""

import argparse
import ast
import difflib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import tomllib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import apsw  # noqa: F401
import numpy  # noqa: F401
import pytest
from cosmic_ray.commands import init
from cosmic_ray.mutating import use_mutation
from cosmic_ray.plugins import get_operator
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import MutationSpec, TestOutcome, WorkItem
from hypothesis import Phase, settings

from tests.mutation.equivalent import EQUIVALENT
from tests.mutation.rooms import ROOMS, paths

ROOT = Path(__file__).resolve().parent.parent.parent
TIMEOUT_S = 120.0
"""A mutant whose tests take longer is killed: it hangs. The slowest tests take 60 s on a busy machine."""
WARM_UP_S = 900.0
ALIKE = ("_Is_Eq", "_IsNot_NotEq", "_Eq_Is", "_NotEq_IsNot")
"""Operators left out: identity and equality are the same for None, members of an Enum and small numbers."""
BROKEN = "ExceptionReplacer"
"""Left out: in Cosmic Ray 8.7 it ends in an AttributeError at a dotted name (`except apsw.Error`)."""
MODULES = {module: (room, tests) for room, modules in ROOMS.items() for module, tests in modules.items()}


@dataclass(frozen=True, slots=True)
class Survivor:
    """A mutant that no test noticed, with the lines that it changed (`- before`, `+ after`)."""

    spec: MutationSpec
    change: tuple[str, ...]

    @property
    def reason(self) -> str:
        """Why nothing could notice it; "" when that is not argued."""
        added = " ".join(line[2:] for line in self.change if line.startswith("+"))
        module = Path(self.spec.module_path).as_posix().removeprefix("pumpwatch_gui/")
        same = (
            why for (where, line), why in EQUIVALENT.items() if (where, _squeezed(line)) == (module, _squeezed(added))
        )
        return next(same, "")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--room", choices=ROOMS, nargs="*", help="of the sample, only the mutants of these rooms")
    parser.add_argument("--count", type=int, default=300, help="mutants in all (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the sample (default: %(default)s)")
    parser.add_argument("--only", metavar="FILE:LINE", nargs="*", help="of the sample, only the mutants of these lines")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        Path(folder).chmod(0o755)  # a test gives its rights up and still reads the resources
        return _run(Path(folder), options)


def _run(folder: Path, options: argparse.Namespace) -> int:
    _copy_tree(folder)
    os.chdir(folder)
    with use_db("mutants.sqlite", WorkDB.Mode.create) as db:
        init([Path(m) for m in MODULES], db, {})
        chosen = sample(db.work_items, options.count, options.seed)
    print(f"{len(chosen)} mutants of {len(MODULES)} modules, seed {options.seed}", flush=True)
    for room in ROOMS:
        print(f"{room:24} {sum(MODULES[_module(item)][0] == room for item in chosen):7}", flush=True)
    if options.room:
        chosen = [item for item in chosen if MODULES[_module(item)][0] in options.room]
    if options.only:
        chosen = [item for item in chosen if place(_spec(item)) in options.only]
    killed: dict[str, int] = defaultdict(int)
    survived: dict[str, list[Survivor]] = defaultdict(list)
    warm = set[str]()
    started = time.monotonic()
    for at, item in enumerate(chosen, 1):
        room, tests = MODULES[_module(item)]
        if room not in warm and not _warm_up(room):
            return 1
        warm.add(room)
        before = time.monotonic()
        spec = _spec(item)
        operator = get_operator(spec.operator_name)(**spec.operator_args)
        with use_mutation(spec.module_path, operator, spec.occurrence) as (original, mutated):
            is_killed = _tested(tests) is TestOutcome.KILLED
        change = [line for line in difflib.ndiff(original.splitlines(), mutated.splitlines()) if line[0] in "+-"]
        print(f"{at:4} {time.monotonic() - before:5.1f} s  {'killed' if is_killed else 'SURVIVED':8} {place(spec)}")
        if is_killed:
            killed[room] += 1
        else:
            survived[room].append(Survivor(spec, tuple(change)))
            print("\n".join(change))
        sys.stdout.flush()
    return _report(killed, survived, (time.monotonic() - started) / max(1, len(chosen)))


def sample(items: Iterable[WorkItem], count: int, seed: int) -> list[WorkItem]:
    """`count` random mutants: the places in random order, one mutant of each, before any place gives a second one."""
    by_place: dict[tuple[str, tuple[int, int]], list[WorkItem]] = defaultdict(list)
    annotations = {module: _annotations(Path(module)) for module in MODULES}
    for item in items:
        spec = _spec(item)
        is_annotation = any(start <= spec.start_pos < end for start, end in annotations[_module(item)])
        if not (is_annotation or _is_no_fault(spec) or spec.operator_name.endswith((*ALIKE, BROKEN))):
            by_place[_module(item), spec.start_pos].append(item)
    dice = random.Random(seed)
    places = [sorted(of, key=lambda i: (_spec(i).operator_name, _spec(i).occurrence)) for of in by_place.values()]
    places.sort(key=lambda of: (_module(of[0]), _spec(of[0]).start_pos))
    for of in places:
        dice.shuffle(of)
    dice.shuffle(places)
    rounds = range(max(map(len, places), default=0))
    chosen = [of[turn] for turn in rounds for of in places if turn < len(of)][:count]
    return sorted(chosen, key=lambda item: (list(MODULES).index(_module(item)), _spec(item).start_pos))


def place(spec: MutationSpec) -> str:
    """`plan.py:17`."""
    return f"{Path(spec.module_path).name}:{spec.start_pos[0]}"


def _squeezed(line: str) -> str:
    return "".join(line.split())


def _spec(item: WorkItem) -> MutationSpec:
    return item.mutations[0]


def _module(item: WorkItem) -> str:
    return Path(_spec(item).module_path).as_posix()


def _annotations(path: Path) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Where types are written: `int + None` instead of `int | None` is no fault that a test could be blamed for."""
    found: list[tuple[tuple[int, int], tuple[int, int]]] = []
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        kinds = (getattr(node, "annotation", None), getattr(node, "returns", None))
        for kind in kinds:
            if isinstance(kind, ast.expr):
                end = (kind.end_lineno or kind.lineno, kind.end_col_offset or 0)
                found.append(((kind.lineno, kind.col_offset), end))
    return found


def _is_no_fault(spec: MutationSpec) -> bool:
    """Whether only `@override` is removed, or the star of a signature or call is taken for a multiplication."""
    lines = _lines(str(spec.module_path))
    row, column = map(int, spec.start_pos)
    operator = str(spec.operator_name)
    if "Decorator" in operator:
        return lines[row - 1].strip() == "@override"
    before = [*lines[max(0, row - 4) : row - 1], lines[row - 1][:column]]
    return "Binary" in operator and " ".join(before).rstrip().endswith(("(", "[", "{", ",", "=", ":"))


@cache
def _lines(module: str) -> list[str]:
    return (ROOT / module).read_text(encoding="utf-8").splitlines()


def _copy_tree(folder: Path) -> None:
    skip = shutil.ignore_patterns("__pycache__")
    for name in ("pumpwatch_gui", "tests", "resources", "models"):
        shutil.copytree(ROOT / name, folder / name, ignore=skip)
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]["ini_options"]
    lists = "".join(f"{key} =\n    " + "\n    ".join(settings[key]) + "\n" for key in ("filterwarnings", "markers"))
    (folder / "pytest.ini").write_text(f"[pytest]\ntimeout = {settings['timeout']}\n{lists}", encoding="utf-8")


def _tested(tests: Iterable[str], *, write_bytecode: bool = False) -> TestOutcome:
    """Run tests on the copy as it is now, in a fork of this process: the libraries are imported already.

    A process of its own for each mutant, as threads and event loops must not outlive it.
    """
    process = os.fork()
    if process == 0:
        os.setsid()
        sys.dont_write_bytecode = not write_bytecode  # else a mutant of equal size and second is not seen
        code = 9
        try:
            code = _pytest(tests)
        finally:
            os._exit(code)
    deadline = time.monotonic() + (TIMEOUT_S if not write_bytecode else WARM_UP_S)
    while time.monotonic() < deadline:
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            return TestOutcome.SURVIVED if status == 0 else TestOutcome.KILLED
        time.sleep(0.02)
    os.killpg(process, signal.SIGKILL)
    os.waitpid(process, 0)
    return TestOutcome.KILLED


def _pytest(tests: Iterable[str]) -> int:
    output = os.open("output.txt", os.O_CREAT | os.O_TRUNC | os.O_WRONLY)
    os.dup2(output, 1)
    os.dup2(output, 2)
    for name in [n for n in sys.modules if n.partition(".")[0] in ("tests", "pumpwatch_gui")]:
        del sys.modules[name]
    sys.path[:] = [str(Path.cwd()), *(p for p in sys.path if Path(p or ROOT).resolve() != ROOT)]
    # No shrinking, and the same examples each time: a mutant must only be noticed.
    settings.register_profile("mutation", derandomize=True, database=None, phases=(Phase.explicit, Phase.generate))
    settings.load_profile("mutation")
    # Plugins that these tests do not use (Qt) cost a second each time.
    plugins = ("-p", "no:cacheprovider", "-p", "pytest_timeout", "-p", "_hypothesis_pytestplugin")
    return int(pytest.main(["-q", "-x", *plugins, "-m", "not slow and not train", *paths(tests)]))


def _warm_up(room: str) -> bool:
    """Run a room's tests without any mutant, which also compiles them: the later runs write no byte code."""
    os.environ |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(Path.cwd())}
    tests = dict.fromkeys(name for names in ROOMS[room].values() for name in names)
    if _tested(tests, write_bytecode=True) is TestOutcome.SURVIVED:
        return True
    print(f"the tests of {room} fail without any mutant", Path("output.txt").read_text(encoding="utf-8"))
    return False


def _report(killed: dict[str, int], survived: dict[str, list[Survivor]], seconds: float) -> int:
    holes = 0
    print(f"\n{'room':24} mutants  killed  survived  argued equivalent")
    for room in ROOMS:
        left = survived[room]
        argued = sum(bool(one.reason) for one in left)
        holes += len(left) - argued
        if killed[room] or left:
            print(f"{room:24} {killed[room] + len(left):7} {killed[room]:7} {len(left):9} {argued:18}")
    total, dead = sum(killed.values()) + sum(map(len, survived.values())), sum(killed.values())
    print(f"{'in all':24} {total:7} {dead:7} {total - dead:9} {total - dead - holes:18}")
    print(f"{100 * dead / max(1, total):.1f} % killed, {seconds:.1f} s a mutant")
    for one in (one for of in survived.values() for one in of):
        print(f"\n{one.spec.module_path}:{one.spec.start_pos[0]}  {one.reason or 'NOT ARGUED'}")
        print("\n".join(one.change))
    return 1 if holes else 0


if __name__ == "__main__":
    sys.exit(main())
