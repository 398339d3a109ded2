"""The model card: what a model was trained on, how it judges and how to make it again, as Markdown."""

from collections.abc import Mapping
from typing import Any

from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.wording import counted, number, unit_text

_KINDS = {
    "combined": "Conditioned residuals (standardised, freed from a slow baseline, smoothed) judged by a control chart "
    "and by an LSTM autoencoder; the score is the mean of both in limit units. A missing sensor is left out and said.",
    "chart": "Conditioned residuals (standardised, freed from a slow baseline, smoothed) judged by a control chart. "
    "A missing sensor is left out and said.",
    "lstm": "The original recipe: MinMax scaling, LSTM autoencoder, mean absolute error against the 99th percentile of "
    "the training errors. Any sensor that is not GOOD leaves the pump unscored.",
}
_NAMES = {"sensitivity": "threshold factor"}  # as manifests have called it since their first version


def card(profile: PumpProfile, content: Mapping[str, Any]) -> str:
    """The card of a bundle about to be written with this `content` (see `write_bundle`)."""
    trained = dict(content["trained"])
    loss = trained.pop("loss", None)
    recordings = trained.pop("recordings")
    lines = [
        f"# Model {content['name']}",
        "",
        f"Kind `{content['kind']}` for profile `{profile.name}` ({counted(len(profile.sensors), 'sensor')})"
        + (f", windows of {content['window']} samples, {content['units']} units." if content["units"] else "."),
        "",
        _KINDS.get(content["kind"], ""),
        "",
        "## Trained on",
        f"{number(trained.pop('running_h'), 1)} h of normal running in {counted(len(recordings), 'recording')}: "
        f"{', '.join(recordings)}.",
        *(
            [
                f"Network: {counted(trained.pop('windows'), 'window')}, loss {loss[0]:.4f} → {loss[-1]:.4f} in "
                f"{counted(len(loss), 'epoch')}."
            ]
            if loss
            else []
        ),
        "",
        "## How it judges",
        *(f"- {_NAMES.get(key, key.replace('_', ' '))}: {value}" for key, value in trained.items()),
        "",
        "## Sensors, in order",
        *(f"- `{s.tag}` ({unit_text(s.unit) or 'no unit'})" for s in profile.sensors),
        "",
        "## Made again by",
        "```",
        f"pumpwatch train --profile {profile.name} --kind {content['kind']} --out {content['name']} "
        + " ".join(recordings),
        "```",
    ]
    return "\n".join(lines) + "\n"
