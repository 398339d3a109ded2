"""A terminal that cannot take what is printed is given up, and nothing raises."""

import io
import sys
from pathlib import Path

import pytest

from pumpwatch_gui.cli.side_streams import SideStream, side_streams


def test_a_character_that_the_terminal_does_not_have_is_replaced() -> None:
    raw = io.BytesIO()
    stream = SideStream(io.TextIOWrapper(raw, encoding="ascii"))
    print("P-101 → running", file=stream)
    print("still here", file=stream)
    stream.flush()
    assert raw.getvalue() == b"P-101 ? running\nstill here\n"


def test_a_closed_terminal_takes_everything_without_a_word() -> None:
    text = io.StringIO()
    text.close()
    stream = SideStream(text)
    assert stream.write("abc") == 3
    stream.flush()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full")
def test_what_a_full_disk_did_not_take_does_not_fail_again_at_the_end() -> None:
    with Path("/dev/full").open("w") as full:
        stream = SideStream(full)
        stream.write("lost")
        stream.flush()
        full.write("goes nowhere now")


def test_the_streams_are_the_old_ones_afterwards() -> None:
    before = sys.stdout, sys.stderr
    with side_streams():
        assert isinstance(sys.stdout, SideStream)
    assert (sys.stdout, sys.stderr) == before
