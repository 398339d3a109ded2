"""Good inputs, to be spoilt."""

from functools import cache

import numpy as np

SITE = """\
schema = 1
[site]
name = "North station"
station = 7
currency = "INR"

[[pump]]
id = "P-101"
name = "Boiler feed A"
profile = "centrifugal"
model = "none"
  [[pump.link]]
  driver = "modbus-tcp"
  host = "127.0.0.1"
  port = 5020
  unit = 1
  period_s = 1.0
  timeout_s = 0.5
  registers = "generic"
  [pump.limits.bearing_temperature_c]
  high = 78.0
  high_high = 85.0
  deadband = 1.0
  on_delay_s = 5.0
  off_delay_s = 5.0

[[pump]]
id = "P-102"
profile = "centrifugal"
model = "learn"
  [[pump.link]]
  driver = "modbus-rtu"
  device = "/dev/ttyUSB7"
  baud = 19200
  parity = "N"
  stop_bits = 1
  unit = 2
  registers = "generic"

[[pump]]
id = "P-103"
profile = "centrifugal"
model = "none"
  [[pump.link]]
  driver = "serial-line"
  device = "/dev/ttyUSB8"
  format = "csv"
  columns = ["motor_rpm", "oil_pressure_bar"]
  checksum = "nmea"
  [[pump.link]]
  driver = "replay"
  file = "none.csv"
  speed = 2.0
  loop = true

[[rule]]
id = "hot"
text = "Bearing hot and shaking"
pump = "P-101"
join = "or"
on_delay_s = 30.0
priority = "high"
action = ["Look at the oil level."]
  [[rule.term]]
  tag = "bearing_temperature_c"
  measure = "rate"
  over_s = 300.0
  comparison = ">"
  value = 0.5
  [[rule.term]]
  tag = "vibration_mm_s"
  measure = "deviation"
  from_pump = "P-102"
  comparison = "outside"
  value = -1.0
  to = 1.0
  deadband = 0.2
"""

LINES = (
    b'{"motor_rpm": 1480.5, "oil_pressure_bar": 4.2, "note": [1, {"a": null}]}',
    b"motor_rpm,oil_pressure_bar",
    b"1480.5,4.2",
    b"1480,5;4,2",
    b"motor_rpm: 1480 oil_pressure_bar: 4.2",
    b"$PUMP,1480,4.2",
    b"# a remark",
)

COMMANDS = tuple(
    tuple(line.split())
    for line in (
        "check --site FOLDER/site.toml",
        "--home FOLDER check --site FOLDER/site.toml --verbose",
        "train --profile centrifugal --kind chart --out FOLDER/m --threshold-factor 1.2 FOLDER/a.csv",
        "train --profile centrifugal --kind lstm --out FOLDER/m --allow-short --json FOLDER/a.csv FOLDER/b.csv",
        "score --model FOLDER/m --out FOLDER/out.csv FOLDER/a.csv --decimal comma --timezone Europe/Berlin",
        "score --model FOLDER/m --out FOLDER/out.csv FOLDER/a.csv --columns motor_rpm=Speed,oil_pressure_bar=Oil",
        "score --learn --profile centrifugal --out FOLDER/o.csv FOLDER/a.csv --header-line 2 --time-column Date",
        "score --model FOLDER/m --out FOLDER/o FOLDER/a --separator ; --encoding cp1252 --date-order dmy --pump A",
        "map from-table FOLDER/manual.txt --out FOLDER/own.toml --base 40001 --table holding --source Manual",
        "map from-table FOLDER/manual.txt --profile centrifugal --base 0",
        "verify-audit --home FOLDER/home --json",
        "salvage FOLDER/damaged.db --out FOLDER/side.db",
        "run --site FOLDER/site.toml --headless --for 1 --summary FOLDER/s.json --record FOLDER/r.csv",
        "demo --pumps 3 --fault P-103=cavitation@60 --speed 2 --for 1",
        "simulate --port 0 --pumps 3 --seed 1 --speed 2 --history 0.1 --csv FOLDER/h.csv",
        "screenshots --out FOLDER/p --theme dark --size 800x600 --after 1",
        "bench latency --json FOLDER/b.json",
    )
)
"""`FOLDER` becomes a scratch folder."""

_TAGS = (
    *("motor_rpm", "bearing_temperature_c", "oil_pressure_bar", "vibration_mm_s", "flow_rate_l_min"),
    *("suction_pressure_bar", "discharge_pressure_bar", "motor_current_a", "casing_temperature_c"),
    "ambient_temperature_c",
)
_USUAL = (1480.0, 65.0, 4.2, 2.3, 1450.0, 1.1, 4.7, 26.0, 52.0, 24.0)


@cache
def recordings() -> tuple[bytes, ...]:
    """The same 60 samples in several dresses."""
    values = np.random.default_rng(3).normal(_USUAL, 0.05, (60, len(_USUAL)))
    rows = [[f"{x:.3f}" for x in row] for row in values.tolist()]
    times = [f"2026-03-04T05:{i:02d}:00Z" for i in range(60)]
    iso = "\n".join(
        [f"timestamp,{','.join(_TAGS)}", *(f"{t},{','.join(row)}" for t, row in zip(times, rows, strict=True))]
    )
    comma = "\n".join(
        [
            f"Datum;Zeit;{';'.join(_TAGS)}",
            *(f"04.03.2026;05:{i:02d}:00;{';'.join(row).replace('.', ',')}" for i, row in enumerate(rows)),
        ]
    )
    unix = "\n".join(
        [f"datetime\t{chr(9).join(_TAGS)}", *(f"{1772600000 + i}\t{chr(9).join(row)}" for i, row in enumerate(rows))]
    )
    long = "\n".join(
        [
            "time,tag,value",
            *(f"{t},{tag},{x}" for t, row in zip(times, rows, strict=True) for tag, x in zip(_TAGS, row, strict=True)),
        ]
    )
    return iso.encode(), comma.encode("cp1252"), unix.encode("utf-16"), long.encode("utf-8-sig"), iso.encode()[:400]
