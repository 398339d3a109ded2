"""A home is for its owner alone; a folder that is more than a home keeps its permissions."""

import os
from pathlib import Path

import pytest

from pumpwatch_gui.files.home import Home

pytestmark = pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


def test_a_new_home_is_closed_to_others(tmp_path: Path) -> None:
    home = Home(tmp_path / "a" / "home")
    home.prepare()
    home.begun()
    assert (mode(home.path), mode(home.logs), mode(home.path / "running")) == (0o700, 0o700, 0o600)


def test_a_home_of_before_is_closed_with_what_is_in_it_and_exports_are_left(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.prepare()
    (home.models / "one").mkdir(parents=True)
    own = [home.database, home.site_file, home.logs / "crash.log", home.models / "one" / "model.onnx"]
    export = tmp_path / "export.csv"
    for path in (*own, export):
        path.touch(0o644)
    tmp_path.chmod(0o755)
    home.prepare()
    assert mode(tmp_path) == 0o700
    assert {mode(path) for path in own} == {0o600}
    assert (mode(home.models / "one"), mode(export)) == (0o700, 0o644)


def test_a_folder_that_is_no_home_or_shared_by_all_keeps_its_permissions(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    Home(tmp_path).prepare()
    assert mode(tmp_path) == 0o755
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    Home(shared).database.touch()
    Home(shared).prepare()
    assert mode(shared) == 0o1777
