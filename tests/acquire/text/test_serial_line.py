"""Text lines on a pseudo-terminal: what is damaged never becomes a value, what is lost comes back."""

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pumpwatch_gui.acquire.links.scanner import Binding
from pumpwatch_gui.acquire.text.checksum import xor_of
from pumpwatch_gui.acquire.text.config import SerialLineConfig
from pumpwatch_gui.domain.links.view import LinkState
from pumpwatch_gui.domain.values.quality import Quality, Reason
from tests.acquire.pty_device import PtyDevice
from tests.acquire.scanning import Scanning, reasons_of, registers_profile

Wait = Callable[..., None]
PROFILE = registers_profile(0, 1)


@pytest.fixture
def device(tmp_path: Path) -> Iterator[PtyDevice]:
    with PtyDevice(tmp_path) as found:
        yield found


def config(device: PtyDevice, **settings: object) -> SerialLineConfig:
    return SerialLineConfig(device.path, **{"format": "csv", "columns": ("r0", "r1"), "period_s": 0.1, **settings})  # type: ignore[arg-type]


def truth(i: int) -> tuple[int, int]:
    return i % 1000, (7 * i + 3) % 1000


def csv_line(i: int) -> bytes:
    return b"%d,%d" % truth(i)


def checked(i: int) -> bytes:
    line = csv_line(i)
    return line + b"*%02X\r\n" % xor_of(line.decode())


def are_true(s: Scanning) -> bool:
    good = [f for f in s.of("P") if f.worst is Quality.GOOD]
    return bool(good) and all(tuple(map(int, f.values)) in {truth(i) for i in range(1000)} for f in good)


FAULTS: dict[str, Callable[[bytes], bytes]] = {
    "half a line": lambda line: line[: len(line) // 2],
    "half a line, ended": lambda line: line[: len(line) // 2] + b"\r\n",
    "boot banner": lambda line: b"\xf3\x00ets Jun  8 2016 00:22:57\r\nrst:0x1 (POWERON_RESET)\r\n" + line,
    "bad UTF-8": lambda line: b"\xc3\x28\xff\xfe" + line,
    "huge line": lambda line: b"7" * 5000 + line,
    "huge number": lambda line: b"9" * 900 + line,
    "text in numbers": lambda line: line.replace(b",", b",ERR "),
    "lost byte": lambda line: line[:1] + line[2:],
    "doubled byte": lambda line: line[:1] + line[:1] + line[1:],
    "inverted bit": lambda line: bytes((line[0] ^ 2,)) + line[1:],
    "wrong checksum": lambda line: line[:-3] + (b"1\r\n" if line[-3:-2] == b"0" else b"0\r\n"),
    "no checksum": lambda line: line.split(b"*")[0] + b"\r\n",
    "two lines in one": lambda line: line[:-2] + line,
    "decimal comma": lambda line: line.replace(b",", b",5,"),
    "nothing": lambda line: b"",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_no_fault_of_the_line_becomes_a_value_and_the_next_line_counts(
    fault: str, device: PtyDevice, wait_until: Wait
) -> None:
    device.repeat(lambda i: FAULTS[fault](checked(i)) if i % 3 == 2 else checked(i), every_s=0.02)
    with Scanning([Binding("P", PROFILE, (config(device, checksum="required"),))]) as s:
        wait_until(lambda: sum(f.worst is Quality.GOOD for f in s.of("P")) >= 8)
        assert are_true(s)
        assert s.view("P/1").requests >= s.view("P/1").good


def test_lines_that_are_all_refused_turn_every_tag_bad_with_the_cause(device: PtyDevice, wait_until: Wait) -> None:
    device.repeat(lambda i: FAULTS["wrong checksum"](checked(i)), every_s=0.02)
    with Scanning([Binding("P", PROFILE, (config(device),))]) as s:
        wait_until(lambda: len(s.of("P")) >= 3)
        view = s.view("P/1")
    assert all(set(reasons_of(f)) == {Reason.COMMUNICATION_ERROR} for f in s.of("P"))
    assert view.state is LinkState.STALE
    assert view.crc_errors >= 3
    assert view.good == 0
    assert "checksum" in view.last_error


def test_a_silent_device_is_stale_after_three_periods_and_bad_at_every_scan(
    device: PtyDevice, wait_until: Wait
) -> None:
    def is_good_after_a_line() -> bool:
        device.send(checked(1))
        return s.is_good("P")

    with Scanning([Binding("P", PROFILE, (config(device),))]) as s:
        wait_until(is_good_after_a_line)
        wait_until(s.is_in("P/1", LinkState.STALE))
        good = [f for f in s.of("P") if f.worst is Quality.GOOD]
        bad = next(f for f in s.of("P") if f.worst is Quality.BAD)
        assert bad.mono_ns - good[-1].mono_ns >= 3 * 0.1 * 1e9
        before = len(s.of("P"))
        wait_until(lambda: len(s.of("P")) >= before + 3)
        assert set(reasons_of(s.last("P"))) == {Reason.TIMEOUT}
        device.send(checked(2))
        wait_until(s.is_in("P/1", LinkState.ONLINE))


def test_an_unplugged_port_is_noticed_before_it_is_silent_and_comes_back_by_itself(
    device: PtyDevice, wait_until: Wait
) -> None:
    device.repeat(checked, every_s=0.02)
    with Scanning([Binding("P", PROFILE, (config(device, period_s=2.0),))]) as s:  # silent only after 6 s
        for _ in range(3):
            wait_until(lambda: s.is_good("P"))
            device.unplug()
            wait_until(s.is_in("P/1", LinkState.OFFLINE))
            wait_until(lambda: "no such port" in s.view("P/1").last_error)
            assert set(reasons_of(s.last("P"))) == {Reason.NO_COMMUNICATION}
            device.plug()
            wait_until(s.is_in("P/1", LinkState.ONLINE))
        assert are_true(s)
        assert s.view("P/1").reconnects == 3
    assert [e.state for e in s.events] == [LinkState.ONLINE, *[LinkState.OFFLINE, LinkState.ONLINE] * 3]


def test_a_device_that_repeats_one_line_is_frozen(device: PtyDevice, wait_until: Wait) -> None:
    device.repeat(lambda i: checked(i if i < 20 else 20), every_s=0.06)
    with Scanning([Binding("P", PROFILE, (config(device, frozen_after=4),))]) as s:
        wait_until(lambda: s.is_good("P"))
        wait_until(lambda: s.last("P").worst is Quality.UNCERTAIN)
        wait_until(s.is_in("P/1", LinkState.STALE))
        assert set(reasons_of(s.last("P"))) == {Reason.FROZEN}


def test_values_outside_the_span_and_absent_ones_are_bad_with_their_reason(device: PtyDevice, wait_until: Wait) -> None:
    device.repeat(lambda i: b"70000,\n", every_s=0.02)
    with Scanning([Binding("P", PROFILE, (config(device),))]) as s:
        wait_until(lambda: len(s.of("P")) >= 2)
    assert reasons_of(s.last("P")) == [Reason.OUT_OF_RANGE, Reason.SENSOR_FAILURE]


def test_a_fast_device_is_thinned_and_what_is_passed_over_is_counted(device: PtyDevice, wait_until: Wait) -> None:
    device.repeat(lambda i: b"".join(checked(10 * i + k) for k in range(10)), every_s=0.01)
    binding = Binding("P", PROFILE, (config(device),))
    with Scanning([binding]) as s:
        wait_until(lambda: len(s.of("P")) >= 10)
        frames = s.of("P")
    assert (frames[-1].mono_ns - frames[0].mono_ns) / 1e9 / (len(frames) - 1) >= 0.045
    assert are_true(s)


def test_two_links_cannot_have_one_port_and_the_second_says_so(device: PtyDevice, wait_until: Wait) -> None:
    device.repeat(checked, every_s=0.02)
    bindings = [Binding("P", PROFILE, (config(device),)), Binding("Q", PROFILE, (config(device),))]
    with Scanning(bindings) as s:
        wait_until(lambda: {v.state for v in s.scanner.views()} == {LinkState.ONLINE, LinkState.OFFLINE})
        loser = next(v for v in s.scanner.views() if v.state is LinkState.OFFLINE)
        assert "another program or link uses it" in loser.last_error


def test_columns_that_fit_no_tag_are_reported_as_a_mistake_of_the_settings(device: PtyDevice, wait_until: Wait) -> None:
    with Scanning([Binding("P", PROFILE, (config(device, columns=("a", "b")),))]) as s:
        wait_until(lambda: len(s.of("P")) >= 2)
        assert "columns" in s.view("P/1").last_error
    assert set(reasons_of(s.last("P"))) == {Reason.CONFIGURATION_ERROR}


def test_remarks_go_to_the_log_and_cost_no_value(
    device: PtyDevice, wait_until: Wait, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "pumpwatch.links")
    device.repeat(lambda i: b"# firmware 1.2\n" + checked(i), every_s=0.02)
    with Scanning([Binding("P", PROFILE, (config(device),))]) as s:
        wait_until(lambda: len(s.of("P")) >= 30)
        assert all(f.worst is Quality.GOOD for f in s.of("P"))
    remarks = [r.message for r in caplog.records if r.message.startswith("remark of")]
    assert remarks[0].endswith(": firmware 1.2")
    assert len(remarks) <= 20


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_minute_of_every_fault_and_of_pulled_plugs_brings_no_wrong_value(device: PtyDevice, wait_until: Wait) -> None:
    chance = random.Random(7)

    def line(i: int) -> bytes:
        return FAULTS[chance.choice(tuple(FAULTS))](checked(i)) if chance.random() < 0.3 else checked(i)

    device.repeat(line, every_s=0.01)
    started = time.monotonic()
    with Scanning([Binding("P", PROFILE, (config(device, checksum="required"),))]) as s:
        while time.monotonic() - started < 60:
            wait_until(lambda: s.is_good("P"))
            before = len(s.of("P"))
            wait_until(lambda: len(s.of("P")) >= before + 40)  # noqa: B023 - called at once
            device.unplug()
            wait_until(s.is_in("P/1", LinkState.OFFLINE))
            device.plug()
        good = sum(f.worst is Quality.GOOD for f in s.of("P"))
        assert are_true(s)
    assert good > 500
