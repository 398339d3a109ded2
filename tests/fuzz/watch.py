"""Running one bad input: what escapes is a traceback, what does not come back is a hang."""

import io
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from types import FrameType

from pumpwatch_gui.cli import main
from pumpwatch_gui.domain.errors import PumpWatchError

HANG_S = 30
"""No input is so large that reading it takes this long, on a busy machine either."""
EXIT_CODES = (0, 1, 2, 4)


class Hang(BaseException):
    """An input that was still being worked on after `HANG_S`. No `except Exception` takes it."""


@contextmanager
def no_hang() -> Iterator[None]:
    """Raise Hang in what takes longer than `HANG_S`."""

    def ring(number: int, frame: FrameType | None) -> None:
        raise Hang(f"still at work after {HANG_S} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, HANG_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def fault_of(run: Callable[[], None]) -> str:
    """Where and by what a run ended that should not have ended so; "" when all is well."""
    try:
        with no_hang():
            run()
    except (Exception, Hang, SystemExit) as error:  # noqa: BLE001 - what escapes is what is looked for
        frames = traceback.extract_tb(error.__traceback__)
        ours = [f for f in frames if "pumpwatch_gui" in f.filename] or list(frames)
        return f"{type(error).__name__}: {str(error)[:300]!r} at {ours[-1].filename}:{ours[-1].lineno}"
    return ""


def refused_in_words(read: Callable[[], object]) -> bool:
    """Whether it was refused as the world's fault. Any other error passes through; a refusal must have words."""
    try:
        read()
    except PumpWatchError as error:
        words = error.message
    else:
        return False
    assert words.strip(), "a refusal without a word"
    return True


def command(arguments: list[str]) -> int:
    """Run a command line as a terminal would; its exit code must be a documented one, and a failure said."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", errors=errors) for errors in ("strict", "backslashreplace"))
    with redirect_stdout(out), redirect_stderr(err):
        try:
            code = main(arguments)
        except SystemExit as ended:  # argparse's way
            code = ended.code if isinstance(ended.code, int) else 1
        out.flush()
    err.flush()
    said = err.buffer.getvalue().decode()
    assert code in EXIT_CODES, f"exit code {code}"
    assert "Traceback" not in said, said[-300:]
    assert code == 0 or said.strip() or out.buffer.tell(), f"exit code {code} without a word"
    return code
