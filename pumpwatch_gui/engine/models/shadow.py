"""The shadow of a model: scored, counted, and never heard."""

from pumpwatch_gui.domain.alarms.episodes import Episodes
from pumpwatch_gui.domain.detection import Detection, ScoreResult, ShadowView


class Shadow:
    """A stored model that is scored next to the active one of a pump, and raises no alarm."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.score_result: ScoreResult | None = None
        self.scored = self.in_alarm = 0
        self.episodes = Episodes()

    def take(self, score_result: ScoreResult) -> None:
        """Count its newest result."""
        self.score_result = score_result
        if isinstance(score_result, Detection):
            self.in_alarm += self.episodes.update(score_result.mono_ns, score_result.score)
            self.scored += 1

    def view(self) -> ShadowView:
        """What it has found so far."""
        return ShadowView(self.version, self.score_result, self.scored, self.in_alarm, self.episodes.all)


def found_by(view: ShadowView) -> str:
    """That in words."""
    share = 100 * view.in_alarm / view.scored if view.scored else 0.0
    return f"as a shadow it scored {view.scored} windows, {len(view.episodes)} episodes, {share:.1f} % in alarm"
