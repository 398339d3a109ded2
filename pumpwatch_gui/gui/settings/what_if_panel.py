"""Below the table of limits: the past of the chosen quantity, and what the limits that are typed would have done."""

from functools import partial

from typing_extensions import override

from pumpwatch_gui.commissioning.pumps.what_if import JudgedPast, Progress, WhatIf, stretches, what_if
from pumpwatch_gui.domain.pump.profile import Limits, PumpProfile, Sensor
from pumpwatch_gui.domain.wording import duration, minute, running_time
from pumpwatch_gui.gui.forms.limit_plot import Mark
from pumpwatch_gui.gui.forms.past_panel import PastPanel
from pumpwatch_gui.gui.look.layout import vbox
from pumpwatch_gui.gui.shell.page import PageContext

NAMED = 3


class WhatIfPanel(PastPanel):
    """The past of a quantity with its limits as lines."""

    def __init__(self, context: PageContext) -> None:
        super().__init__(context, "What if", "Judge that time by the limits that are typed")
        self._limits = Limits()
        vbox(self.plot, self.head(), parent=self, spacing=8)

    def show_quantity(self, pump_id: str, profile: PumpProfile | None, sensor: Sensor | None, limits: Limits) -> None:
        """Turn to a quantity (in its own unit) of a pump, with the limits (as they are shown) that are typed for it."""
        is_other = self.turn_to(pump_id, profile, sensor)
        if is_other:
            self.close_down()
        if limits != self._limits or is_other:
            self._limits = limits
            self.plot.show_limits(limits)
            self.plot.show_marks(())
            self.outcome.say("")
        self.start.setEnabled(sensor is not None and not self.is_busy)

    @override
    def judge(self) -> None:
        """Judge the span by the present limits and by those that are typed."""
        if self._sensor is None or self._profile is None or self.is_busy:
            return
        start_ns, end_ns = self.span_ns
        asked = self._pump_id, self._sensor.tag, self._limits
        judge = partial(
            what_if, self._context.station.history, self._pump_id, self._profile, self._sensor.tag,
            self._context.units.own_limits(self._limits, self._sensor), start_ns=start_ns, end_ns=end_ns,
        )  # fmt: skip

        def job(report: Progress) -> WhatIf:
            return judge(progress=report)

        self.run(job, partial(self._found, asked))

    def _found(self, asked: tuple[str, str, Limits], found: WhatIf) -> None:
        if self._sensor is None or asked != (self._pump_id, self._sensor.tag, self._limits):
            self.outcome.say("")  # of limits that are no longer there
            return
        self.outcome.say(words_of(found))
        self.plot.show_marks(
            [
                Mark(start_ns / 1e9, end_ns / 1e9, is_gained)
                for is_gained, own in ((True, found.gained), (False, found.lost))
                for start_ns, end_ns in stretches(own)
            ]
        )


def words_of(found: WhatIf) -> str:
    """The outcome for people: alarms and time in alarm of both, and which are gained and lost."""
    present, proposed = (_judged_words(judged, found.hours) for judged in (found.present, found.proposed))
    text = f"{running_time(found.hours * 3600)} with values. Present limits: {present}. These: {proposed}."
    for name, own in (("Gained", found.gained), ("Lost", found.lost)):
        if own:
            first = ", ".join(f"{minute(e.start_ns)} {e.level.replace('_', '-')}" for e in own[:NAMED])
            text += f" {name}: {len(own)} ({first}{', …' if len(own) > NAMED else ''})."
    return text if found.gained or found.lost else f"{text} No alarm is gained or lost."


def _judged_words(judged: JudgedPast, hours: float) -> str:
    count = len(judged.episodes)
    if not count:
        return "no alarm"
    a_week = f", {count / hours * 168:.1f} a week" if hours >= 24 else ""
    return f"{count} {'alarm' if count == 1 else 'alarms'}{a_week}, {duration(judged.active_s)} in alarm"
