"""The network in plain numpy: an oracle that shares no code with any runtime, and the fallback without one."""

from dataclasses import astuple, dataclass, fields

import numpy as np
from numpy.typing import NDArray

from pumpwatch_gui.domain.values.arrays import freeze_arrays

Array = NDArray[np.float32]

WEIGHTS_FILE = "weights.bin"


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """Weights of the LSTM autoencoder in ONNX order: gates i, o, f, c; u units, n sensors; float32.

    Encoder and decoder: `…_input` (4u, n) and (4u, u), `…_hidden` (4u, u), `…_bias` (8u,), of which the two halves add.
    Output: (u, n) and (n,).
    """

    encoder_input: Array
    encoder_hidden: Array
    encoder_bias: Array
    decoder_input: Array
    decoder_hidden: Array
    decoder_bias: Array
    output: Array
    output_bias: Array

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        freeze_arrays(self, *(field.name for field in fields(self)))

    @staticmethod
    def shapes(sensors: int, units: int) -> tuple[tuple[int, ...], ...]:
        """The shape of each field in order."""
        gates = 4 * units
        return (
            (gates, sensors), (gates, units), (2 * gates,), (gates, units), (gates, units), (2 * gates,),
            (units, sensors), (sensors,),
        )  # fmt: skip

    def to_bytes(self) -> bytes:
        """All fields in order as little-endian float32."""
        return b"".join(np.ascontiguousarray(array, dtype="<f4").tobytes() for array in astuple(self))

    @classmethod
    def from_bytes(cls, content: bytes, *, sensors: int, units: int) -> "Weights":
        """The inverse of `to_bytes`; raises ValueError when the length does not fit or a weight is not finite."""
        flat = np.frombuffer(content, dtype="<f4").astype(np.float32)
        shapes = cls.shapes(sensors, units)
        ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
        if flat.size != ends[-1]:
            raise ValueError(f"{flat.size} weights where {ends[-1]} belong")
        if not np.isfinite(flat).all():
            raise ValueError("a weight is not finite")
        parts = np.split(flat, ends[:-1])
        return cls(*(part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)))


def reconstruct(weights: Weights, windows: Array) -> Array:
    """The network's reconstruction (b, w, n) of windows (b, w, n)."""
    batch, length = windows.shape[:2]
    units = weights.encoder_hidden.shape[1]
    hidden = cell = np.zeros((batch, units), dtype=np.float32)
    driven = windows @ weights.encoder_input.T + weights.encoder_bias.reshape(2, -1).sum(axis=0)
    recurrent = weights.encoder_hidden.T
    for t in range(length):
        hidden, cell = _step(driven[:, t] + hidden @ recurrent, cell)
    # The decoder sees the same input every step: its part of the gates is computed once.
    constant = hidden @ weights.decoder_input.T + weights.decoder_bias.reshape(2, -1).sum(axis=0)
    recurrent = weights.decoder_hidden.T
    hidden = cell = np.zeros((batch, units), dtype=np.float32)
    track = np.empty((batch, length, units), dtype=np.float32)
    for t in range(length):
        hidden, cell = _step(constant + hidden @ recurrent, cell)
        track[:, t] = hidden
    result: Array = track @ weights.output + weights.output_bias
    return result


def _step(gates: Array, cell: Array) -> tuple[Array, Array]:
    """One step of an LSTM from its summed gate inputs (b, 4u) in the order i, o, f, c."""
    units = cell.shape[1]
    opened = 0.5 * (1.0 + np.tanh(0.5 * gates[:, : 3 * units]))  # the logistic function, without overflow
    enter, leave, keep = opened[:, :units], opened[:, units : 2 * units], opened[:, 2 * units :]
    cell = keep * cell + enter * np.tanh(gates[:, 3 * units :])
    return leave * np.tanh(cell), cell
