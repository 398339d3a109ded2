"""A real engine and its window on a site file, and a Modbus server of another library behind it."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pyModbusTCP.server import ModbusServer
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication

from pumpwatch_gui.domain.site import Site
from pumpwatch_gui.engine import Engine
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.gui.shell.main_window import MainWindow
from pumpwatch_gui.gui.shell.threads import EngineHost
from pumpwatch_gui.settings.site_reader import load_site

FLOW = struct.unpack(">2H", struct.pack(">f", 1452.0))
HEALTHY = (14790, 648, 421, 231, *FLOW, 179, 648, 279, 581, 246, 7)
"""What the map `generic` reads of a healthy pump, and a counter."""


@dataclass
class Running:
    """The parts of a running station."""

    window: MainWindow
    engine: Engine
    folder: Path

    @property
    def site_file(self) -> Path:
        """Where the site is saved."""
        return self.folder / "site.toml"

    def saved(self) -> Site:
        """The site as the file has it now; it has no mistakes."""
        loaded = load_site(self.site_file)
        assert loaded.problems == ()
        return loaded.site

    def value(self, tag: str, pump_id: str = "P-101") -> float:
        """What the station believes now; NaN when nothing."""
        view = next((p for p in self.engine.latest().pumps if p.pump_id == pump_id), None)
        if view is None or view.frame is None:
            return float("nan")
        return float(view.frame.values[view.profile.index(tag)])


@contextmanager
def served() -> Iterator[tuple[ModbusServer, int]]:
    """A server of another library and its port; its holding registers are those of a healthy pump."""
    server = ModbusServer("127.0.0.1", 0, no_block=True)
    server.start()
    server.data_bank.set_holding_registers(0, list(HEALTHY))
    try:
        yield server, server._service.socket.getsockname()[1]
    finally:
        server.stop()


@contextmanager
def running(folder: Path, site_text: str = "") -> Iterator[Running]:
    """The station of a site file (none: an empty one) with every loop under way and its window sampling."""
    home = Home(folder)
    home.prepare()
    site_file = folder / "site.toml"
    if site_text:
        site_file.write_text(site_text, "utf-8")
    site = load_site(site_file).site if site_text else Site(folder=folder)
    engine = Engine(site, home, site_file=site_file)
    host = EngineHost(engine)
    window = MainWindow(engine, home, site_file, ask=host.ask)
    host.happened.connect(window.on_event)
    window.resize(1280, 800)
    host.start()
    window.show()
    window.activateWindow()
    window.start()
    try:
        yield Running(window, engine, folder)
    finally:
        window.close()
        host.stop()
        window.deleteLater()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
