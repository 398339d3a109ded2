"""The load benchmark: a connection a pump, steady running seen from outside, and no figure without scores."""

import socket
import struct
from dataclasses import replace
from pathlib import Path

import pytest

from pumpwatch_gui.bench import load
from pumpwatch_gui.bench.figure import NotMeasuredError
from pumpwatch_gui.bench.load import Load, figures
from pumpwatch_gui.bench.rigs.plant_ports import plant_with_ports
from pumpwatch_gui.domain.links.config import ModbusTcpConfig
from pumpwatch_gui.settings.site_reader import load_site

SCORED = Load(
    pumps=50,
    scored=50,
    seconds=60,
    frames=29_950,
    scores=25_000,
    due=30_000,
    cpu_cores=0.4,
    rss_mb=110,
    lost=0,
    latest_p99_ms=0.5,
)


def test_every_pump_has_a_port_of_its_own_that_answers(tmp_path: Path) -> None:
    with plant_with_ports(tmp_path, pumps=3, period_s=0.1) as site_file:
        loaded = load_site(site_file)
        assert not loaded.problems
        links = [link for pump in loaded.site.pumps for link in pump.links if isinstance(link, ModbusTcpConfig)]
        assert len({link.port for link in links}) == 3
        assert {link.period_s for link in links} == {0.1}
        for link in links:
            with socket.create_connection((link.host, link.port), timeout=10) as client:
                client.sendall(struct.pack(">HHHBBHH", 7, 0, 6, link.unit, 3, 0, 10))
                answer = client.recv(1024)
            assert struct.unpack(">HHHBB", answer[:8]) == (7, 0, len(answer) - 6, link.unit, 3)


def test_a_run_too_short_to_score_is_watched_from_outside_and_gives_no_figure() -> None:
    done = load.measure(2, 0.1, headless=True, settle_s=8, seconds=2)
    assert done.pumps == 2
    assert 0 < done.frames <= done.due + done.pumps
    assert done.cpu_cores > 0
    assert done.rss_mb > 20
    assert (done.scored, done.scores) == (0, 0)
    with pytest.raises(NotMeasuredError, match="short: 0 of 2 pumps were scored"):
        list(figures("short", done, ""))


def test_the_share_of_pumps_scored_comes_with_the_figures() -> None:
    said = {figure.what: figure for figure in figures("50", replace(SCORED, scored=48), "≤ 0.6")}
    assert said["50: pumps scored"].value == 96
    assert said["50: CPU"].reference == "≤ 0.6"
    with pytest.raises(NotMeasuredError):
        list(figures("50", replace(SCORED, scored=40), ""))


def test_scans_at_the_ends_of_the_stretch_are_not_missed_ones() -> None:
    assert SCORED.missed_percent == 0
    assert replace(SCORED, frames=29_650).missed_percent == pytest.approx(1.0)
