"""What stations that can only be looked at have in common: a review of a history, and a view through a server."""

from collections.abc import Callable

from pumpwatch_gui.domain.commands import Order, OrderId
from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.events import Event
from pumpwatch_gui.domain.ports import Capability, Historian, LinkBrowser, Subscription
from pumpwatch_gui.engine.bus import Bell, EventBus


class ReadOnlyStation:
    """The part of the Station port that asks for nothing: it refuses orders and has no links.

    `what` names the station in a refusal: "a review of a history".
    """

    def __init__(self, history: Historian, *, what: str) -> None:
        self._history, self._what = history, what
        self._bus, self._bell = EventBus(keep=lambda _: None), Bell()

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Nothing but being looked at."""
        return frozenset()

    @property
    def history(self) -> Historian:
        """What is stored."""
        return self._history

    @property
    def links(self) -> LinkBrowser:
        """Raises InputError: there are none."""
        raise InputError(f"{self._what} has no links", "connect to the station itself")

    def subscribe(self, on_event: Callable[[Event], None]) -> Subscription:
        """Have delivered what is seen to happen, and the refusals of orders."""
        return self._bus.subscribe(on_event)

    def watch(self, on_values: Callable[[], None]) -> Subscription:
        """Have `on_values` called whenever there is something else to show."""
        return self._bell.subscribe(on_values)

    def submit(self, order: Order) -> OrderId:
        """Refuse an order."""
        refused = f"this is {self._what}: nothing can be changed here; do it at the station itself"
        self._bus.publish(order.outcome(False, refused), in_journal=False)
        return order.id
