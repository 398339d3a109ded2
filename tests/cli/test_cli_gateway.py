"""Keys on the command line, and a headless run that other programs may ask."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from pumpwatch_gui.bench.rigs.posting import free_port
from pumpwatch_gui.cli import main

SITE = """schema = 1
[[pump]]
id = "P-101"
profile = "centrifugal"
model = "none"
[[pump.link]]
driver = "rest-ingest"
"""


def test_a_key_is_shown_once_listed_without_it_and_removed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = ["--home", str(tmp_path / "home")]
    assert main(["gateway-key", *home, "--scope", "ingest", "--pump", "P-101", "--name", "PLC 3", "--days", "30"]) == 0
    secret, line = capsys.readouterr().out.splitlines()
    assert len(secret) == 43  # 32 bytes
    assert main(["gateway-key", *home, "--list"]) == 0
    listed = capsys.readouterr().out
    assert listed.strip() == f"{line}  (not used)"
    assert secret not in listed
    assert re.search(r"ingest +P-101 .* until .* PLC 3", line)
    assert main(["gateway-key", *home, "--remove", line.split()[0]]) == 0
    assert main(["gateway-key", *home, "--remove", "00000000"]) == 2
    capsys.readouterr()
    assert main(["gateway-key", *home, "--list"]) == 0
    assert capsys.readouterr().out == ""


def test_the_gateway_of_a_headless_run_is_asked_and_ends_with_it(tmp_path: Path) -> None:
    site, port = tmp_path / "site.toml", free_port()
    site.write_text(SITE)
    command = [sys.executable, "-m", "pumpwatch_gui", "run", "--site", str(site), "--headless", "--gateway", str(port)]
    with subprocess.Popen([*command, "--home", str(tmp_path / "home")], stderr=subprocess.PIPE, text=True) as run:
        try:
            assert answer(port) == {"status": "ok"}
        finally:
            run.terminate()
        assert run.wait(30) == 0


def answer(port: int) -> object:
    deadline = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as response:
                return json.load(response)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def test_nothing_of_the_gateway_is_loaded_while_it_is_off(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text(SITE)
    code = (
        "import sys\nfrom pumpwatch_gui.cli import main\n"
        f"code = main(['run', '--site', {str(tmp_path / 'site.toml')!r}, '--headless', '--for', '1', "
        f"'--home', {str(tmp_path / 'home')!r}])\n"
        "print(sorted({'starlette', 'uvicorn', 'httptools', 'pumpwatch_gui.share'} & set(sys.modules)), code)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True, env=dict(os.environ)
    )
    assert run.stdout.splitlines()[-1] == "[] 0"
