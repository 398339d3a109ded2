"""Bundles: what is refused, and that the reason is told."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from pumpwatch_gui.domain.errors import BundleError, InputError
from pumpwatch_gui.domain.pump.profile import PumpProfile, Sensor
from pumpwatch_gui.files.shipped import shipped
from pumpwatch_gui.infer.bundles.bundle import CARD_FILE, load_bundle, profile_of
from pumpwatch_gui.infer.bundles.manifest import MANIFEST_FILE, append_to_file, read_manifest, write_bundle
from pumpwatch_gui.infer.training.train import train
from tests.infer.infer_builders import FEW, steady, written


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A copy of the shipped model, to be spoilt."""
    return Path(shutil.copytree(shipped("models") / "centrifugal", tmp_path / "model"))


def refused(folder: Path, profile: PumpProfile | None = None) -> str:
    if profile is None:
        profile = profile_of(read_manifest(shipped("models") / "centrifugal"))
    with pytest.raises(BundleError) as caught:
        load_bundle(folder, profile)
    assert caught.value.advice
    return caught.value.message


def test_the_shipped_model_loads_is_small_and_tells_of_itself(model: Path) -> None:
    bundle = load_bundle(model, profile_of(read_manifest(model)))
    assert bundle.kind in ("combined", "lstm")
    assert len(bundle.version) == 12
    assert "normal running" in bundle.card
    assert sum(p.stat().st_size for p in model.iterdir()) <= 400_000


@pytest.mark.parametrize("name", ["weights.bin", "model.onnx", "card.md"])
def test_a_missing_a_shortened_and_an_altered_file_are_told_apart_from_a_good_one(model: Path, name: str) -> None:
    content = (model / name).read_bytes()
    (model / name).write_bytes(content[: len(content) // 2])
    assert f"{name} was altered or cut short" in refused(model)
    (model / name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert f"{name} was altered or cut short" in refused(model)
    (model / name).unlink()
    assert f"{name} is missing" in refused(model)


def test_an_altered_manifest_is_refused(model: Path) -> None:
    path = model / MANIFEST_FILE
    document = json.loads(path.read_text())
    document["detector"]["limits" if "limits" in document["detector"] else "threshold"] = 99.0
    path.write_text(json.dumps(document))
    assert "the manifest was altered" in refused(model)
    path.write_text("{")
    assert "cannot be read" in refused(model)
    path.write_text("[]")
    assert "not that of a model" in refused(model)
    path.unlink()
    assert "there is no manifest.json" in refused(model)


def test_a_model_of_a_newer_program_is_refused(model: Path) -> None:
    document = json.loads((model / MANIFEST_FILE).read_text()) | {"schema": 99}
    (model / MANIFEST_FILE).write_text(json.dumps(document))
    assert "newer PumpWatch" in refused(model)


def test_a_model_for_another_profile_is_refused_with_the_first_difference(model: Path) -> None:
    profile = profile_of(read_manifest(model))
    swapped = replace(profile, name="other", sensors=(profile.sensors[1], profile.sensors[0], *profile.sensors[2:]))
    assert "motor_rpm in rpm where profile other has bearing_temperature_c" in refused(model, swapped)
    assert "10 sensors, profile few has 3" in refused(model, FEW)
    fahrenheit = replace(profile.sensors[9], unit="degF")
    assert "in degF" in refused(model, replace(profile, sensors=(*profile.sensors[:9], fahrenheit)))


def test_limits_and_labels_of_the_pump_do_not_matter(model: Path) -> None:
    profile = profile_of(read_manifest(model))
    sensors = tuple(replace(s, label="x", span=(-1e6, 1e6)) for s in profile.sensors)
    assert load_bundle(model, replace(profile, name="mine", sensors=sensors)).version


def test_a_kind_nobody_knows_is_refused(tmp_path: Path) -> None:
    content = {"name": "x", "kind": "oracle", "window": 1, "units": 0, "detector": {}, "trained": {}, "parity": {}}
    write_bundle(tmp_path / "x", profile=FEW, content=content, files={})
    assert "kind 'oracle' is not known" in refused(tmp_path / "x", FEW)
    write_bundle(tmp_path / "x", profile=FEW, content=content | {"kind": "chart"}, files={})
    assert "cannot be used" in refused(tmp_path / "x", FEW)


def test_a_card_can_be_added_to_and_the_bundle_is_whole_again(model: Path) -> None:
    before = read_manifest(model).version
    assert append_to_file(model, CARD_FILE, "\n## Measured\nwell\n").version != before
    assert load_bundle(model, profile_of(read_manifest(model))).card.endswith("well\n")


def test_a_bundle_never_replaces_other_files(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine")
    with pytest.raises(InputError, match="holds other files"):
        train(FEW, [written(steady(2700), tmp_path / "s.csv")], tmp_path, kind="chart")
    assert (tmp_path / "precious.txt").read_text() == "mine"


@pytest.mark.parametrize("sensors", [1, 2, 64])
def test_any_profile_of_1_to_64_sensors_makes_a_bundle_that_loads_again(tmp_path: Path, sensors: int) -> None:
    profile = PumpProfile("wide", tuple(Sensor(f"s{i}", f"s{i}", "", (-1e4, 1e4)) for i in range(sensors)))
    recording = steady(1600, sensors=sensors)
    rows = "\n".join(
        ",".join(map(repr, (t, *row)))
        for t, row in zip(recording.time_s.tolist(), recording.values.tolist(), strict=True)
    )
    path = tmp_path / "wide.csv"
    path.write_text("timestamp," + ",".join(profile.tags) + "\n" + rows + "\n")
    made = train(profile, [path], tmp_path / "m", kind="chart")
    assert load_bundle(tmp_path / "m", profile).version == made.version
