"""How a viewer calls the pumps of several stations: two of them may have a P-101 each."""

from collections.abc import Mapping
from dataclasses import dataclass, field

KEY_BITS = 10
"""A station is in the last ten bits of a key of the journal, as the server makes it."""


@dataclass(frozen=True, slots=True)
class Names:
    """The stations by number, each with its name. With one alone its pumps keep their ids, else they get its number."""

    stations: Mapping[int, str] = field(default_factory=dict)

    @property
    def are_many(self) -> bool:
        """Whether pumps need the number of their station."""
        return len(self.stations) > 1

    def shown(self, station: int, name: str) -> str:
        """The id by which a viewer knows a pump, a link, an alarm or an event of a station; "" stays so."""
        return f"{station}-{name}" if name and self.are_many else name

    def split(self, pump_id: str) -> tuple[int, str] | None:
        """The station and the id there of a pump as a viewer knows it; None when it is of none of them."""
        if not self.are_many:
            return next(((number, pump_id) for number in self.stations), None)
        number, dash, own = pump_id.partition("-")
        return (int(number), own) if dash and number.isdigit() and int(number) in self.stations else None
