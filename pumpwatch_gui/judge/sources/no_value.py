"""The alarms of watched sensors that give no value for a while though their link responds."""

from collections.abc import Collection
from math import nan

from pumpwatch_gui.domain.alarms.alarm import AlarmSignal, Priority
from pumpwatch_gui.domain.alarms.delays import OnOffDelay
from pumpwatch_gui.domain.pump.derived import DerivedQuantities
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.values.frame import Frame
from pumpwatch_gui.domain.values.pace import Pace
from pumpwatch_gui.domain.values.quality import Quality, Reason

ON_DELAY_NS = 60 * 10**9
_OF_THE_LINK = (Reason.NO_COMMUNICATION, Reason.TIMEOUT)
_NO_VALUE_YET = (Reason.WAITING_FOR_INITIAL_DATA, Reason.NOT_CONNECTED)


class NoValueJudge:
    """Judges every watched sensor of one pump: those with limits or behind a quantity with limits; with a model, all.

    So is a sensor that is one of `rule_tags`, which rules look at, or behind one of them.

    A sensor that is BAD for a minute while its link responds is an alarm; it returns with the first value. What the
    loss of a link takes away is the link's alarm, and leaves these as they are. The delay restarts after a gap of the
    frames (`Pace`). `active` are the sources that were active already.
    """

    def __init__(
        self,
        profile: PumpProfile,
        *,
        has_model: bool,
        active: Collection[str] = (),
        rule_tags: Collection[str] = (),
    ) -> None:
        self._pace = Pace()
        self._profile = profile
        given = {s.tag for s in profile.quantities if s.limits.given or s.tag in rule_tags}
        given |= DerivedQuantities(profile).behind(given)
        watched = [i for i, s in enumerate(profile.sensors) if has_model or s.tag in given]
        self._delays = {
            i: OnOffDelay(ON_DELAY_NS, 0, active=no_value_source(profile.tags[i]) in active) for i in watched
        }
        self._is_quiet = self._all_quiet()

    @property
    def sources(self) -> frozenset[str]:
        """The alarm sources it can raise (`tag.no_value`)."""
        return frozenset(no_value_source(self._profile.tags[i]) for i in self._delays)

    def judge(self, frame: Frame, *, any_online: bool, all_online: bool) -> list[AlarmSignal]:
        """The sensors that were found without a value, or have one again. Whether any, or all, of its links respond."""
        mono_ns, gap_ns = frame.mono_ns, self._pace.gap_s * 1e9
        is_gap = mono_ns - self._pace.last_ns > gap_ns
        self._pace.step(mono_ns)
        own = frame.quality[: len(self._profile.tags)]  # a derived value lacks what a sensor lacks: one alarm a cause
        bad = {i for i, quality in enumerate(own.tolist()) if quality == Quality.BAD}
        if self._is_quiet and bad.isdisjoint(self._delays):
            return []
        signals: list[AlarmSignal] = []
        for i, delay in self._delays.items():
            reason = Reason(int(frame.reason[i]))
            if is_gap:
                delay.restart()
            if i in bad and not _is_own(reason, any_online=any_online, all_online=all_online):
                delay.restart()
                continue
            stimulus = delay.update(mono_ns, over=i in bad, clear=i not in bad)
            if stimulus is not None:
                sensor = self._profile.sensors[i]
                text = f"{sensor.label}: no value" + (f", {reason.text}" if i in bad else "")
                priority = Priority.MEDIUM if sensor.limits.given else Priority.LOW
                signals.append(
                    AlarmSignal(no_value_source(sensor.tag), sensor.tag, priority, text, nan, nan, "", stimulus)
                )
        self._is_quiet = self._all_quiet()
        return signals

    def _all_quiet(self) -> bool:
        return not any(delay.active or delay.is_running for delay in self._delays.values())


def no_value_source(tag: str) -> str:
    """The alarm source of a sensor without a value."""
    return f"{tag}.no_value"


def _is_own(reason: Reason, *, any_online: bool, all_online: bool) -> bool:
    """Whether the lack of a value is the sensor's own, and not that of the link that brings it.

    A pump with several links may have one of them down: then only what a device itself has said counts.
    """
    if reason in _NO_VALUE_YET:
        return False
    return all_online if reason in _OF_THE_LINK else any_online
