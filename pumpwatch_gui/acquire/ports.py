"""Serial ports of this machine."""


def serial_ports() -> list[str]:
    """Device names, sorted (the system's order is not fixed). Pseudo-terminals and symbolic links are not listed."""
    from serial.tools import list_ports

    return sorted(port.device for port in list_ports.comports())
