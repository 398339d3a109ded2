"""Model bundles that were spoilt and sealed again: every checksum fits, and nothing else need."""

import json
import random
import shutil
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from pumpwatch_gui.files.shipped import shipped
from pumpwatch_gui.infer.bundles.bundle import load_bundle, profile_of
from pumpwatch_gui.infer.bundles.manifest import MANIFEST_FILE, digest_of, read_manifest
from pumpwatch_gui.infer.evaluation.scoring import score_recordings
from pumpwatch_gui.infer.network.autoencoder import MODEL_FILE
from pumpwatch_gui.infer.network.numpy_forward import WEIGHTS_FILE
from tests.fuzz.mutators import spoil_bytes, spoil_document
from tests.fuzz.seeds import recordings
from tests.fuzz.watch import refused_in_words


def resealed_bundle(chance: random.Random, folder: Path) -> None:
    """A bundle whose manifest, weights or graph were spoilt; one that is still taken must score."""
    place = folder / "model"
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(shipped("models") / "centrifugal", place)
    document = spoil_document(chance, _document()) if chance.random() < 0.6 else dict(_document())
    for name in (MODEL_FILE, WEIGHTS_FILE):
        if chance.random() < 0.3:
            content = spoil_bytes(chance, (place / name).read_bytes())
            (place / name).write_bytes(content)
            if isinstance(files := document.get("files"), dict):
                document["files"] = files | {name: sha256(content).hexdigest()}
    document["digest"] = digest_of(document)
    (place / MANIFEST_FILE).write_text(json.dumps(document), "utf-8")
    own = profile_of(read_manifest(shipped("models") / "centrifugal"))
    if refused_in_words(lambda: load_bundle(place, own)):
        return
    (folder / "own.csv").write_bytes(recordings()[0])
    refused_in_words(lambda: score_recordings(place, [folder / "own.csv"], folder / "out.csv"))


@cache
def _document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((shipped("models") / "centrifugal" / MANIFEST_FILE).read_text("utf-8"))
    return found
