"""Bundles: what is refused, and that the reason is told."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from math import inf, nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pumpwatch_gui.domain.errors import BundleError, InputError
from pumpwatch_gui.domain.pump.profile import PumpProfile, Sensor
from pumpwatch_gui.files.shipped import shipped
from pumpwatch_gui.infer.bundles import bundle as bundle_module
from pumpwatch_gui.infer.bundles.bundle import load_bundle, profile_of
from pumpwatch_gui.infer.bundles.manifest import MANIFEST_FILE, digest_of, read_manifest
from pumpwatch_gui.infer.bundles.writing import write_bundle
from pumpwatch_gui.infer.network import autoencoder
from pumpwatch_gui.infer.network.autoencoder import MODEL_FILE
from pumpwatch_gui.infer.network.numpy_forward import WEIGHTS_FILE
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


# ---------------------------------------------------------------- a bundle whose checksums fit, and that still is wrong

Change = Callable[[dict[str, Any]], None]


def rewrite(folder: Path, change: Change, **files: bytes) -> Path:
    """Change a bundle and compute its checksums again, as anybody can: they are no signature."""
    document = json.loads((folder / MANIFEST_FILE).read_text())
    for name, content in files.items():
        name = name.replace("_", ".")
        (folder / name).write_bytes(content)
        document["files"][name] = sha256(content).hexdigest()
    change(document)
    document["digest"] = digest_of(document)
    (folder / MANIFEST_FILE).write_text(json.dumps(document))
    return folder


def setting(path: str, value: object) -> Change:
    """Set one field, `a/b/0/c` being a path of keys and indices."""

    def change(document: dict[str, Any]) -> None:
        *way, last = [int(part) if part.isdigit() else part for part in path.split("/")]
        place: Any = document
        for part in way:
            place = place[part]
        place[last] = value

    return change


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("sensors/0/tag", 5, "tag is not a text"),
        ("sensors/0/tag", "no identifier", "must be letters"),
        ("sensors/0/span", [1.0], "span is not a list of two numbers"),
        ("sensors/0/span", [5.0, 1.0], "span must rise"),
        ("sensors/0/resolution", "fine", "resolution is not a number"),
        ("sensors/1/tag", "MOTOR_RPM", "only by case"),
        ("sensors", [], "1 to 64 sensors"),
        ("sensors", {"a": 1}, "sensors is not a list"),
        ("sensors", [7], "a sensor is not a table"),
        ("files", ["weights.bin"], "files is not a table"),
        ("files", {}, "files does not name model.onnx and weights.bin"),
        ("files", {"../../etc/passwd": "0"}, "no plain file name"),
        ("window", 1e30, "window is not a whole number"),
        ("window", 29, "detector.window is 30"),
        ("window", True, "window is not a whole number"),
        ("window", 10**9, "window is not a whole number"),
        ("units", 10**12, "units is not a whole number"),
        ("units", 63, "belong"),
        ("detector", [], "detector is not a table"),
        ("detector/window", 29, "detector.window is 29"),
        ("detector/limits", 3, "cannot be used"),
        ("detector/limits/limit", nan, "detector.limits.limit is not finite"),
        ("detector/limits/limit", inf, "detector.limits.limit is not finite"),
        ("detector/limits/usual_error/3", nan, "detector.limits.usual_error[3] is not finite"),
        ("detector/conditioning/scale", [1.0], "10 finite numbers"),
        ("detector/conditioning/smooth_s", 0.0, "above 0"),
        ("detector/conditioning/colour", 1.0, "colour"),
        ("detector/period_s", 0, "period_s must be above 0"),
        ("detector/chart", {}, "'unmixing' is missing"),
        ("running", 5, "running is not a table"),
        ("running", {"tag": "motor_rpm", "above": "much"}, "above is not a number"),
        ("trained", None, "trained is not a table"),
        ("trained/sensitivity", "high", "sensitivity is not a number"),
        ("name", None, "name is not a text"),
        ("parity", {}, "parity.window is not 30 samples of 10 numbers"),
        ("parity/window/0", ["a"] * 10, "parity.window is not 30 samples"),
        ("parity/reconstruction/0/0", 1e39, "parity.reconstruction is not 30 samples"),
        ("parity/reconstruction/3/4", 0.5, "does not compute what it was trained to"),
        ("parity/window/3/4", 100.0, "does not compute what it was trained to"),
    ],
)
def test_what_is_wrong_in_a_manifest_is_said(model: Path, path: str, value: object, words: str) -> None:
    text = refused(rewrite(model, setting(path, value)))
    assert words in text
    assert str(model) in text


WHOLE = json.loads((shipped("models") / "centrifugal" / MANIFEST_FILE).read_text())


def places(value: object, path: str = "") -> list[str]:
    """The path of every field, of lists only the first entries."""
    if isinstance(value, dict):
        rows = list(value.items())
    elif isinstance(value, list):
        rows = [(str(i), item) for i, item in enumerate(value[:2])]
    else:
        return [path]
    return [path, *(p for key, item in rows for p in places(item, f"{path}.{key}".lstrip(".")))]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.sampled_from([p for p in places(WHOLE) if p and p not in ("digest", "schema")]),
    value=st.sampled_from(
        [None, True, 0, -1, 3, 10**400, 0.0, -1.5, 1e308, nan, inf, "", "x", "nan", [], [[]], [1.0], {}, {"a": 1}]
    ),
)
def test_a_manifest_with_any_one_field_wrong_is_used_or_refused_in_words(
    tmp_path_factory: pytest.TempPathFactory, path: str, value: object
) -> None:
    folder = tmp_path_factory.mktemp("any") / "model"
    shutil.copytree(shipped("models") / "centrifugal", folder)
    profile = profile_of(read_manifest(folder))
    rewrite(folder, setting(path, value))
    refusal: BundleError | None = None
    try:
        load_bundle(folder, profile)
    except BundleError as error:
        refusal = error
    assert refusal is None or (str(folder) in refusal.message and refusal.advice)


@pytest.mark.parametrize(
    "content", [b"[" * 100_000, b'{"schema": 1, "a": ' + b"[" * 100_000, b"\xff\xfe", b"9" * 9_999]
)
def test_a_manifest_that_is_no_json_is_refused(model: Path, content: bytes) -> None:
    (model / MANIFEST_FILE).write_bytes(content)
    refused(model)


def test_weights_that_are_no_numbers_are_refused(model: Path) -> None:
    weights = np.frombuffer((model / WEIGHTS_FILE).read_bytes(), "<f4").copy()
    weights[100] = nan
    assert "a weight is not finite" in refused(rewrite(model, lambda document: None, weights_bin=weights.tobytes()))


def test_other_weights_than_those_it_was_trained_to_are_refused(model: Path) -> None:
    weights = np.frombuffer((model / WEIGHTS_FILE).read_bytes(), "<f4").copy()
    weights[100] += 0.1
    text = refused(rewrite(model, lambda document: None, weights_bin=weights.tobytes()))
    assert "does not compute what it was trained to" in text


def test_a_graph_for_other_windows_is_refused(model: Path) -> None:
    onnx_graph = pytest.importorskip("pumpwatch_gui.infer.network.onnx_graph")
    network = load_bundle(model, profile_of(read_manifest(model))).detector.network  # type: ignore[attr-defined]
    graph = onnx_graph.build(network.weights, window=29)
    assert "cannot be computed" in refused(rewrite(model, lambda document: None, model_onnx=graph))


def test_a_graph_that_never_comes_to_its_end_is_broken_off(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnx")
    monkeypatch.setattr(autoencoder, "PROOF_S", 0.3)
    assert "cannot be computed" in refused(rewrite(model, lambda document: None, model_onnx=endless_graph()))


def endless_graph() -> bytes:
    """A graph of the right input and output whose loop is never left."""
    from onnx import TensorProto, helper

    shape, scalar = ["batch", 30, 10], list[int]()
    boolean, window = TensorProto.BOOL, TensorProto.FLOAT
    inside = helper.make_graph(
        [
            helper.make_node("Identity", ["on"], ["still_on"]),
            helper.make_node("Add", ["seen", "seen"], ["next"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, scalar),
            helper.make_tensor_value_info("on", boolean, scalar),
            helper.make_tensor_value_info("seen", window, shape),
        ],
        [
            helper.make_tensor_value_info("still_on", boolean, scalar),
            helper.make_tensor_value_info("next", window, shape),
        ],
    )
    graph = helper.make_graph(
        [helper.make_node("Loop", ["turns", "always", "window"], ["reconstruction"], body=inside)],
        "endless",
        [helper.make_tensor_value_info("window", window, shape)],
        [helper.make_tensor_value_info("reconstruction", window, shape)],
        [
            helper.make_tensor("turns", TensorProto.INT64, [], [2**62]),
            helper.make_tensor("always", boolean, [], [True]),
        ],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    content: bytes = made.SerializeToString()
    return content


def test_the_pumps_of_one_model_share_its_network_and_its_proof(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    proofs: list[Path] = []
    prove = autoencoder.Autoencoder.prove

    def counted(self: Any, *pair: Any) -> None:
        proofs.append(self._model)
        prove(self, *pair)

    monkeypatch.setattr(autoencoder.Autoencoder, "prove", counted)
    profile = profile_of(read_manifest(model))
    networks = {id(load_bundle(model, profile).detector.network) for _ in range(50)}  # type: ignore[attr-defined]
    assert (len(networks), len(proofs)) == (1, 1)
    rewrite(model, setting("name", "another"))
    load_bundle(model, profile)
    assert proofs == [model / MODEL_FILE] * 2
    assert bundle_module._proven.cache_info().maxsize


def test_without_the_runtime_numpy_is_what_is_proven(model: Path) -> None:
    profile = profile_of(read_manifest(model))
    rewrite(model, lambda document: None, model_onnx=b"no graph at all")
    bundle = load_bundle(model, profile)
    assert bundle.detector.network.runtime.startswith("numpy")  # type: ignore[attr-defined]
