"""One server a test process: rows of different tests are of different stations."""

from collections.abc import Iterator

import pytest

from tests.sync.servers import Accounts, Central, central_server, missing

NEEDED = missing()
needs_server = pytest.mark.skipif(bool(NEEDED), reason=f"not installed: {NEEDED}")


@pytest.fixture(scope="session")
def central() -> Iterator[Central]:
    with central_server() as server:
        yield server


@pytest.fixture(scope="session")
def accounts(central: Central) -> Iterator[Accounts]:
    with Accounts().serving() as served:
        yield served
