"""Figures of a server that has a year of minutes: `python -m tests.sync.year_figures [PUMPS]` prints them.

How long a trend of a year takes through PostgREST, of minutes and of hours, and how long the server takes to make the
hours of a month.
"""

import json
import sys
import time

import numpy as np

from pumpwatch_gui.bench.rigs.accounts import token_of
from pumpwatch_gui.bench.rigs.central import Central, central_server
from tests.sync.test_server_sql import ask

TAGS = [f"tag_of_a_sensor_{i}" for i in range(1, 11)]
SPAN = {"since": "2025-01-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"}
ASKED = {"trend": {"tag": TAGS[0], "points": 1000}, "view_series": {"tags": TAGS[:5], "points": 2000}}


def a_year(central: Central, pumps: int) -> None:
    """Minutes of ten sensors and a score a minute."""
    central.sql("INSERT INTO members VALUES ('viewer', 7, 'viewer')")
    central.sql("SELECT pumpwatch.make_month(day::date) FROM "
                "generate_series('2025-01-01'::timestamp, '2025-12-01', '1 month') AS day")  # fmt: skip
    grid = (f"generate_series('{SPAN['since']}'::timestamptz, '2025-12-31T23:59Z', '1 min') AS at, "
            f"generate_series(1, {pumps}) AS pump")  # fmt: skip
    values = ", ".join(
        f"'{tag}', jsonb_build_array({i} + s, {i}.5 + s, {i + 1} + s, 60, 0)" for i, tag in enumerate(TAGS)
    )
    central.sql(
        f"INSERT INTO sensor_rollups SELECT 7, 'P-' || pump, at, jsonb_build_object({values}) FROM "
        f"(SELECT *, round((sin(extract(epoch FROM at) / 86400) * 5)::numeric, 3) AS s FROM {grid}) AS one"
    )
    central.sql(
        "INSERT INTO anomaly_detections SELECT 7, 'P-' || pump, at, pump, 1, false, 1, 1, '{}', '{}', '{}', 0.5, "
        f"'lstm', 'v1' FROM {grid}"
    )
    central.sql("VACUUM ANALYZE")


def read(central: Central, words: str) -> None:
    """Print the median of some reads, one after the other."""
    for function, asked in ASKED.items():
        times_s, steps = [], 0
        body = {"station": 7, "pump": "P-1", **SPAN, **asked}
        for _ in range(7):
            began_s = time.monotonic()
            code, said = ask(central, f"rpc/{function}", token=token_of("viewer"), method="POST", body=body)
            times_s.append(time.monotonic() - began_s)
            assert code == 200, said
            steps = len(said["time"])
        print(f"a year through PostgREST, {function}, {steps:,} steps, {words}: "
              f"p50 {np.median(times_s):.2f} s · worst {max(times_s):.2f} s")  # fmt: skip


def main() -> None:
    pumps = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    with central_server() as central:
        a_year(central, pumps)
        read(central, "of minutes")
        took_s = []
        while said := central.one("SELECT coalesce(pumpwatch.refresh_month()::text, '')"):
            took_s.append(json.loads(said)["took_s"])
        central.sql("INSERT INTO pumpwatch.hours_changed SELECT 7, 'P-1', '2025-12-15T00:00Z'::timestamptz + n * "
                    "interval '1 hour' FROM generate_series(0, 11) AS n")  # fmt: skip
        again_s = json.loads(central.one("SELECT pumpwatch.refresh_month()"))["took_s"]
        print(f"hours of a month of {pumps} pumps: made in {max(took_s):.1f} s at most, again in {again_s:.1f} s")
        read(central, "of hours")


if __name__ == "__main__":
    main()
