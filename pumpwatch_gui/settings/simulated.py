"""A simulated plant in a child process, and the site file that reads it."""

import os
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pumpwatch_gui.domain.errors import InputError, PumpWatchError
from pumpwatch_gui.files.program import program_command

NAMES = ("Boiler feed A", "Boiler feed B", "Boiler feed C", "Cooling 1", "Cooling 2", "Cooling 3",
         "Condensate A", "Condensate B", "Transfer 1", "Transfer 2", "Fire water", "Drain")  # fmt: skip

_PUMP = """
[[pump]]
id = "P-{number}"
name = "{name}"
profile = "centrifugal"
model = "centrifugal"
  [[pump.link]]
  driver = "modbus-tcp"
  host = "127.0.0.1"
  port = {port}
  unit = {unit}
  period_s = {period_s}
  registers = "generic"
"""


@contextmanager
def simulated_site(
    folder: Path,
    *,
    pumps: int,
    faults: Sequence[str],
    speed: float,
    seed: int = 1,
    period_s: float | None = None,
    meanwhile: Callable[[], object] = lambda: None,
) -> Iterator[Path]:
    """Start `pumpwatch simulate` as a child and yield a site file in `folder` that reads its pumps.

    The period keeps one second of simulated time between samples down to 0.1 s. `meanwhile` is called while the child
    gets ready. The child ends with the context, and also when this process dies. Raises PumpWatchError when it does not
    come up.
    """
    command = program_command(
        "simulate", "--port", "0", "--pumps", str(pumps), "--speed", str(speed), "--seed", str(seed)
    )
    for fault in faults:
        command += ["--fault", fault]
    errors = subprocess.PIPE
    child = subprocess.Popen([*command, "--until-eof"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
                             text=True, start_new_session=os.name == "posix")  # fmt: skip
    try:
        meanwhile()
        port = _port_of(child)
        site_file = folder / "site.toml"
        site_file.write_text(site_text(port, pumps, period_s=period_s or max(0.1, 1.0 / speed)), "utf-8")
        yield site_file
    finally:
        if child.stdin:
            child.stdin.close()
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        for stream in (child.stdout, child.stderr):
            if stream:
                stream.close()


def site_text(port: int, pumps: int, *, period_s: float) -> str:
    """The site file of a simulated plant behind one Modbus TCP port."""
    head = 'schema = 1\n[site]\nname = "North pumping station"\nstation = 1\ncurrency = "INR"\n'
    rows = (
        _PUMP.format(number=101 + i, name=_name(i), port=port, unit=i + 1, period_s=round(period_s, 3))
        for i in range(pumps)
    )
    return head + "".join(rows)


def _name(i: int) -> str:
    return NAMES[i] if i < len(NAMES) else f"Transfer {i - 9}"


def _port_of(child: subprocess.Popen[str]) -> int:
    assert child.stdout is not None
    assert child.stderr is not None
    line = child.stdout.readline()
    if not line.startswith("listening on"):
        text = child.stderr.read().strip()
        child.wait()
        if child.returncode == 2 and text:
            message, _, advice = text.removeprefix("error: ").partition("\n")
            raise InputError(message, advice)
        raise PumpWatchError(f"the simulator did not start: {text}", "run `pumpwatch simulate` to see why")
    threading.Thread(target=_drain, args=(child.stderr,), daemon=True).start()
    return int(line.rsplit(":", 1)[1])


def _drain(stream: object) -> None:
    try:
        for _ in stream:  # type: ignore[attr-defined]
            pass
    except ValueError:
        return  # closed at the end
