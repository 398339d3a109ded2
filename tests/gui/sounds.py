"""The three alarm sounds: one timbre, 3, 2 or 1 pulses, the faster the more urgent. Melodies are hardly learnt.

`python -m tests.gui.sounds` writes them again.
"""

from io import BytesIO
from wave import open as open_wave

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.alarms.alarm import Priority
from pumpwatch_gui.gui.sound.player import sound_file

RATE = 22_050
BASE_HZ = 740.0
HARMONICS = (1.0, 0.6, 0.4, 0.25)
"""Four partials are heard over the hum of a pump room that hides any one of them."""
RAMP_S = 0.012
PULSES = {Priority.HIGH: (3, 0.12, 0.08), Priority.MEDIUM: (2, 0.17, 0.15), Priority.LOW: (1, 0.24, 0.0)}
"""Pulses, their length and the pause between them (s)."""


def pulse(length_s: float) -> NDArray[np.float64]:
    """One pulse, between -1 and 1."""
    time_s = np.arange(round(length_s * RATE)) / RATE
    tone = sum(part * np.sin(2 * np.pi * BASE_HZ * (i + 1) * time_s) for i, part in enumerate(HARMONICS))
    ramp = np.minimum(1.0, np.minimum(time_s, time_s[::-1]) / RAMP_S)
    return np.asarray(tone * ramp / sum(HARMONICS))


def wav_of(priority: Priority) -> bytes:
    """The WAV file of a priority: 16 bit, one channel."""
    count, length_s, pause_s = PULSES[priority]
    pause = np.zeros(round(pause_s * RATE))
    whole = np.concatenate([part for _ in range(count) for part in (pulse(length_s), pause)])
    out = BytesIO()
    with open_wave(out, "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", "not compressed"))
        file.writeframes(np.rint(whole * 32_000).astype("<i2").tobytes())
    return out.getvalue()


if __name__ == "__main__":
    for one in PULSES:
        sound_file(one).write_bytes(wav_of(one))
