"""The archive as it is described for others: the script of the description reads it, with nothing of ours."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np

from pumpwatch_gui.files.shipped import shipped
from pumpwatch_gui.store.query.history import History
from tests.store.rigs.archiving import archive_all
from tests.store.test_archive_history import PROFILE, Model, write

DAY_NS = 86_400 * 10**9


def test_the_script_of_the_description_reads_what_the_history_gives(tmp_path: Path) -> None:
    path, script = tmp_path / "pumpwatch.db", tmp_path / "read.py"
    rows = [("P-101", 200 * i, (i / 10 if i % 7 else None, 1.0), False, None) for i in range(9_000)]
    write(path, rows, Model())
    archive_all(path)
    text = (shipped("resources") / "formats" / "archive.md").read_text("utf-8")
    (source,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert "pumpwatch" not in source
    script.write_text(source, "utf-8")
    printed = subprocess.run(
        [sys.executable, "-I", str(script), str(path), "P-101", "speed"], capture_output=True, text=True, check=True
    )
    found = [line.split() for line in printed.stdout.splitlines()]
    times_s = np.array([np.datetime64(time, "ms").astype(int) / 1e3 for time, _ in found])
    values = np.array([float(value) for _, value in found])
    end_ns = int(times_s[-1] * 1e3) * 10**6 + 1
    expected = History(path).recording("P-101", PROFILE, start_ns=0, end_ns=end_ns + 10**6)
    assert len(found) > 4_000
    np.testing.assert_allclose(times_s, expected.time_s)
    np.testing.assert_array_equal(values, expected.values[:, 0])
