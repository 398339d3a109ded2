"""The kinds of input that come from outside, each with what reads it. A kind raises only where the program is wrong."""

import random
import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from math import isfinite, isnan
from pathlib import Path

import tomlkit

from pumpwatch_gui.acquire.links.fault import LinkFault
from pumpwatch_gui.acquire.modbus.learnt.plan import plan_blocks
from pumpwatch_gui.acquire.modbus.wire.response import pack_bits
from pumpwatch_gui.acquire.modbus.wire.rtu import sealed
from pumpwatch_gui.acquire.modbus.wire.strict_link import StrictLink
from pumpwatch_gui.acquire.text.checksum import xor_of
from pumpwatch_gui.acquire.text.config import ChecksumRule, LineFormat
from pumpwatch_gui.acquire.text.formats import LineParser
from pumpwatch_gui.acquire.text.line_framing import LineFramer
from pumpwatch_gui.acquire.text.refusal import LineRefused
from pumpwatch_gui.domain.links.decode import EVERYTHING, PointValue, decoder, scaled
from pumpwatch_gui.domain.links.line_budget import LineSpeed
from pumpwatch_gui.domain.links.register_map import BIT_FUNCTIONS, RegisterMap
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.values.quality import Quality
from pumpwatch_gui.files.recordings.reading import read_recording
from pumpwatch_gui.files.register_maps import load_register_map
from pumpwatch_gui.files.shipped import shipped
from pumpwatch_gui.settings.map_file import MapFile, map_text, read_map_file, shipped_maps
from pumpwatch_gui.settings.profile_file import load_profile
from pumpwatch_gui.settings.site_file import SiteFile
from tests.acquire.modbus.test_strict_rules import Wire
from tests.acquire.modbus.virtual_time import run as run_virtually
from tests.fuzz.mutators import spoil_arguments, spoil_bytes, spoil_document
from tests.fuzz.seeds import COMMANDS, LINES, SITE, recordings
from tests.fuzz.watch import command, refused_in_words

Kind = Callable[[random.Random, Path], None]


def site_file(chance: random.Random, folder: Path) -> None:
    """A site file, through `pumpwatch check`, and opened to be edited."""
    path = folder / "site.toml"
    path.write_bytes(_spoilt_toml(chance, SITE))
    assert command(["check", "--site", str(path)]) in (0, 2)
    refused_in_words(lambda: SiteFile(path).text)


def profile(chance: random.Random, folder: Path) -> None:
    """A pump profile, by itself and in a site."""
    path = folder / "own.toml"
    path.write_bytes(_spoilt_toml(chance, _resource(chance, "profiles")))
    refused_in_words(lambda: load_profile(str(path)))
    if chance.random() < 0.2:
        (folder / "site.toml").write_text(SITE.replace('"centrifugal"', '"./own.toml"'), "utf-8")
        assert command(["check", "--site", str(folder / "site.toml")]) in (0, 2)


def register_map(chance: random.Random, folder: Path) -> None:
    """A register map, read for a pump, read whole, and opened to be edited."""
    path = folder / "own.toml"
    path.write_bytes(_spoilt_toml(chance, _resource(chance, "registers")))
    refused_in_words(lambda: load_register_map(str(path), tags=_centrifugal().tags))

    def edit() -> None:
        found = read_map_file(path)
        assert MapFile(map_text(found)).text

    refused_in_words(edit)
    refused_in_words(lambda: MapFile(path.read_bytes().decode(errors="replace")).text)
    if chance.random() < 0.1:
        (folder / "site.toml").write_text(SITE.replace('"generic"', '"./own.toml"'), "utf-8")
        assert command(["check", "--site", str(folder / "site.toml")]) in (0, 2)


def recording(chance: random.Random, folder: Path) -> None:
    """A recording as CSV, in one of several dresses; some through `pumpwatch score` and `train`."""
    path = folder / "own.csv"
    path.write_bytes(spoil_bytes(chance, chance.choice(recordings())))
    refused_in_words(lambda: read_recording(path, _centrifugal()))
    if chance.random() < 0.03:
        model = shipped("models") / "centrifugal"
        assert command(["score", "--model", str(model), "--out", str(folder / "out.csv"), str(path)]) in (0, 2)
        train = ["train", "--profile", "centrifugal", "--kind", "chart", "--out", str(folder / "m"), str(path)]
        assert command(train) in (0, 2)


def serial_line(chance: random.Random, folder: Path) -> None:
    """Text lines from a serial port, cut anywhere."""
    form = chance.choice(list(LineFormat))
    columns = ("motor_rpm", "oil_pressure_bar") if chance.random() < 0.5 else ()
    rule = chance.choice(list(ChecksumRule))
    parser = LineParser(form, tags=("motor_rpm", "oil_pressure_bar"), columns=columns, checksum=rule)
    framer = LineFramer()
    good = chance.choice(LINES)
    if chance.random() < 0.5:  # a checksum that fits, so that what lies behind it is reached
        text = spoil_bytes(chance, good).replace(b"\n", b" ").replace(b"\r", b" ")
        if text.isascii():
            good = text + f"*{xor_of(text.decode().strip().removeprefix('$')):02X}".encode()
    stream = b"\n" + spoil_bytes(chance, good + b"\r\n") + good + b"\r\n" + good + b"\n"
    while stream:
        size = chance.choice((1, 7, 64, 4096))
        piece, stream = stream[:size], stream[size:]
        for line in framer.feed(piece):
            try:
                values = parser.parse(line)
            except LineRefused:
                continue
            for value in (values or {}).values():
                assert value is None or isnan(value) or isfinite(value)


def modbus_response(chance: random.Random, folder: Path) -> None:
    """Responses of a device over TCP or a line, each spoilt or not; whatever is taken is decoded."""
    run_virtually(_exchange(chance, _map(chance.choice(shipped_maps()))))


async def _exchange(chance: random.Random, registers: RegisterMap) -> None:
    is_rtu = chance.random() < 0.5

    def respond(request: bytes) -> bytes | None:
        unit, pdu = (request[0], request[1:-2]) if is_rtu else (request[6], request[7:])
        count = int.from_bytes(pdu[3:5])
        if pdu[0] in BIT_FUNCTIONS:
            values = pack_bits([chance.randrange(2) for _ in range(count)])
        else:
            values = chance.randbytes(count * registers.register_bytes)
        answer = bytes((pdu[0], len(values) % 256)) + values
        what = chance.randrange(4)
        if what == 0:  # the content is wrong, its envelope fits
            answer = spoil_bytes(chance, answer)[:250] or b"\x83"
        whole = sealed(unit, answer) if is_rtu else request[:4] + (len(answer) + 1).to_bytes(2) + bytes([unit]) + answer
        return spoil_bytes(chance, whole) if what == 1 else None if what == 2 and chance.random() < 0.1 else whole

    wire = Wire(respond)
    tolerated = chance.choice(((), ("length",), ("unit", "transaction")))
    link: StrictLink | None = None
    readings: dict[str, PointValue] = {}
    for block in plan_blocks(registers.points)[:4]:
        if link is None or link.lost.done():
            link = StrictLink(
                wire, is_rtu=is_rtu, speed=LineSpeed(9600) if is_rtu else None, tolerated=() if is_rtu else tolerated
            )
            await link.connect()
        try:
            found = await link.read(1, block, timeout_s=0.5)
        except LinkFault:
            continue
        assert len(found) == block.count
        readings |= {p.tag: decoder(p, EVERYTHING, p.address - block.address)(found) for p in block.points}
    scaled(registers.points, {p.tag: EVERYTHING for p in registers.points})(readings)
    assert all(isfinite(r.value) if r.quality is Quality.GOOD else True for r in readings.values())
    if link is not None:
        await link.close()


def command_line(chance: random.Random, folder: Path) -> None:
    """A command with spoilt arguments. Those that would run until a person ends them are only parsed (`COMMANDS`)."""
    arguments = spoil_arguments(chance, chance.choice(COMMANDS))
    if any(text.startswith(name) for text in arguments for name in ("demo", "bench", "screenshots", "simulate", "run")):
        arguments += ["--help"]
    elif not arguments or arguments[0].startswith("-"):
        arguments = ["check", *arguments]  # without a command it would open the window
    command([text.replace("FOLDER", str(folder)) for text in arguments])


def _spoilt_toml(chance: random.Random, text: str) -> bytes:
    """The text with faults, or its document with faults, rewritten."""
    if chance.random() < 0.4:
        return spoil_bytes(chance, text.encode())
    document = spoil_document(chance, tomllib.loads(text))
    try:
        written = tomlkit.dumps(document).encode(errors="surrogatepass")
    except (TypeError, ValueError, RecursionError, AttributeError):  # a document that no TOML can hold
        return spoil_bytes(chance, text.encode())
    return written if chance.random() < 0.8 else spoil_bytes(chance, written)


def _resource(chance: random.Random, kind: str) -> str:
    return chance.choice(sorted((shipped("resources") / kind).glob("*.toml"))).read_text("utf-8")


@cache
def _centrifugal() -> PumpProfile:
    return load_profile("centrifugal")


@cache
def _map(name: str) -> RegisterMap:
    return read_map_file(shipped("resources") / "registers" / f"{name}.toml")


KINDS: Mapping[str, Kind] = {
    "site file": site_file,
    "profile": profile,
    "register map": register_map,
    "recording": recording,
    "serial line": serial_line,
    "Modbus response": modbus_response,
    "command line": command_line,
}
