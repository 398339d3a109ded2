"""The logo of a site on its reports: an SVG picture, or a PNG or JPEG within one."""

import base64
import struct
from pathlib import Path
from typing import Final

from pumpwatch_gui.domain.errors import InputError

MOST_BYTES: Final = 2_000_000
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_JPEG: Final = b"\xff\xd8\xff"
_JPEG_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""The markers of a JPEG after which its size is said."""


def read_logo(path: Path) -> str:
    """The logo as SVG. Raises InputError for a file that cannot be read, is too large, or is no such picture."""
    advice = "name an SVG, PNG or JPEG file under [reports] logo in the site file, or take that line out"
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"the logo {path} has more than {MOST_BYTES / 1e6:.0f} MB", advice)
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"the logo {path} cannot be read: {error.strerror or error}", advice) from None
    try:
        if content.startswith(_PNG):
            return _within_svg(content, "png", *struct.unpack(">II", content[16:24]))
        if content.startswith(_JPEG):
            return _within_svg(content, "jpeg", *_jpeg_size(content))
        text = content.decode("utf-8-sig")
    except (struct.error, IndexError, UnicodeDecodeError):
        raise InputError(f"the logo {path} is no picture, or is cut off", advice) from None
    if "<svg" not in text[:2000]:
        raise InputError(f"the logo {path} is no SVG, PNG or JPEG picture", advice)
    return text


def _within_svg(content: bytes, kind: str, width: int, height: int) -> str:
    href = f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"
    size = f'width="{width}" height="{height}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {size}>'
        f'<image {size} href="{href}"/></svg>'
    )


def _jpeg_size(content: bytes) -> tuple[int, int]:
    """Width and height in pixels. Raises IndexError or struct.error where the file ends before them."""
    at = 2
    while True:
        marker = content[at + 1]
        (length,) = struct.unpack(">H", content[at + 2 : at + 4])
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            return width, height
        at += 2 + length
