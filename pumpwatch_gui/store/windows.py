"""A detection as few bytes: what `anomaly_windows` holds, and the view `anomaly_detections` unpacks."""

import json
from collections.abc import Mapping, Sequence
from typing import Final

STATES: Final[Mapping[str, int]] = {"NORMAL": 0, "ANOMALY": 1, "MISSING": 2}
WHOLE: Final = 200
"""The byte of a share of 1: steps of half a per cent."""
MODEL: Final = "INSERT OR IGNORE INTO detection_models (kind, model_version, threshold) VALUES (?, ?, ?)"
WINDOW: Final = (
    "INSERT OR REPLACE INTO anomaly_windows VALUES (?, (SELECT model_number FROM detection_models "
    "WHERE kind = ? AND model_version = ? AND threshold = ?), ?, ?, ?, ?)"
)
"""Id; kind, version and threshold of the model; whether it is anomalous, its error, what `packed` gives, its score."""


def packed(shares: Sequence[float], states: Sequence[str], counts: Sequence[int]) -> bytes:
    """What a window holds of each of its n sensors, in the order of the tags.

    n shares of a byte each (200 is the whole error), two bits a state, n counts of as many bytes as the highest needs.
    Raises ValueError for a share that is no number and for lengths that differ, KeyError for an unknown state,
    OverflowError for a count below 0.
    """
    if not len(shares) == len(states) == len(counts):
        raise ValueError(f"{len(shares)} shares, {len(states)} states and {len(counts)} counts")
    bits = 0
    for index, state in enumerate(states):
        bits |= STATES[state] << (2 * index)
    width = max(1, -(-max(counts, default=0).bit_length() // 8))
    return b"".join(
        (
            bytes(min(WHOLE, max(0, round(WHOLE * share))) for share in shares),
            bits.to_bytes((len(states) + 3) // 4, "little"),
            *(count.to_bytes(width) for count in counts),
        )
    )


def packed_json(tags: Sequence[str], states: str, counts: str, shares: str) -> bytes:
    """The same from the JSON texts, keyed by tag, that databases held before version 3."""
    by_tag: tuple[dict[str, object], ...] = tuple(json.loads(text) for text in (shares, states, counts))
    share, state, count = by_tag
    return packed(
        [float(str(share.get(t, 0.0))) for t in tags],
        [str(state.get(t, "MISSING")) for t in tags],
        [int(str(count.get(t, 0))) for t in tags],
    )
