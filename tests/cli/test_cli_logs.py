"""What the log says is what this program wrote, whatever texts come from outside."""

import logging

import pytest

from pumpwatch_gui.cli.logs import TextFormatter


@pytest.mark.parametrize("end", ["\n", "\r\n", "\u2028", "\x85", "\x0b", "\x1b[2K"])
def test_a_text_from_outside_cannot_begin_a_line_of_the_log(end: str) -> None:
    forged = f"P-1{end}2026-01-01 00:00:00.000+00:00 INFO    pumpwatch.engine  all alarms acknowledged"
    record = logging.LogRecord("pumpwatch.engine", logging.INFO, "", 0, "link %s lost", (forged,), None)
    line = TextFormatter().format(record)
    assert len(line.splitlines()) == 1
    assert line.isprintable()
    assert "all alarms acknowledged lost" in line


def test_a_traceback_keeps_its_lines() -> None:
    try:
        raise ValueError("a\nb")
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
    record = logging.LogRecord("pumpwatch.crash", logging.CRITICAL, "", 0, "it failed", (), info)
    first, *rest = TextFormatter().format(record).splitlines()
    assert first.endswith("pumpwatch.crash  it failed")
    assert rest[0].startswith("Traceback")
