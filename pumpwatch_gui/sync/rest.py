"""Requests to PostgREST as the account of a station. What goes wrong comes out as what to do about it."""

import json
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

import httpx

from pumpwatch_gui.domain.errors import PumpWatchError
from pumpwatch_gui.domain.sync import SyncSettings
from pumpwatch_gui.sync.reasons import reason_of
from pumpwatch_gui.sync.secrets import SyncSecrets

TIMEOUT_S = 5.0
"""Of a request: what takes longer is sent in smaller pieces."""
SQL_ADVICE = "have `pumpwatch server-sql --apply` run on the server"
NOT_LET_IN = (400, 401, 403, 422)
"""With these a server of accounts refuses account, password or key; with others it is in trouble."""
ACCOUNT_ADVICE = "check account, password and key; the password may have been changed"
_MEMBER_ADVICE = "add it to the table `members` of the server with the role collector"
_VIEW_ADVICE = "the viewer goes on by itself when the server is back"
_LINE_ADVICE = "what is to be sent waits in the outbox and goes when the server is back"


class Fault(Enum):
    """What a request that failed asks for."""

    LATER = "try again later"
    SMALLER = "send less at once"
    MONTH = "make the partition of a month"
    COLUMN = "make the column of a sensor"
    ROW = "one of the rows is at fault"


class RestError(PumpWatchError):
    """A request that failed. `message` says it in words; `fault` says what to do."""

    def __init__(self, fault: Fault, message: str, advice: str = "") -> None:
        super().__init__(message, advice)
        self.fault = fault


class Rest:
    """One server and one account. For one thread; `close` it.

    `is_viewer`: it only reads, so nothing waits to be sent where it fails. What takes longer than `timeout_s` fails.
    """

    def __init__(
        self, settings: SyncSettings, secrets: SyncSecrets, *, is_viewer: bool = False, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._settings, self._secrets, self._timeout_s = settings, secrets, timeout_s
        self._line_advice = _VIEW_ADVICE if is_viewer else _LINE_ADVICE
        self._client = httpx.Client(timeout=httpx.Timeout(timeout_s), headers={"apikey": secrets.key})
        self._token = self._renewal = ""

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def post(self, table: str, rows: Sequence[Mapping[str, object]], *, key: str, is_merge: bool) -> None:
        """Insert rows; of those that are there already (by the columns `key`) replace the old or ignore the new.

        All rows have the same keys. Raises RestError.
        """
        wanted = "merge" if is_merge else "ignore"
        headers = {"Prefer": f"resolution={wanted}-duplicates,return=minimal"}
        # Named in the address, PostgREST need not read the body to find the columns: it hands it on to PostgreSQL.
        columns = f"&columns={','.join(rows[0])}" if rows else ""
        response = self._request(f"{table}?on_conflict={key}{columns}", rows, headers)
        if "content-range" not in response.headers:  # a page of the network that wants a person to log in, say
            raise _no_postgrest(self._settings.url)

    def call(self, function: str, arguments: Mapping[str, object]) -> Any:
        """Call a function of the server; what it returned. Raises RestError."""
        response = self._request(f"rpc/{function}", arguments, {})
        try:
            return json.loads(response.content) if response.content else None
        except ValueError as error:
            raise _no_postgrest(self._settings.url) from error

    def _request(self, path: str, content: object, headers: Mapping[str, str]) -> httpx.Response:
        # Whole floats take two characters more, but a NaN is an error here and not on the server.
        body = json.dumps(content, separators=(",", ":"), allow_nan=False).encode()
        if not self._token:
            self._log_in()
        response = self._send(f"{self._settings.rest_url}/{path}", body, headers)
        if response.status_code == httpx.codes.UNAUTHORIZED:  # it has expired: once more, with a new one
            self._log_in()
            response = self._send(f"{self._settings.rest_url}/{path}", body, headers)
        if response.is_success:
            return response
        raise _error_of(response, self._line_advice)

    def _send(self, url: str, body: bytes, headers: Mapping[str, str]) -> httpx.Response:
        own = {"Content-Type": "application/json", **headers}
        if self._token:
            own["Authorization"] = f"Bearer {self._token}"
        try:
            return self._client.post(url, content=body, headers=own)
        except (httpx.ReadTimeout, httpx.WriteTimeout) as error:
            text = f"{self._settings.url} did not answer within {self._timeout_s:g} s"
            raise RestError(Fault.SMALLER, text, self._line_advice) from error
        except httpx.LocalProtocolError as error:  # its text shows the header that cannot be sent, which is a secret
            raise RestError(Fault.LATER, "key or token cannot be sent: they have characters that no header holds",
                            ACCOUNT_ADVICE) from error  # fmt: skip
        except (httpx.TransportError, httpx.InvalidURL) as error:
            text = f"{self._settings.url} cannot be reached: {error or type(error).__name__}"
            raise RestError(Fault.LATER, text, self._line_advice) from error

    def _log_in(self) -> None:
        """Get a token: by the renewal if there is one, else by the password."""
        by_password = ("password", {"email": self._settings.account, "password": self._secrets.password})
        tries = [("refresh_token", {"refresh_token": self._renewal})] if self._renewal else []
        self._token = self._renewal = ""
        text, advice = "", ""
        for grant, content in (*tries, by_password):
            url = f"{self._settings.token_url}?grant_type={grant}"
            response = self._send(url, json.dumps(content).encode(), {})
            if response.is_success:
                said = said_of(response)
                self._token, self._renewal = str(said.get("access_token", "")), str(said.get("refresh_token", ""))
                if self._token:
                    return
            is_refused = response.status_code in NOT_LET_IN
            text = f"{self._settings.account} is not let in" if is_refused else "no token was given"
            text, advice = f"{text} ({_words(response)})", ACCOUNT_ADVICE if is_refused else self._line_advice
        raise RestError(Fault.LATER, text, advice)


def _no_postgrest(url: str) -> RestError:
    return RestError(Fault.LATER, f"{url} answers, but not as PostgREST does", "check url and auth_url")


def said_of(response: httpx.Response) -> Mapping[str, Any]:
    """The object that a response carries; empty where it carries none."""
    try:
        said = response.json()
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def message_of(response: httpx.Response) -> str:
    """What PostgREST or the server of the accounts says in words; "" where it says nothing."""
    said = said_of(response)
    return next((str(said[k]) for k in ("message", "msg", "error_description", "error") if said.get(k)), "")


def _words(response: httpx.Response) -> str:
    said, text = said_of(response), message_of(response)
    code = said.get("code") or said.get("error_code") or response.status_code
    return f"{code}: {text}" if text else f"{code}"


def _error_of(response: httpx.Response, line_advice: str) -> RestError:
    """What a response that is no success asks for. The codes are PostgreSQL's and PostgREST's own."""
    said, words, number = said_of(response), _words(response), response.status_code
    code, text = str(said.get("code", "")), str(said.get("message", ""))
    if number == 413 or code == "57014":
        return RestError(Fault.SMALLER, f"the server wants less at once ({words})", line_advice)
    if code == "23514" and "no partition" in text:
        return RestError(Fault.MONTH, words)
    if code == "PGRST204":
        return RestError(Fault.COLUMN, words, SQL_ADVICE)
    if code == "42501":
        return RestError(Fault.LATER, f"the account may not write for this station ({words})", _MEMBER_ADVICE)
    if number == 401:
        return RestError(Fault.LATER, f"the server does not take the token ({words})", ACCOUNT_ADVICE)
    if number == 404:
        return RestError(Fault.LATER, f"the server has not what is needed ({words})", SQL_ADVICE)
    # Values out of range, not to be represented, against a constraint. Anything else is not of a row.
    if code[:2] in ("22", "23"):
        return RestError(Fault.ROW, reason_of(code, words))
    return RestError(Fault.LATER, f"the server is in trouble ({words})", line_advice)
