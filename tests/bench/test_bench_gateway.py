"""The benchmark of the gateway measures real servers: every post accepted, each figure with its reference."""

import pytest

from pumpwatch_gui.bench import gateway


def test_it_posts_to_a_station_and_to_a_bare_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "PUMPS", 4)
    monkeypatch.setattr(gateway, "PER_S", 20.0)
    monkeypatch.setattr(gateway, "SECONDS", 2.0)
    figures = list(gateway.run(None))
    accepted, p50, p99, cpu, idle = figures
    assert accepted.what == "20 posts/s to 4 pumps: accepted"
    assert 0 < accepted.value <= 100
    assert 0 < p50.value <= p99.value
    assert "bare server" in p50.reference
    assert idle.value > 0
    assert cpu.unit == idle.unit == "% core"
