"""The ground the project stands on: clean locks, a wheel that is whole, a light start, a program that only reads."""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HEAVY = {"tensorflow", "keras", "sklearn", "pandas"}


def test_locks_name_no_host_index_or_path() -> None:
    for lock in (ROOT / "installer").glob("lock-*.txt"):
        text = lock.read_text()
        assert not re.search(r"https?:|file:|--index|--find-links|(^|\s)/\w", text), lock.name
        assert text.count("--hash=sha256:") > 50


def test_no_tracked_text_names_a_package_host_or_a_path_of_a_machine() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    if not tracked:
        pytest.skip("not a git checkout")
    named = re.compile(r"pypi\.[o]rg|python[h]osted|registry\.[n]pmjs|(?<![\w.])/[r]oot/|(?<![\w.])/[w]ork/")
    wrong = [
        f"{name}: {found[0]}"
        for name in tracked
        if (found := named.search((ROOT / name).read_bytes().decode("utf-8", "replace")))
    ]
    assert not wrong


def test_every_locked_requirement_has_hashes() -> None:
    for lock in (ROOT / "installer").glob("lock-*.txt"):
        for entry in re.split(r"\n(?=\S)", lock.read_text().strip()):
            assert "--hash=sha256:" in entry, f"{lock.name}: {entry.splitlines()[0]}"


def test_the_top_level_is_fixed() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    if not tracked:
        pytest.skip("not a git checkout")
    folders = {"pumpwatch_gui", "resources", "models", "installer", "tests"}
    allowed = folders | {"pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "CONTRIBUTING.md", "SECURITY.md"}
    assert {name.split("/")[0] for name in tracked if not name.startswith(".")} <= allowed


def test_no_modbus_write_call_exists_in_the_package() -> None:
    calls = re.compile(r"\.(write_(coils?|registers?)|mask_write_register|readwrite_registers)\(")
    for path in (ROOT / "pumpwatch_gui").rglob("*.py"):
        assert not calls.search(path.read_text("utf-8")), path


def test_a_request_of_any_other_function_cannot_even_be_built() -> None:
    from pumpwatch_gui.acquire.modbus.learnt.plan import Block
    from pumpwatch_gui.acquire.modbus.wire.strict_link import read_pdu

    for function in range(256):
        if function in (1, 2, 3, 4):
            assert read_pdu(Block(function, 0x102, 3, ())) == bytes((function, 1, 2, 0, 3))
        else:
            with pytest.raises(ValueError, match="does not read"):
                read_pdu(Block(function, 0, 1, ()))


def test_only_one_place_sends_anything_to_a_device() -> None:
    senders = re.compile(r"_transport\.write\(|\.execute\(|pymodbus\.client|Write\w*Request|serial\.Serial\(")
    found = {p.name for p in (ROOT / "pumpwatch_gui" / "acquire").rglob("*.py") if senders.search(p.read_text("utf-8"))}
    assert found <= {"strict_link.py", "port_reader.py"}


def test_files_hold_one_idea() -> None:
    for path in (ROOT / "pumpwatch_gui").rglob("*.py"):
        assert len(path.read_text("utf-8").splitlines()) <= 400, path


def test_the_wheel_finds_resources_and_models_as_the_checkout_does(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(tmp_path),
        ".",
    ]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    code = (
        "from pumpwatch_gui.settings.profile_file import load_profile\n"
        "from pumpwatch_gui.infer.bundles.bundle import load_bundle\n"
        "from pumpwatch_gui.files.shipped import shipped\n"
        "print(load_bundle(shipped('models') / 'centrifugal', load_profile('centrifugal')).name, shipped('resources'))"
    )
    environment = {"PYTHONPATH": str(tmp_path / "site"), "PATH": ""}
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert run.stdout.startswith("centrifugal")
    assert str(tmp_path) in run.stdout


@pytest.mark.parametrize("what", ["headless", "window"])
def test_the_program_starts_without_tensorflow_scikit_learn_and_pandas(what: str, tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from pumpwatch_gui.cli import main\n"
        f"code = main(['demo', '--for', '2', '--home', {str(tmp_path)!r}] + ['--headless'] * {what == 'headless'})\n"
        "print('loaded:', sorted(set(sys.modules) & " + repr(HEAVY) + "), code)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert run.stdout.splitlines()[-1] == "loaded: [] 0", run.stdout + run.stderr


def test_the_changelog_names_the_version() -> None:
    from pumpwatch_gui import __version__

    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text()
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"] == ">=3.11"
