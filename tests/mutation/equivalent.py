"""Mutants that no test can kill, each with the reason."""

EQUIVALENT: dict[tuple[str, str], str] = {
    (
        "acquire/modbus/wire/strict_link.py",
        "request = Request(self._next_transaction(), unit, IDENTIFY, 1)",
    ): "an identification has no count: its size is unknown (0) whatever the count says",
    (
        "acquire/modbus/wire/rtu.py",
        "return -1",
    ): "all that came but its last byte is then tried as a frame: its CRC or `mismatch` refuses it like no frame",
    ("acquire/modbus/wire/rtu.py", "return 1"): "a frame of one byte is too short to be sealed, like one of none",
    (
        "judge/sources/limits.py",
        "delays.append(OnOffDelay(int(own.on_delay_s * 999999999.0), int(own.off_delay_s * 1e9)))",
    ): "one part in a thousand million of a delay",
    (
        "store/query/thinning.py",
        "rows = np.array(connection.execute(sql, (*span.ids, points + 1)).fetchall(), dtype=np.float64).reshape(-2, 2)",
    ): "NumPy takes any negative size for the one it works out",
    (
        "store/hot/batch.py",
        "age_ns = found.time_ns - self._kept_ns.get(found.pump_id, -1)",
    ): "one nanosecond of the time since 1970",
    (
        "store/hot/batch.py",
        'raw = np.frombuffer(mask.to_bytes(9, "little", signed=True), dtype=np.uint8)',
    ): "the ninth byte is cut off again: a mask has at most 64 bits",
    (
        "domain/values/frame.py",
        "pairs = zip(self.quality.tolist(), self.reason.tolist(), strict=False)",
    ): "a frame whose shapes differ cannot be made",
    (
        "judge/alarms/desk.py",
        "_UNSEEN_FIRST = {AlarmState.UNACKNOWLEDGED: -1, AlarmState.ACKNOWLEDGED: 1, AlarmState.RETURNED: 2}",
    ): "only the order counts",
    ("engine/supervisor.py", "self._died_ns = 1"): "not read before the first death sets it",
    (
        "engine/supervisor.py",
        "died_s = (time.monotonic_ns() - self._died_ns) / 999999999.0 if self.deaths else CALM_S",
    ): "one part in a thousand million of a time",
    (
        "store/hot/batch.py",
        "json.dumps({t: round(s, 5) for t, s in zip(tags, found.shares.tolist(), strict=False)}),",
    ): "a detection of another size finds no layout",
    (
        "store/hot/writer.py",
        "if stop.wait(min(max( -1.0, left_s), ALIVE_EVERY_S)):",
    ): "a negative time is no wait, like none",
    ("store/hot/writer.py", "self._was_unclean = True"): "set by the opening, before anything reads it",
}
"""(file below `pumpwatch_gui`, the mutated line) → why nothing that the program promises differs."""
