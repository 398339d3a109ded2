"""The shelf of models: versions, shadow, promotion and the way back; altered bundles are refused."""

import json
import shutil
from pathlib import Path

import pytest

from pumpwatch_gui.domain.errors import BundleError, InputError
from pumpwatch_gui.files.recordings.reading import read_recording
from pumpwatch_gui.files.recordings.writing import write_recording
from pumpwatch_gui.infer.bundles.bundle import load_bundle
from pumpwatch_gui.infer.bundles.card import card
from pumpwatch_gui.infer.bundles.manifest import read_manifest
from pumpwatch_gui.infer.bundles.registry import ModelRegistry, export_model
from pumpwatch_gui.infer.bundles.threshold_factor import threshold_factor_of, with_threshold_factor
from pumpwatch_gui.infer.evaluation.scoring import score_rows
from pumpwatch_gui.settings.profile_file import load_profile
from tests.infer.infer_builders import FEW, steady


@pytest.fixture
def registry(tmp_path: Path) -> ModelRegistry:
    return ModelRegistry(tmp_path / "models")


def test_a_version_is_added_shadowed_promoted_and_rolled_back_and_survives_a_restart(
    registry: ModelRegistry, chart_bundle: Path, tmp_path: Path
) -> None:
    one = registry.add("P/1", chart_bundle)
    with_threshold_factor(chart_bundle, tmp_path / "calmer", 1.5)
    two = registry.add("P/1", tmp_path / "calmer")
    assert {m.version for m in registry.models("P/1")} == {one, two}
    registry.set_shadow("P/1", two)
    registry.promote("P/1", one, site_model="few")
    registry.promote("P/1", two, site_model="few")
    state = ModelRegistry(registry.folder).state("P/1")
    assert (state.active, state.shadow, state.before) == (two, "", ("", one))
    assert registry.roll_back("P/1", site_model="few").active == one
    assert registry.roll_back("P/1", site_model="few").active == ""
    with pytest.raises(InputError, match="no earlier model"):
        registry.roll_back("P/1", site_model="few")


def test_another_model_in_the_site_file_ends_what_was_promoted_over_the_old_one(
    registry: ModelRegistry, chart_bundle: Path
) -> None:
    version = registry.add("P-1", chart_bundle)
    registry.promote("P-1", version, site_model="few")
    assert registry.valid("P-1", site_model="few").active == version
    assert registry.valid("P-1", site_model="other").active == ""


def test_a_stored_bundle_that_was_altered_is_told_and_never_promoted(
    registry: ModelRegistry, chart_bundle: Path
) -> None:
    version = registry.add("P-1", chart_bundle)
    path = registry.bundle("P-1", version) / "manifest.json"
    content = json.loads(path.read_text())
    content["detector"]["limits"]["limit"] *= 10
    path.write_text(json.dumps(content))
    assert "altered" in registry.models("P-1")[0].error
    with pytest.raises(BundleError, match="altered"):
        registry.promote("P-1", version, site_model="few")
    shutil.rmtree(path.parent)
    with pytest.raises(BundleError, match="no model"):
        registry.promote("P-1", version, site_model="few")
    assert registry.state("P-1").active == ""


def test_a_bundle_sealed_anew_under_the_old_name_is_refused(
    registry: ModelRegistry, chart_bundle: Path, tmp_path: Path
) -> None:
    version = registry.add("P-1", chart_bundle)
    with_threshold_factor(chart_bundle, tmp_path / "other", 2.0)
    place = registry.bundle("P-1", version)
    shutil.rmtree(place)
    shutil.copytree(tmp_path / "other", place)
    with pytest.raises(BundleError, match="holds version"):
        registry.bundle("P-1", version)
    assert "holds version" in registry.models("P-1")[0].error


def test_another_threshold_factor_scales_every_score_and_the_card_says_so(chart_bundle: Path, tmp_path: Path) -> None:
    manifest = with_threshold_factor(chart_bundle, tmp_path / "twice", 2.5)
    assert threshold_factor_of(manifest) == 2.5
    assert manifest.version != read_manifest(chart_bundle).version
    bundles = [load_bundle(path, FEW) for path in (chart_bundle, tmp_path / "twice")]
    assert "Threshold factor 2.5, from version" in bundles[1].card
    first, second = ([row.score for row in score_rows(b, FEW, None, [steady(300, seed=3)])] for b in bundles)
    assert [2 * x for x in second] == pytest.approx(first, nan_ok=True)
    with pytest.raises(InputError, match="threshold factor 9"):
        with_threshold_factor(chart_bundle, tmp_path / "never", 9.0)


def test_a_model_is_exported_whole_with_its_card(chart_bundle: Path, tmp_path: Path) -> None:
    export_model(chart_bundle, tmp_path / "copy")
    assert load_bundle(tmp_path / "copy", FEW).card == load_bundle(chart_bundle, FEW).card
    with pytest.raises(InputError, match="cannot write"):
        export_model(chart_bundle, tmp_path / "copy")


def test_a_recording_written_is_the_recording_read(tmp_path: Path) -> None:
    recording = steady(50)
    write_recording(recording, tmp_path / "r.csv", FEW)
    again = read_recording(tmp_path / "r.csv", FEW)
    assert again.time_s == pytest.approx(recording.time_s)
    assert (again.values == recording.values).all()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"[" * 100_000, b"\xff", b'{"active": 5}'])
def test_a_state_that_cannot_be_read_is_said_and_the_models_stay(
    registry: ModelRegistry, chart_bundle: Path, content: bytes
) -> None:
    version = registry.add("P-1", chart_bundle)
    (registry.folder / "P-1" / "state.json").write_bytes(content)
    again = ModelRegistry(registry.folder)
    with pytest.raises(BundleError, match=r"state\.json cannot be read") as caught:
        again.state("P-1")
    assert "remove the file" in caught.value.advice
    assert again.bundle("P-1", version).is_dir()


def test_a_bundle_that_cannot_be_copied_leaves_nothing_half(registry: ModelRegistry, chart_bundle: Path) -> None:
    registry.folder.mkdir()
    (registry.folder / "P-1").write_text("a file where the folder is to be")
    with pytest.raises(InputError, match="cannot write"):
        registry.add("P-1", chart_bundle)
    (registry.folder / "P-1").unlink()
    version = registry.add("P-1", chart_bundle)
    (registry.folder / "P-1" / f"{version}.new").mkdir()  # what a write that was cut off leaves behind
    assert [m.version for m in registry.models("P-1")] == [version]


def test_a_card_counts_in_words_and_writes_units_as_people_do() -> None:
    profile = load_profile("centrifugal")
    trained = {"running_h": 88.197, "recordings": ["a.csv"], "windows": 24847, "loss": [0.08, 0.04]}
    words = card(profile, {"name": "m", "kind": "combined", "window": 30, "units": 64, "trained": trained})
    assert "88.2 h of normal running in 1 recording: a.csv." in words
    assert "24,847 windows" in words
    assert "in 2 epochs." in words
    assert "(°C)" in words
    assert "degC" not in words
