"""Pictures of every page."""

from pathlib import Path

from PySide6.QtWidgets import QApplication

from pumpwatch_gui.gui.shell.main_window import MainWindow


def snapshot_pages(window: MainWindow, out: Path, *, suffix: str = "") -> list[Path]:
    """Write every page of a shown window as `KEY<suffix>.png` into `out`; the Pump page turns to the worst alarm.

    Returns the paths in the order of the navigation bar. Raises OSError when a picture cannot be written.
    """
    out.mkdir(parents=True, exist_ok=True)
    before = window.current
    written = []
    alarms = window.context.station.latest().alarms
    for key in window.pages:
        window.open_page(key, alarms[0].pump_id if alarms else "")
        for _ in range(2):  # the first pass lays out, the second paints what the new sizes made visible
            QApplication.sendPostedEvents()
            window.refresh()
        path = out / f"{key}{suffix}.png"
        if not window.grab().save(str(path)):
            raise OSError(f"{path} cannot be written")
        written.append(path)
    window.open_page(before or window.pages[0])
    return written
