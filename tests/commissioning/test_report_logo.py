"""The logo of a site: which pictures are taken, and that it is on the page."""

import struct
import zlib
from pathlib import Path

import pytest

from pumpwatch_gui.commissioning.reports.logo import read_logo
from pumpwatch_gui.commissioning.reports.making import report_of, site_of_home
from pumpwatch_gui.commissioning.reports.paper import write_pdf, write_png
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.reports.period import ReportKind, parse_period
from tests.commissioning.report_home import ReportHome, make_home

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 20"><rect width="40" height="20" fill="#c00"/></svg>'
JPEG = b"\xff\xd8\xff\xe0\x00\x10" + bytes(14) + b"\xff\xc0\x00\x11\x08\x00\x14\x00\x28\x03" + bytes(12)
"""Head and frame of a picture of 40 by 20 pixels."""


def png(width: int, height: int) -> bytes:
    """A red picture."""

    def part(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    rows = (b"\x00" + b"\xcc\x00\x00" * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", zlib.compress(rows)) + part(b"IEND", b"")


@pytest.fixture(scope="module", name="made")
def _made(tmp_path_factory: pytest.TempPathFactory) -> ReportHome:
    return make_home(tmp_path_factory.mktemp("home"), pumps=1, hours=1.2, step_s=60)


@pytest.mark.parametrize(("name", "content"), [("logo.svg", SVG.encode()), ("logo.png", png(40, 20))])
def test_a_logo_is_on_the_first_page_of_a_report(made: ReportHome, name: str, content: bytes) -> None:
    period = parse_period(ReportKind.DAILY, "2026-10-14")
    without = report_of(made.home, site_of_home(made.home, made.site_file), period)
    (made.home.path / name).write_bytes(content)
    site_file = made.home.path / "with-logo.toml"
    site_file.write_text(made.site_file.read_text("utf-8") + f'\n[reports]\nlogo = "{name}"\n', "utf-8")
    found = report_of(made.home, site_of_home(made.home, site_file), period)
    assert write_png(found, ReportKind.DAILY)[0] != write_png(without, ReportKind.DAILY)[0]
    assert b"pdfuaid" in write_pdf(found, ReportKind.DAILY)


@pytest.mark.parametrize(("content", "size"), [(png(40, 20), "40 20"), (JPEG, "40 20")])
def test_a_picture_of_pixels_keeps_its_size(tmp_path: Path, content: bytes, size: str) -> None:
    path = tmp_path / "logo"
    path.write_bytes(content)
    assert f'viewBox="0 0 {size}"' in read_logo(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"hello", "no SVG, PNG or JPEG"),
        (png(4, 4)[:18], "is cut off"),
        (b"\xff\xd8\xff\xe0\x00", "is cut off"),
        (b"\xfe\xff\x00\x80", "is no picture"),
        (b"<svg>" + b" " * 2_000_000, "more than 2 MB"),
        (None, "cannot be read"),
    ],
)
def test_what_is_no_logo_is_refused_with_what_to_do(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "logo.svg"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=words) as refused:
        read_logo(path)
    assert "[reports] logo" in refused.value.advice
