"""One measured figure and what it is to be read against."""

from dataclasses import dataclass

from pumpwatch_gui.domain.errors import PumpWatchError


@dataclass(frozen=True, slots=True)
class Figure:
    """A value with its unit, and the reference (a limit to keep or the other way of doing it)."""

    what: str
    value: float
    unit: str
    reference: str = ""

    def line(self) -> str:
        """One row of the printed table."""
        return f"  {self.what:<52} {self.value:>10.4g} {self.unit:<10} {self.reference}"


class NotMeasuredError(PumpWatchError):
    """A benchmark did not measure what it is about; it prints no figure for that."""
