"""ONNX Runtime, loaded when it is first needed and kept from sending anything.

Its releases from 1.29 on keep a device id and a record of each program in the user's cache and send them to their
maker. A station of a plant sends nothing out: the switch counts only if it is set before the library is loaded.
"""

import os
from typing import Any


def onnx_runtime() -> Any:
    """The module. Raises ImportError or OSError where it cannot be loaded."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    onnxruntime.disable_telemetry_events()  # Windows has no switch in the environment
    return onnxruntime
