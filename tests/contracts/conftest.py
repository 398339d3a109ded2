"""The server that stations and histories are seen through."""

from tests.sync.conftest import accounts, central

__all__ = ["accounts", "central"]
