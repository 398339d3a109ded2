"""Every page and dialog looks as it did when a person last looked at it."""

import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from pumpwatch_gui.gui.shell.entries import DIALOGS as DIALOG_ENTRIES
from tests.gui.snapshots import (
    DIALOGS,
    MAX_SHARE,
    RENEW,
    ROOT,
    SHOTS,
    STORED,
    Shot,
    differing,
    image_of,
    pixels,
    save,
    take,
    with_256_colours,
)


def test_every_dialog_but_about_has_a_picture() -> None:
    assert {*DIALOGS, "about"} == {entry.key for entry in DIALOG_ENTRIES}


def test_there_is_no_picture_of_what_is_gone() -> None:
    assert {shot.path for shot in SHOTS} == set(STORED.glob("*.png"))


@pytest.mark.parametrize("shot", SHOTS, ids=lambda shot: f"{shot.key}-{shot.theme}")
def test_it_looks_as_stored(qapp: QApplication, tmp_path: Path, shot: Shot) -> None:
    actual, stored = pixels(take(shot, tmp_path)), pixels(QImage(str(shot.path)))
    wrong = differing(stored, actual)
    if wrong.mean() <= MAX_SHARE:
        return
    marked = actual // 3
    marked[wrong] = (255, 0, 255)
    save(image_of(actual), tmp_path / "actual.png")
    save(image_of(marked), tmp_path / "difference.png")
    pytest.fail(
        f"{wrong.sum():,} pixels of {shot.path.name} differ ({100 * wrong.mean():.2f} %): look at actual.png and "
        f"difference.png in {tmp_path}; if it is meant to look so, renew the pictures: {RENEW}"
    )


@pytest.mark.parametrize("key", DIALOGS)
def test_every_dialog_fits_on_a_screen_of_1280_by_720_with_its_title_bar(key: str) -> None:
    stored = QImage(str(Shot(key, "dark").path))
    assert stored.width() <= 1280
    assert stored.height() <= 680


def test_a_changed_word_is_a_difference_and_the_colours_of_a_stored_picture_are_none(
    qapp: QApplication, tmp_path: Path
) -> None:
    actual = pixels(take(Shot("overview", "dark"), tmp_path))
    assert differing(pixels(with_256_colours(actual)), actual).sum() == 0
    changed = actual.copy()
    changed[90:102, 172:252] = actual[90:102, 466:546]  # "Boiler feed A" becomes "Boiler feed B"
    assert differing(changed, actual).mean() > 0.00001


@pytest.mark.parametrize("key", ["alarms", "devices"])
def test_the_first_window_of_a_process_looks_as_stored_too(key: str) -> None:
    """As a person sees it: what an earlier window of the process has set must not be needed."""
    chosen = f"tests/gui/test_gui_snapshots.py::test_it_looks_as_stored[{key}-dark]"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", chosen], cwd=ROOT, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
