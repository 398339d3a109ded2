"""A look at the stations of a server: who asks, and with which secrets."""

import os
from typing import TYPE_CHECKING

from pumpwatch_gui.domain.errors import InputError
from pumpwatch_gui.domain.sync import SyncSettings
from pumpwatch_gui.files.home import Home
from pumpwatch_gui.settings.sync_table import address_mistake

if TYPE_CHECKING:
    from pumpwatch_gui.stations.remote.station import RemoteStation
    from pumpwatch_gui.sync.secrets import SyncSecrets


ACCOUNT = "PUMPWATCH_SYNC_ACCOUNT"


def server_settings(server: str, auth_url: str, account: str) -> SyncSettings:
    """Which server and account are meant; "" is the account that the environment names.

    Raises InputError for an address that is none, and where no account is named.
    """
    account = account or os.environ.get(ACCOUNT, "")
    if not account:
        raise InputError("no account is named that reads the server", f"give --account NAME, or set {ACCOUNT}")
    for option, text in (("--server", server), ("--auth-url", auth_url)):
        if text and (mistake := address_mistake(text)):
            raise InputError(f"{option} {mistake[0]}", mistake[1])
    return SyncSettings(server.rstrip("/"), account, auth_url.rstrip("/"))


def open_view(server: str, auth_url: str, account: str, home: Home) -> "RemoteStation":
    """The stations that an account may see. Nothing is asked of the server yet.

    Raises InputError for an address that is none and without a password.
    """
    from pumpwatch_gui.stations.remote.station import RemoteStation

    return RemoteStation(server_settings(server, auth_url, account), server_secrets(home))


def server_secrets(home: Home) -> "SyncSecrets":
    """The key and the password, from where they may be kept. Raises InputError without a password."""
    from pumpwatch_gui.sync.secrets import find_secrets

    return find_secrets(home.path)
