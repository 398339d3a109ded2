"""A Modbus TCP device with one habit that people report of real ones, for the cases."""

import asyncio
import json
import struct
import sys
import time
from collections.abc import Mapping

from pumpwatch_gui.acquire.modbus.wire.rtu import sealed


class CaseDevice:
    """Serves `registers` (holding) until killed. `habits`: name → value; see the `if` of each."""

    def __init__(self, registers: Mapping[int, int], habits: Mapping[str, float]) -> None:
        self._held, self._habits = dict(registers), habits
        self._responded_s = 0.0
        self.requests: list[tuple[int, int]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        size = 8 if "rtu" in self._habits else 12
        try:
            while True:
                request = await reader.readexactly(size)
                print(*struct.unpack(">HH", request[2:6] if size == 8 else request[8:12]), flush=True)
                response = await self._respond(request)
                step = 8 if "pieces_s" in self._habits else len(response) or 1
                for at in range(0, len(response), step):
                    writer.write(response[at : at + step])
                    await writer.drain()
                    await asyncio.sleep(self._habits.get("pieces_s", 0.0))
                self._responded_s = time.monotonic() if response else self._responded_s
                if "hangs_up" in self._habits:
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    async def _respond(self, request: bytes) -> bytes:
        habits = self._habits
        is_rtu = "rtu" in habits
        head, body = (b"", request[:6]) if is_rtu else (request[:4], request[6:])
        unit, function, address, count = struct.unpack(">BBHH", body)
        if time.monotonic() - self._responded_s < habits.get("pause_s", 0.0):
            return b""
        await asyncio.sleep(habits.get("takes_s", 0.0))
        pdu = self._pdu(function, address, count)
        if not pdu or is_rtu:
            return sealed(unit, pdu) if pdu else b""
        return head + struct.pack(">HB", len(pdu) + 1 + ("length_too_high" in habits), unit) + pdu

    def _pdu(self, function: int, address: int, count: int) -> bytes:
        habits = self._habits
        if count > habits.get("most", 125.0):
            return bytes((function | 0x80, 3)) if "refuses" in habits else b""
        asked = range(address, address + count)
        if "leaves_out" in habits and address in self._held:  # what follows a hole comes early
            found = sorted(a for a in self._held if a >= address)[:count]
            values = [self._value(a) for a in found] + [0] * (count - len(found))
        elif function != 3 or any(a not in self._held for a in asked):
            return b"" if "silent" in habits else bytes((function | 0x80, 2))
        else:
            values = [self._value(a) for a in asked]
        if "four_bytes" in habits:
            return bytes((function, 4 * count % 256)) + struct.pack(f">{count}I", *values)
        return bytes((function, 2 * count)) + struct.pack(f">{count}H", *values)

    def _value(self, address: int) -> int:
        """The last digit moves, unless the device is frozen."""
        moves = 0 if "frozen" in self._habits else int(2 * time.monotonic()) % 3
        return self._held[address] + moves


async def main(registers: Mapping[int, int], habits: Mapping[str, float]) -> None:
    """Serve for ever; the port is the first line that is printed, each request (address, count) one more."""
    device = CaseDevice(registers, habits)
    server = await asyncio.start_server(device.serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main({int(a): v for a, v in json.loads(sys.argv[1]).items()}, json.loads(sys.argv[2])))
