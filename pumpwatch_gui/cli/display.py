"""Whether a window can open: asked before Qt is, which ends in an abort, not an exception, when it cannot."""

import ctypes
import os
import socket
import sys
from contextlib import suppress
from pathlib import Path

from pumpwatch_gui.domain.errors import InputError

_WITHOUT_SCREEN = ("offscreen", "vnc", "minimal")
ADVICE = "start from a desktop session, or use `pumpwatch run --site FILE --headless`"


def has_display() -> bool:
    """Whether there is meant to be a screen."""
    if sys.platform != "linux" or os.environ.get("QT_QPA_PLATFORM") in _WITHOUT_SCREEN:
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def is_reachable() -> bool:
    """Whether the screen that is named lets this program in."""
    if sys.platform != "linux" or os.environ.get("QT_QPA_PLATFORM") in _WITHOUT_SCREEN:
        return True
    return _reaches_wayland() or _reaches_x()


def check_display() -> None:
    """Raise InputError when no window can open."""
    if not has_display():
        raise InputError("there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set)", ADVICE)
    if not is_reachable():
        named = {name: os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")}
        names = " and ".join(f"{name}={value}" for name, value in named.items() if value)
        raise InputError(f"the display cannot be reached ({names}): it has ended, or does not let this user in", ADVICE)


def _reaches_wayland() -> bool:
    name = os.environ.get("WAYLAND_DISPLAY")
    if not name:
        return False
    with suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
        connection.connect(os.fspath(Path(os.environ.get("XDG_RUNTIME_DIR", "/")) / name))
        return True
    return False


def _reaches_x() -> bool:
    if not os.environ.get("DISPLAY"):
        return False
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:  # then Qt says which library is missing
        return True
    xcb.xcb_connect.restype = ctypes.c_void_p
    connection = ctypes.c_void_p(xcb.xcb_connect(None, None))
    if xcb.xcb_connection_has_error(connection):
        xcb.xcb_disconnect(connection)  # one comes back also when there is none
        return False
    # It stays open as long as this process: a server that loses its only client starts over, and refuses Qt meanwhile.
    return True
