"""One term of a rule as a line of fields: what is looked at, when it holds, and its deadband."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QComboBox, QLineEdit, QSizePolicy, QWidget

from pumpwatch_gui.domain.alarms.rule_places import measured_unit
from pumpwatch_gui.domain.alarms.rules import USUAL_OVER_S, Comparison, Measure, RuleTerm
from pumpwatch_gui.domain.pump.profile import Sensor
from pumpwatch_gui.domain.shown_units import ShownUnits
from pumpwatch_gui.domain.wording import editable_number, typed_number
from pumpwatch_gui.gui.look.layout import hbox
from pumpwatch_gui.gui.look.theme import Appearance
from pumpwatch_gui.gui.look.widgets import button, label

MEASURES = {Measure.VALUE: "Value of", Measure.RATE: "Rate of", Measure.DEVIATION: "Deviation of"}
COMPARISONS = {
    Comparison.ABOVE: ">", Comparison.AT_LEAST: "≥", Comparison.BELOW: "<", Comparison.AT_MOST: "≤",
    Comparison.OUTSIDE: "outside",
}  # fmt: skip
SISTER, TAG, SET_POINT = "pump", "tag", "set point"


@dataclass(frozen=True, slots=True)
class TermChoices:
    """What a term may choose from: the quantities of the pumps that the rule is for, and the other pumps."""

    sensors: Sequence[Sensor] = ()
    pumps: Sequence[str] = ()

    def sensor(self, tag: str) -> Sensor | None:
        """The quantity of a tag; None where it is not there, or no longer."""
        return next((sensor for sensor in self.sensors if sensor.tag == tag), None)


class TermRow(QWidget):
    """The fields of a term, as it is shown. `edited` comes after every change, `removed` by its button."""

    edited = Signal()
    removed = Signal()

    def __init__(
        self, appearance: Appearance, choices: TermChoices, units: ShownUnits, term: RuleTerm | None = None
    ) -> None:
        super().__init__()
        self._choices, self._units, self._start = choices, units, term
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)  # eight of them scroll
        self.measure, self.tag, self.source, self.comparison = (QComboBox() for _ in range(4))
        for measure, words in MEASURES.items():
            self.measure.addItem(words, measure)
        for comparison, words in COMPARISONS.items():
            self.comparison.addItem(words, comparison)
        self.over, self.set_point, self.value, self.to, self.deadband = (QLineEdit() for _ in range(5))
        self._fields = {"over": self.over, "set point": self.set_point, "value": self.value, "to": self.to,
                        "deadband": self.deadband}  # fmt: skip
        for field in self._fields.values():
            field.setFixedWidth(appearance.px(64))
        self.tag.setFixedWidth(appearance.px(210))
        self.tag.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.source.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.source.setMinimumWidth(appearance.px(140))
        self._over_words, self._from_words, self._to_words = label("over, s", "dim"), label("from"), label("to")
        self._unit = label("", "dim")
        self._unit.setMinimumWidth(appearance.px(56))
        self.remove = button("Remove", "Remove this term", self.removed.emit)
        hbox(
            self.measure, self.tag, self._over_words, self.over, self._from_words, (self.source, 6),
            self.set_point, None, self.comparison, self.value, self._to_words, self.to, self._unit,
            label("deadband", "dim"), self.deadband, self.remove, parent=self, spacing=6,
        )  # fmt: skip
        self._show(term or RuleTerm(choices.sensors[0].tag if choices.sensors else "?", Comparison.ABOVE, 0.0))
        if term is None:
            self.value.clear()
        for box in (self.measure, self.tag, self.source, self.comparison):
            box.currentIndexChanged.connect(lambda _: self._turn())
        for field in self._fields.values():
            field.textChanged.connect(lambda _: self.edited.emit())

    def number_it(self, number: int) -> None:
        """Call its fields by the place of the term, for who does not see them."""
        names: Mapping[QWidget, str] = {
            self.measure: "what is looked at", self.tag: "tag", self.source: "compared with", self.remove: "remove",
            self.comparison: "comparison", self.over: "span of time, seconds", self.set_point: "set point",
            self.value: "value", self.to: "upper end of the band", self.deadband: "deadband",
        }  # fmt: skip
        for widget, words in names.items():
            widget.setAccessibleName(f"Term {number}, {words}")

    def offer(self, choices: TermChoices) -> None:
        """Offer other tags and pumps; what is chosen stays, though it may no longer be among them."""
        self._choices = choices
        self._fill_tags(str(self.tag.currentData()))
        self._fill_sources(self.source.currentData())

    @property
    def sensor(self) -> Sensor | None:
        """The quantity that it looks at."""
        return self._choices.sensor(str(self.tag.currentData()))

    @property
    def state(self) -> tuple[object, ...]:
        """What its fields say."""
        boxes = (self.measure, self.tag, self.source, self.comparison)
        return *(box.currentData() for box in boxes), *(field.text() for field in self._fields.values())

    def term(self) -> RuleTerm:
        """What was filled in, in the unit of the tag. Raises ValueError in words."""
        return self._units.own_term(self.typed(), self.sensor, self._start)

    def typed(self) -> RuleTerm:
        """What was filled in, in the unit that is shown. Raises ValueError in words."""
        measure, comparison = self.measure.currentData(), self.comparison.currentData()
        kind, other = self.source.currentData() or (SET_POINT, "")
        is_deviation = measure is Measure.DEVIATION
        return RuleTerm(
            tag=str(self.tag.currentData()),
            comparison=comparison,
            value=self._number("value"),
            to=self._number("to") if comparison is Comparison.OUTSIDE else None,
            deadband=self._number("deadband", 0.0),
            measure=measure,
            over_s=self._number("over") if measure is Measure.RATE else USUAL_OVER_S,
            from_pump=other if is_deviation and kind == SISTER else "",
            from_tag=other if is_deviation and kind == TAG else "",
            from_value=self._number("set point") if is_deviation and kind == SET_POINT else None,
        )

    def set_value(self, value: float, *, is_upper: bool) -> None:
        """Put a value that was dragged in the plot into its field; of a band the upper or the lower end."""
        is_band = self.comparison.currentData() is Comparison.OUTSIDE
        (self.to if is_band and is_upper else self.value).setText(editable_number(value))

    # ---------------------------------------------------------------- inside

    def _number(self, name: str, default: float | None = None) -> float:
        text = self._fields[name].text()
        if not text.strip():
            if default is None:
                raise ValueError(f"{name}: is empty")
            return default
        try:
            return typed_number(text)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None

    def _show(self, own: RuleTerm) -> None:
        term = self._units.term(own, self._choices.sensor(own.tag))
        self.measure.setCurrentIndex(self.measure.findData(term.measure))
        self.comparison.setCurrentIndex(self.comparison.findData(term.comparison))
        self._fill_tags(term.tag)
        source = (SISTER, term.from_pump) if term.from_pump else (TAG, term.from_tag) if term.from_tag else None
        self._fill_sources(source or (SET_POINT, ""))
        self.value.setText(editable_number(term.value))
        self.to.setText("" if term.to is None else editable_number(term.to))
        self.deadband.setText(editable_number(term.deadband) if term.deadband else "")
        self.over.setText(editable_number(term.over_s))
        self.set_point.setText("" if term.from_value is None else editable_number(term.from_value))
        self._fit()

    def _fill_tags(self, tag: str) -> None:
        with QSignalBlocker(self.tag):
            self.tag.clear()
            for sensor in self._choices.sensors:
                self.tag.addItem(sensor.label, sensor.tag)
            if self._choices.sensor(tag) is None:
                self.tag.addItem(f"{tag} (not there)", tag)
            self.tag.setCurrentIndex(max(self.tag.findData(tag), 0))

    def _fill_sources(self, chosen: tuple[str, str]) -> None:
        """Set point, sister pumps, then other tags in the same unit."""
        own = self.sensor
        offered = [((SET_POINT, ""), "a set point"), *(((SISTER, p), f"that of {p}") for p in self._choices.pumps)]
        others = [s for s in self._choices.sensors if own is not None and s.unit == own.unit and s.tag != own.tag]
        offered += [((TAG, sensor.tag), sensor.label) for sensor in others]
        keys = [key for key, _ in offered]
        with QSignalBlocker(self.source):
            self.source.clear()
            for key, words in offered:
                self.source.addItem(words, key)
            if chosen not in keys:
                self.source.addItem(f"{chosen[1]} (not there)", chosen)
                keys.append(chosen)
            self.source.setCurrentIndex(keys.index(chosen))

    def _turn(self) -> None:
        chosen = self.source.currentData() or (SET_POINT, "")
        if chosen[0] == TAG and self.sensor is not None:
            other = self._choices.sensor(chosen[1])
            if other is not None and other.unit != self.sensor.unit:
                chosen = SET_POINT, ""  # of another unit than the tag that was chosen now
        self._fill_sources(chosen)
        self._fit()
        self.edited.emit()

    def _fit(self) -> None:
        """Show the fields that this kind of term has."""
        measure, kind = self.measure.currentData(), (self.source.currentData() or (SET_POINT, ""))[0]
        is_deviation, is_band = measure is Measure.DEVIATION, self.comparison.currentData() is Comparison.OUTSIDE
        shown: Mapping[QWidget, bool] = {
            self._over_words: measure is Measure.RATE, self.over: measure is Measure.RATE,
            self._from_words: is_deviation, self.source: is_deviation,
            self.set_point: is_deviation and kind == SET_POINT, self._to_words: is_band, self.to: is_band,
        }  # fmt: skip
        for widget, on in shown.items():
            widget.setVisible(on)
        sensor = self._units.sensor(self.sensor) if self.sensor is not None else None
        self._unit.setText(measured_unit(measure, sensor))
