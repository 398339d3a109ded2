"""A trial of the connection: one thing after the other that sending needs, each with what to do where it is missing."""

import base64
import json
import time
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime

import httpx

from pumpwatch_gui.domain.sync import SyncCheck, SyncSettings
from pumpwatch_gui.domain.wording import duration
from pumpwatch_gui.sync.rest import ACCOUNT_ADVICE, NOT_LET_IN, SQL_ADVICE, TIMEOUT_S, RestError, message_of, said_of
from pumpwatch_gui.sync.secrets import SyncSecrets
from pumpwatch_gui.sync.worker import check_version

REACHED, POSTGREST, ACCOUNT, SCHEMA, MEMBER, CLOCK = NAMES = (
    "Server", "PostgREST", "Account", "Schema", "Station", "Clock",
)  # fmt: skip
"""What is looked at, in this order."""
CLOCK_S = 30.0
"""A clock may differ by so much. Tokens and the months of the server go by it."""
_ADDRESS = "check the address; for Supabase it is https://PROJECT.supabase.co without a path"


class _Failed(Exception):  # noqa: N818 - the end of the trial, not of the program
    """Nothing further can be tried."""

    def __init__(self, check: SyncCheck) -> None:
        super().__init__(check.words)
        self.check = check


def try_connection(
    settings: SyncSettings, secrets: SyncSecrets, station: int, cancelled: Callable[[], bool] = lambda: False
) -> list[SyncCheck]:
    """Try all that sending for a station number needs. Nothing is written; each request may take some seconds.

    Where something is missing that the rest needs, the rest is not tried; once `cancelled`, nothing further is.
    """
    found: list[SyncCheck] = []
    try:
        with httpx.Client(timeout=TIMEOUT_S, headers={"apikey": secrets.key} if secrets.key else {}) as client:
            for check in _Trial(client, settings, secrets, station).checks():
                found.append(check)
                if cancelled():
                    break
    except _Failed as failed:
        found.append(failed.check)
    tried = {check.name for check in found}
    return [*found, *(SyncCheck(name, None, "not tried") for name in NAMES if name not in tried)]


class _Trial:
    def __init__(self, client: httpx.Client, settings: SyncSettings, secrets: SyncSecrets, station: int) -> None:
        self._client, self._settings, self._secrets, self._station = client, settings, secrets, station
        self._headers: dict[str, str] = {}

    def checks(self) -> Iterator[SyncCheck]:
        version = f"{self._settings.rest_url}/rpc/pumpwatch_version"
        response = self._request(REACHED, self._settings.url, lambda: self._client.post(version, json={}))
        ahead_s = _ahead_s(response)
        yield SyncCheck(REACHED, True, f"{self._settings.url} answers")
        yield _postgrest(response)
        yield self._account()
        said = said_of(
            self._request(SCHEMA, version, lambda: self._client.post(version, json={}, headers=self._headers))
        )
        try:
            check_version(said)
        except RestError as error:
            raise _Failed(SyncCheck(SCHEMA, False, error.message, error.advice)) from error
        yield SyncCheck(SCHEMA, True, f"version {said['version']}")
        yield self._member()
        yield _clock(ahead_s)

    def _request(self, name: str, url: str, send: Callable[[], httpx.Response]) -> httpx.Response:
        try:
            return send()
        except httpx.LocalProtocolError as error:  # its text shows the header that cannot be sent, which is a secret
            words = "the key cannot be sent: it has characters that no header holds"
            raise _Failed(SyncCheck(name, False, words, "copy it again, without a line break")) from error
        except (httpx.TransportError, httpx.InvalidURL) as error:
            advice = "check the address, the network and, with https, the certificate of the server"
            words = f"{url} cannot be reached: {error or type(error).__name__}"
            raise _Failed(SyncCheck(name, False, words, advice)) from error

    def _account(self) -> SyncCheck:
        url, account = f"{self._settings.token_url}?grant_type=password", self._settings.account
        content = {"email": account, "password": self._secrets.password}
        response = self._request(ACCOUNT, self._settings.token_url, lambda: self._client.post(url, json=content))
        token = said_of(response).get("access_token")
        if response.is_success and isinstance(token, str) and token:
            self._headers = {"Authorization": f"Bearer {token}"}
            return SyncCheck(ACCOUNT, True, f"{account} is let in")
        if response.status_code in NOT_LET_IN:
            words = f"{account} is not let in ({_words(response)})"
            raise _Failed(SyncCheck(ACCOUNT, False, words, ACCOUNT_ADVICE))
        advice = "check the address of the accounts; for Supabase it is left out"
        raise _Failed(SyncCheck(ACCOUNT, False, f"no token was given ({_words(response)})", advice))

    def _member(self) -> SyncCheck:
        url = f"{self._settings.rest_url}/members?select=role&station_id=eq.{self._station}"
        response = self._request(MEMBER, url, lambda: self._client.get(url, headers=self._headers))
        try:
            rows = response.json()
        except ValueError:
            rows = None
        if not response.is_success or not isinstance(rows, list):
            raise _Failed(SyncCheck(MEMBER, False, f"the members cannot be read ({_words(response)})", SQL_ADVICE))
        roles = {str(row.get("role", "")) for row in rows if isinstance(row, dict)}
        if "collector" in roles:
            return SyncCheck(MEMBER, True, f"the account may write for station {self._station}")
        who = _subject(self._headers["Authorization"])
        advice = (
            "run on the server: INSERT INTO members (user_id, station_id, role) "
            f"VALUES ('{who}', {self._station}, 'collector')"
        )
        if roles:
            advice = (
                f"run on the server: UPDATE members SET role = 'collector' "
                f"WHERE user_id = '{who}' AND station_id = {self._station}"
            )
        which = f"is {', '.join(sorted(roles))}, not collector," if roles else "is no member"
        return SyncCheck(MEMBER, False, f"the account {which} of station {self._station}", advice)


def _postgrest(response: httpx.Response) -> SyncCheck:
    """Whether what answers is PostgREST: it says so, or gives its own codes, or those of PostgreSQL, with errors."""
    said = said_of(response)
    code = said.get("code")
    if (response.is_success and "version" in said) or (isinstance(code, str) and code):
        if code == "PGRST202":
            raise _Failed(SyncCheck(SCHEMA, False, "the server has no tables of PumpWatch", SQL_ADVICE))
        return SyncCheck(POSTGREST, True, "it is one")
    if response.status_code in (401, 403):
        words = f"the server does not take the key ({_words(response)})"
        raise _Failed(SyncCheck(POSTGREST, False, words, "use the publishable key of the project"))
    raise _Failed(SyncCheck(POSTGREST, False, f"what answers is none ({_words(response)})", _ADDRESS))


def _ahead_s(response: httpx.Response) -> float | None:
    """How far the clock of this computer is ahead of the server's; None where that does not say its time."""
    try:
        at = parsedate_to_datetime(response.headers["date"])
    except (KeyError, ValueError):
        return None
    return time.time() - response.elapsed.total_seconds() / 2 - (at.timestamp() + 0.5)  # it is cut to whole seconds


def _clock(ahead_s: float | None) -> SyncCheck:
    if ahead_s is None:
        return SyncCheck(CLOCK, None, "the server does not say its time")
    if abs(ahead_s) <= 2.0:
        return SyncCheck(CLOCK, True, "as that of the server")
    words = f"{duration(abs(ahead_s))} {'ahead of' if ahead_s > 0 else 'behind'} that of the server"
    if abs(ahead_s) <= CLOCK_S:
        return SyncCheck(CLOCK, True, words)
    return SyncCheck(CLOCK, False, words, "set the clocks by NTP; rows are kept under the time of this computer")


def _words(response: httpx.Response) -> str:
    text = message_of(response)
    return f"{response.status_code}: {text[:200]}" if text else f"HTTP {response.status_code}"


def _subject(authorization: str) -> str:
    """The id of the user whom a token is of."""
    part = authorization.partition(".")[2].partition(".")[0]
    try:
        content = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        return str(content.get("sub", "ID"))
    except (ValueError, AttributeError):
        return "ID"
