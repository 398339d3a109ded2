"""A recording of another system becomes history of a pump: what is said of it, what is written, what is refused."""

import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pumpwatch_gui.cli import main
from pumpwatch_gui.commissioning.import_recording import COMMAND, carry_out, plan_import
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.journal import JournalRow
from pumpwatch_gui.domain.ports import JournalQuery
from pumpwatch_gui.domain.pump.profile import STANDARD_TAGS
from pumpwatch_gui.domain.site import Site
from pumpwatch_gui.domain.values.quality import Quality
from pumpwatch_gui.domain.values.recording_format import FormatChoices
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.files.owner import HomeLock
from pumpwatch_gui.settings.profile_file import load_profile
from pumpwatch_gui.settings.site_reader import load_site
from pumpwatch_gui.store.hot.writer import PumpRow, Store
from pumpwatch_gui.store.importing import stored_minutes, write_readings
from pumpwatch_gui.store.query.audit_check import verify_audit
from pumpwatch_gui.store.query.history import History

AS_FOUND = FormatChoices()
START = datetime(2025, 3, 29, 22, 0, tzinfo=UTC)
"""Two days on: the night in which the clocks of Europe go forward."""
SITE = """\
schema = 1
[site]
name = "South"
[[pump]]
id = "P-7"
name = "Old one"
profile = "centrifugal"
model = "none"
  [[pump.link]]
  driver = "modbus-tcp"
  host = "127.0.0.1"
  port = 15999
  unit = 1
  registers = "generic"
"""
HEADER = "Zeitstempel;Speed [rpm];bearing_temperature_c;vibration_mm_s;Bemerkung"


def german(path: Path, *, rows: int = 3000, step_s: int = 60, start: datetime = START) -> Path:
    """A log as another system writes it: semicolons, decimal commas, day first; every tenth temperature is missing."""
    lines = [HEADER]
    for i in range(rows):
        at = start + timedelta(seconds=i * step_s)
        warm = "" if i % 10 == 0 else f"{50 + i % 7},5"
        lines.append(f"{at:%d.%m.%Y %H:%M:%S};{1450 + i % 3};{warm};1,{i % 5};ok")
    path.write_text("\n".join(lines), "cp1252")
    return path


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with a site of one pump, and no history yet."""
    home = Home(tmp_path / "home")
    home.prepare()
    home.site_file.write_text(SITE, "utf-8")
    return home


@pytest.fixture
def site(home: Home) -> Site:
    """That site."""
    return load_site(home.site_file).site


def imports(history: History) -> list[JournalRow]:
    """The lines of the journal about imports."""
    return [row for row in history.journal(JournalQuery(), limit=100) if row.detail.get("command") == COMMAND]


def chosen() -> FormatChoices:
    """What a person says of the log of `german`."""
    return FormatChoices(columns=(("motor_rpm", "Speed [rpm]"),))


def test_a_log_of_another_system_is_history_afterwards(home: Home, site: Site, tmp_path: Path) -> None:
    plan = plan_import(german(tmp_path / "log.csv"), home, site, "P-7", chosen())
    said = "\n".join(plan.words())
    assert "3,000 readings" in said
    assert "60 s apart" in said
    assert "Speed [rpm] → motor_rpm (1450 to 1452 rpm, 0 empty)" in said
    assert "bearing_temperature_c → bearing_temperature_c (50.5 to 56.5 °C, 300 empty)" in said.replace("degC", "°C")
    assert "Bemerkung" in said
    assert not home.database.exists(), "a plan writes nothing"
    shares: list[float] = []
    assert carry_out(plan, home, site, actor="asha", progress=shares.append) == 3000
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    history = History(home.database)
    start_ns = round(START.timestamp() * 1e9)
    pieces = list(history.readings_of("P-7", ["motor_rpm", "bearing_temperature_c"], start_ns=start_ns,
                                      end_ns=start_ns + 3000 * 60 * 10**9, profile=plan.profile))  # fmt: skip
    values = np.concatenate([piece.values for piece in pieces])
    quality = np.concatenate([piece.quality for piece in pieces])
    assert np.array_equal(values[:, 0], [1450 + i % 3 for i in range(3000)])
    assert np.isnan(values[::10, 1]).all()
    assert (quality[::10, 1] != Quality.GOOD).all()
    assert (quality[:, 0] == Quality.GOOD).all()
    thinned = history.readings("P-7", "vibration_mm_s", start_ns=start_ns, end_ns=start_ns + 10**15, points=20)
    assert np.nanmin(thinned.low) == pytest.approx(1.0)
    assert np.nanmax(thinned.high) == pytest.approx(1.4)
    (row,) = imports(history)
    assert "3,000 readings" in row.text
    assert "log.csv" in row.text
    assert verify_audit(home.database).broken_id is None


def test_what_is_in_the_way_is_refused_or_left_out(home: Home, site: Site, tmp_path: Path) -> None:
    first = plan_import(german(tmp_path / "a.csv", rows=100), home, site, "P-7", chosen())
    carry_out(first, home, site, actor="asha")
    more = plan_import(german(tmp_path / "b.csv", rows=160), home, site, "P-7", chosen())
    assert more.in_the_way == 100
    with pytest.raises(InputError, match=r"100 readings of b\.csv are of minutes of which there is history"):
        carry_out(more, home, site, actor="asha")
    assert carry_out(more, home, site, actor="asha", around=True) == 60
    again = plan_import(german(tmp_path / "b.csv", rows=160), home, site, "P-7", chosen())
    with pytest.raises(InputError, match="nothing that is not in the history"):
        carry_out(again, home, site, actor="asha", around=True)


def test_values_that_no_sensor_can_report_are_not_taken_over(home: Home, site: Site, tmp_path: Path) -> None:
    path = tmp_path / "wild.csv"
    path.write_text("time,vibration_mm_s,motor_rpm\n" + "".join(
        f"{START + timedelta(seconds=i):%Y-%m-%dT%H:%M:%SZ},{9e9 if i == 3 else 1.0},1450\n" for i in range(10)
    ), "utf-8")  # fmt: skip
    plan = plan_import(path, home, site, "P-7", AS_FOUND)
    assert plan.outside == {"vibration_mm_s": (1, 9e9)}
    assert any("1 values of vibration_mm_s are outside" in line for line in plan.words())
    assert np.isnan(plan.values[3, STANDARD_TAGS.index("vibration_mm_s")])


@pytest.mark.parametrize(
    ("start", "words"),
    [(datetime(2019, 12, 31, 23, tzinfo=UTC), "begins with 2020"), (datetime(2070, 1, 1, tzinfo=UTC), "in the future")],
)
def test_times_that_no_history_has_are_refused(
    home: Home, site: Site, tmp_path: Path, start: datetime, words: str
) -> None:
    with pytest.raises(InputError, match=words):
        plan_import(german(tmp_path / "log.csv", start=start), home, site, "P-7", chosen())


def test_an_unknown_pump_and_a_home_in_use_are_refused(home: Home, site: Site, tmp_path: Path) -> None:
    log = german(tmp_path / "log.csv", rows=50)
    with pytest.raises(InputError, match="the site has no pump P-8"):
        plan_import(log, home, site, "P-8", chosen())
    plan = plan_import(log, home, site, "P-7", chosen())
    lock = HomeLock(home.path, "window")
    try:
        with pytest.raises(InputError, match="in use by the window"):
            carry_out(plan, home, site, actor="asha")
    finally:
        lock.release()
    assert not home.database.exists()


def test_a_cancelled_import_has_written_whole_days_and_says_so(home: Home, site: Site, tmp_path: Path) -> None:
    plan = plan_import(german(tmp_path / "log.csv", rows=5000), home, site, "P-7", chosen())
    cancelled = threading.Event()
    written = carry_out(plan, home, site, actor="asha", progress=lambda _: cancelled.set(), cancelled=cancelled)
    assert written == 120, "the two hours of the first day"
    (row,) = imports(History(home.database))
    assert "120 readings" in row.text
    rest = plan_import(german(tmp_path / "log.csv", rows=5000), home, site, "P-7", chosen())
    assert carry_out(rest, home, site, actor="asha", around=True) == 4880


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 3 * 86_400_000), min_size=1, max_size=200, unique=True), st.integers(0, 2**32 - 1))
def test_what_is_written_is_what_is_read(tmp_path_factory: pytest.TempPathFactory, at_ms: list[int], seed: int) -> None:
    database = tmp_path_factory.mktemp("import") / "pumpwatch.db"
    profile = load_profile("centrifugal")
    Store(database, station=1, pumps=[PumpRow("P-1", "one", profile)]).close()
    time_ns = (round(START.timestamp() * 1e3) + np.sort(np.array(at_ms, np.int64))) * 1_000_000
    resolution = np.array([sensor.resolution for sensor in profile.sensors])
    values = np.random.default_rng(seed).integers(-50, 5000, (time_ns.size, len(profile.tags))) * resolution
    values[np.random.default_rng(seed + 1).random(values.shape) < 0.1] = np.nan
    assert list(write_readings(database, "P-1", profile.tags, time_ns, values))[-1] == time_ns.size
    end_ns = int(time_ns[-1]) + 1_000_000
    pieces = list(History(database).readings_of("P-1", profile.tags, start_ns=int(time_ns[0]), end_ns=end_ns,
                                                profile=profile))  # fmt: skip
    assert np.allclose(np.concatenate([piece.values for piece in pieces]), values, equal_nan=True, atol=1e-9)
    minutes = stored_minutes(database, "P-1", int(time_ns[0]), int(time_ns[-1]))
    assert np.array_equal(minutes, np.unique(time_ns // 60_000_000_000))


def test_the_command_says_what_it_understood_and_writes_when_asked(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = german(tmp_path / "log.csv", rows=200)
    arguments = ["import", str(log), "--into", "P-7", "--home", str(home.path), "--columns", "motor_rpm=Speed [rpm]",
                 "--timezone", "Europe/Berlin"]  # fmt: skip
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "nothing was written; give --write" in said
    assert not home.database.exists()
    assert main([*arguments, "--write"]) == 0
    assert "200 readings are history of P-7 now" in capsys.readouterr().out
    out = tmp_path / "out.csv"
    command = [sys.executable, "-m", "pumpwatch_gui", "export", "--home", str(home.path), "--out", str(out)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    assert len([line for line in out.read_text("utf-8").splitlines() if line.startswith("20")]) == 200
