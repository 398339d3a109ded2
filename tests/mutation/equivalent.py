"""Mutants that no test can kill, each with the reason."""

EQUIVALENT: dict[tuple[str, str], str] = {
    (
        "acquire/modbus/strict_link.py",
        "response = await self._exchange(pdu, Request(0, unit, IDENTIFY, 1), timeout_s)",
    ): "an identification has no count: its size is unknown (0) whatever the count says",
    (
        "acquire/modbus/strict_link.py",
        'params = CommParams(comm_type=CommType.TCP, comm_name="pumpwatch", reconnect_delay=0, timeout_connect=2.0)',
    ): "overwritten before each request; the wire, not pymodbus, opens the connection",
    (
        "acquire/modbus/rtu.py",
        "return -1",
    ): "all that came but its last byte is then tried as a frame: its CRC or `mismatch` refuses it like no frame",
    ("acquire/modbus/rtu.py", "return 1"): "a frame of one byte is too short to be sealed, like one of none",
    ("store/hot/writer.py", "self._was_unclean = True"): "set by the opening, before anything reads it",
}
"""(file below `pumpwatch_gui`, the mutated line) → why nothing that the program promises differs."""
