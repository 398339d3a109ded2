"""What a person who helps needs to know about an installation, as text without secrets."""

import os
import platform

from pumpwatch_gui import __version__
from pumpwatch_gui.gui.shell.page import PageContext

PACKAGES = ("PySide6-Essentials", "pyqtgraph", "numpy", "pymodbus", "pyserial", "apsw", "onnxruntime")


def diagnostics(context: PageContext, figures: dict[str, str] | None = None) -> str:
    """Versions, paths, figures and links as plain text."""
    from importlib import metadata  # a megabyte of memory, for a text that is seldom asked for

    lines = [f"PumpWatch {__version__}, Python {platform.python_version()}, {platform.platform()}"]
    lines += [f"{name} {metadata.version(name)}" for name in PACKAGES]
    lines += [f"home {context.home.path}, process {os.getpid()}"]
    lines += [f"{name}: {value}" for name, value in (figures or {}).items()]
    for pump in context.station.latest().pumps:
        for link in pump.links:
            trouble = f": {link.last_error}" if link.last_error else ""
            lines.append(f"{link.link_id} {link.endpoint} {link.state.value}{trouble}")
    return "\n".join(lines) + "\n"
