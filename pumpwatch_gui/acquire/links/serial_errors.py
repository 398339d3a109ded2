"""Errors of serial ports in words, and all the types in which pyserial raises them."""

import errno
import os

from pumpwatch_gui.acquire.links.fault import FaultKind, LinkFault
from pumpwatch_gui.domain.values.quality import Reason

try:
    import termios

    TERMINAL_ERROR: type[Exception] = termios.error
except ImportError:  # Windows has no termios; its ports raise OSError only
    TERMINAL_ERROR = OSError

# pyserial 3.5: SerialException is an OSError; `in_waiting` raises a bare OSError on unplug; the buffer resets raise
# termios.error, which is none; closing a port during a blocking read raises TypeError in the reader.
PORT_ERRORS = (OSError, TERMINAL_ERROR, TypeError, ValueError)
"""What pyserial raises when a port cannot be opened or goes away."""

_NO_PERMISSION = (
    "no permission", "add yourself to the group dialout (sudo usermod -aG dialout $USER), log in again"
)  # fmt: skip
_NO_PORT = ("there is no such port", "is the adapter plugged in? choose its port from the list")
# pyserial's `exclusive` is an advisory flock: a second exclusive open fails with EAGAIN, a plain open still succeeds.
# EBUSY comes when the other program has set TIOCEXCL.
_IN_USE = ("another program or link uses it", "close the other one, or use another port")
_WORDS = {
    errno.EACCES: _NO_PERMISSION,
    errno.EPERM: _NO_PERMISSION,
    errno.ENOENT: _NO_PORT,
    errno.ENXIO: _NO_PORT,
    errno.ENODEV: _NO_PORT,
    errno.EAGAIN: _IN_USE,
    errno.EBUSY: _IN_USE,
    errno.ENOTTY: ("this is no serial port", "choose a port from the list"),
    errno.EINVAL: (
        "the port refuses these settings",
        "give the speed, parity and stop bits that this adapter can do, or use another adapter",
    ),
    errno.EIO: ("the port does not work", "unplug the adapter and plug it in again"),
}


def not_opened(device: str, error: Exception) -> LinkFault:
    """The fault of a port that cannot be opened."""
    # termios.error has no errno: its number is the first argument.
    first = error.args[0] if error.args else None
    code = getattr(error, "errno", None) or (first if isinstance(first, int) else None)
    unknown = os.strerror(code).lower() if code else str(error)
    why, advice = _WORDS.get(code or 0, (unknown, "check that this is a serial port and that it can do this speed"))
    return not_opened_because(device, why, advice)


def not_opened_because(device: str, why: str, advice: str) -> LinkFault:
    """The fault of a port that cannot be opened, for a known reason."""
    return LinkFault(FaultKind.CONNECT, Reason.NO_COMMUNICATION, f"cannot open {device}: {why}", advice)
