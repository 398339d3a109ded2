"""Writing a recording as CSV."""

import csv
from pathlib import Path

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.values.recording import Recording
from pumpwatch_gui.files.atomic import atomic_text


def write_recording(recording: Recording, path: Path, profile: PumpProfile) -> None:
    """Write a recording of `profile` as a CSV that `read_recording` gives back, without the columns it never had.

    Raises InputError when the file cannot be written.
    """
    kept = [i for i, tag in enumerate(profile.tags) if tag not in recording.missing]
    try:
        with atomic_text(path) as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["timestamp", *(profile.tags[i] for i in kept)])
            for time_s, values in zip(recording.time_s.tolist(), recording.values[:, kept].tolist(), strict=True):
                writer.writerow([f"{time_s:.6f}", *("" if value != value else repr(value) for value in values)])
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}", "choose another folder") from error
