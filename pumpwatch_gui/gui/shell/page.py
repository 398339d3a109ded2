"""What a page is, and what it may use."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

from PySide6.QtWidgets import QWidget

from pumpwatch_gui.acquire.links.traffic import Traffic
from pumpwatch_gui.domain.commands import Command
from pumpwatch_gui.domain.display import LastGood
from pumpwatch_gui.domain.events import Event
from pumpwatch_gui.domain.links.config import DriverConfig
from pumpwatch_gui.domain.site import Site
from pumpwatch_gui.domain.station import StationView
from pumpwatch_gui.domain.values.trace import Trace
from pumpwatch_gui.engine.model_lifecycle import ShadowView
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.gui.look.theme import Appearance
from pumpwatch_gui.infer.bundles.registry import ModelRegistry
from pumpwatch_gui.store.query.history import History


class Source(Protocol):
    """The engine as the screens see it: values are sampled, events delivered, orders submitted."""

    site: Site
    history: History
    registry: ModelRegistry

    def latest(self) -> StationView:
        """The station now; cheap."""

    def trace(self, pump_id: str, since_s: float = 0.0) -> Trace:
        """The recent frames of a pump. Raises KeyError."""

    def shadow(self, pump_id: str) -> ShadowView | None:
        """What the shadow model of a pump has found, None when there is none."""

    def submit(self, command: Command) -> None:
        """Hand in an order; its outcome comes as an event."""

    def apply(self, site: Site) -> None:
        """Go over to a changed site, live."""

    def listen(self, callback: Callable[[Event], None]) -> Callable[[], None]:
        """Have every event delivered; returns what ends it."""

    def traffic(self, link_id: str) -> Traffic:
        """Watch what goes over a link until its `close`."""

    def read_block(self, link_id: str, table: str, address: int, count: int) -> "Future[Sequence[int]]":
        """Read any block of a running link between two of its beats."""

    def identify(self, link_id: str) -> "Future[Mapping[str, str]]":
        """What the device of a running link says about itself."""


class Ask(Protocol):
    """Runs a slow read off the GUI thread and hands its result back on it."""

    def __call__(
        self,
        function: Callable[[], Any],
        on_result: Callable[[Any], None],
        on_error: Callable[[Exception], None] | None = None,
    ) -> None:
        """Exactly one of the two is called, later, on the GUI thread (neither when the window closed meanwhile)."""


@dataclass
class PageContext:
    """What every page and dialog is handed: the source of values, the look, the ways to elsewhere.

    `open_page(key, pump_id)` and `open_dialog(key, pump_id)` change the screen; `dialogs` names those that exist,
    so that no page shows a button that leads nowhere. `user` signs acknowledgements. `last_good` knows when each
    value was last good. `proposed` is a link that a scan has found, for the dialog that adds a pump.
    """

    source: Source
    home: Home
    site_file: Path
    appearance: Appearance
    ask: Ask
    user: str
    open_page: Callable[[str, str], None]
    open_dialog: Callable[[str, str], None]
    dialogs: frozenset[str] = frozenset()
    last_good: LastGood = field(default_factory=LastGood)
    proposed: DriverConfig | None = None


class Page(QWidget):
    """Base of every page. `key` names it in `PAGES`, in links and as `resources/help/KEY.md`."""

    key: ClassVar[str]

    def __init__(self, context: PageContext) -> None:
        super().__init__()
        self.context = context
        self.appearance = context.appearance

    def refresh(self, view: StationView) -> None:
        """Show the station as it is now. Called up to 20 times a second, only while the page is visible."""

    def on_event(self, event: Event) -> None:
        """An event happened. Called for every one, visible or not."""

    def show_pump(self, pump_id: str) -> None:
        """Turn to this pump, where the page is about one."""
