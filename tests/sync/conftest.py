"""One server a test process: rows of different tests are of different stations."""

from collections.abc import Iterator

import pytest

from pumpwatch_gui.bench.rigs.accounts import Accounts
from pumpwatch_gui.bench.rigs.central import Central, central_server, missing
from pumpwatch_gui.sync import worker

NEEDED = missing()
needs_server = pytest.mark.skipif(bool(NEEDED), reason=f"not installed: {NEEDED}")


@pytest.fixture(autouse=True)
def _without_long_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "FIRST_PAUSE_S", 0.1)
    monkeypatch.setattr(worker, "LONGEST_PAUSE_S", 1.0)
    monkeypatch.setattr(worker, "LOOK_EVERY_S", 0.1)


@pytest.fixture(scope="session")
def central() -> Iterator[Central]:
    with central_server() as server:
        yield server


@pytest.fixture(scope="session")
def accounts(central: Central) -> Iterator[Accounts]:
    with Accounts().serving() as served:
        yield served
