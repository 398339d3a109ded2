"""Statement coverage by room, from the data file that `coverage run` left: `python -m tests.coverage_by_room`."""

from collections import Counter
from pathlib import Path

from coverage import Coverage

ROOT = Path(__file__).resolve().parent.parent / "pumpwatch_gui"


def main() -> None:
    coverage = Coverage()
    coverage.load()
    statements, missing = Counter[str](), Counter[str]()
    for path in sorted(ROOT.rglob("*.py")):
        _, lines, _, missed, _ = coverage.analysis2(str(path))
        parts = path.relative_to(ROOT).parts
        room = "/".join(parts[: min(2, len(parts) - 1)]) or "."
        statements[room] += len(lines)
        missing[room] += len(missed)
    print(f"{'room':32} statements  covered")
    for room, count in statements.items():
        if count:
            print(f"{room:32} {count:10,}  {100 * (count - missing[room]) / count:6.1f} %")
    total = sum(statements.values())
    print(f"{'in all':32} {total:10,}  {100 * (total - sum(missing.values())) / total:6.1f} %")


if __name__ == "__main__":
    main()
