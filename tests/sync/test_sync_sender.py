"""Requests grow where the server is quick, stay as they are where it is slow, and are halved where it wants less."""

import time
from collections.abc import Mapping, Sequence
from typing import cast

import pytest

from pumpwatch_gui.domain.sync import SyncStream
from pumpwatch_gui.store.query.outgoing import ServerRow
from pumpwatch_gui.sync.rest import Fault, Rest, RestError
from pumpwatch_gui.sync.sender import FIRST_ROWS, MOST_ROWS, Sender


class Server:
    """Takes at most `limit` rows a request, each within `took_s` by the clock of the test."""

    def __init__(self, clock: list[float], *, took_s: float = 0.1, limit: int = 10**6) -> None:
        self._clock, self.took_s, self.limit = clock, took_s, limit
        self.taken: list[int] = []
        self.ids: list[object] = []

    def post(self, table: str, rows: Sequence[Mapping[str, object]], *, key: str, is_merge: bool) -> None:
        self._clock[0] += self.took_s
        if len(rows) > self.limit:
            raise RestError(Fault.SMALLER, "less")
        self.taken.append(len(rows))
        self.ids += [row["id"] for row in rows]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def send(server: Server, count: int) -> None:
    made = Sender(cast(Rest, server), lambda: None)
    rows: list[ServerRow] = [{"station_id": 7, "id": i} for i in range(count)]
    assert made.send(SyncStream.AUDIT, rows) == []
    assert server.ids == list(range(count))  # every row once, in their order


def test_requests_grow_where_the_server_is_quick(clock: list[float]) -> None:
    server = Server(clock)
    send(server, 20_000)
    assert server.taken[:9] == [FIRST_ROWS] * 4 + [2 * FIRST_ROWS] * 4 + [MOST_ROWS]
    assert max(server.taken) == MOST_ROWS


def test_they_stay_as_they_are_where_it_is_slow(clock: list[float]) -> None:
    server = Server(clock, took_s=1.5)
    send(server, 10_000)
    assert set(server.taken) == {FIRST_ROWS}


def test_they_are_halved_where_it_wants_less(clock: list[float]) -> None:
    server = Server(clock, limit=100)
    send(server, 2_000)
    assert max(server.taken) <= 100
