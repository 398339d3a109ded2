"""The endpoints: each admits, responds from the ports alone, and refuses without saying anything of the inside."""

import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import psutil
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from pumpwatch_gui.domain.errors import PumpWatchError
from pumpwatch_gui.domain.gateway import Scope
from pumpwatch_gui.domain.links.config import RestIngestConfig
from pumpwatch_gui.domain.links.inlet import Inlet, PostRefused
from pumpwatch_gui.domain.ports import Station
from pumpwatch_gui.domain.pump.profile import PumpProfile
from pumpwatch_gui.domain.site import PumpSettings, Site
from pumpwatch_gui.share.gateway.admission import Admission, Caller
from pumpwatch_gui.share.gateway.bodies import parse_body, read_body
from pumpwatch_gui.share.gateway.documents import (
    health_document,
    iso,
    live_document,
    maintenance_document,
    pump_document,
)
from pumpwatch_gui.share.gateway.openapi import ENDPOINTS, STREAM, TICKET, openapi_document, page
from pumpwatch_gui.share.gateway.past import HOUR_NS, LONGEST_NS, anomaly_history, sensor_history, stretch_of
from pumpwatch_gui.share.gateway.refusals import Kind, Refusal, Refusals
from pumpwatch_gui.share.gateway.stream import EventId, Streams
from pumpwatch_gui.share.gateway.tickets import make_ticket
from pumpwatch_gui.share.metrics import CONTENT_TYPE, metrics_text

crash_log = logging.getLogger("pumpwatch.crash")
Handler = Callable[[Request, Caller], Awaitable[Response]]
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True, slots=True)
class _Fed:
    """A pump that posts feed."""

    settings: PumpSettings
    link: RestIngestConfig

    @property
    def box(self) -> str:
        return self.link.box_of(self.settings.pump_id)


class Gateway:
    """The endpoints of one station. `app` is the ASGI application; pages of `origins` may read what it says."""

    def __init__(
        self,
        station: Station,
        inlet: Inlet,
        admission: Admission,
        refusals: Refusals,
        streams: Streams,
        origins: Sequence[str] = (),
    ) -> None:
        self._station, self._inlet, self._streams = station, inlet, streams
        self._admission, self._refusals = admission, refusals
        self._process = psutil.Process()
        self._process.cpu_percent()  # the first call has nothing to compare with, and gives 0
        self._known: tuple[Site | None, dict[str, _Fed]] = (None, {})
        handlers: dict[str, Handler] = {
            "/api/ingest": self._ingest,
            "/api/live-data": self._live,
            "/api/sensor-history": self._sensors,
            "/api/anomaly-history": self._anomalies,
            "/api/maintenance-events": self._maintenance,
            "/api/system-health": self._system,
            "/api/start-simulation": self._simulation,
            STREAM: self._events,
            TICKET: self._ticket,
            "/metrics": self._metrics,
            "/health": self._health,
            "/openapi.json": self._openapi,
            "/docs": self._docs,
        }
        routes = [Route(e.path, self._guarded(e.scope, handlers[e.path]), methods=[e.method]) for e in ENDPOINTS]
        # For looking alone: a page may not post, whatever key it has.
        pages = Middleware(
            CORSMiddleware, allow_origins=origins, allow_methods=["GET"], max_age=600,
            allow_headers=["Authorization", "X-API-Key", "Last-Event-ID"],
        )  # fmt: skip
        self.app = Starlette(
            routes=routes, exception_handlers={HTTPException: self._not_there}, middleware=[pages] if origins else []
        )
        self.app.router.redirect_slashes = False

    # ---------------------------------------------------------------- around every endpoint

    def _guarded(self, scope: Scope | None, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def respond(request: Request) -> Response:
            try:
                response = await handler(request, self._admission.admit(request, scope))
            except Refusal as refusal:
                return self._refused(request, refusal)
            except PumpWatchError:  # its words may name files
                crash_log.warning("the gateway could not read the history", exc_info=True)
                return _error(503, "the history cannot be read now", "see the log of the program", {})
            except Exception:  # noqa: BLE001 - per request: its words stay inside, and the gateway goes on
                crash_log.critical("a request to the gateway failed", exc_info=True)
                return _error(500, "the request failed", "see the log of the program", {})
            response.headers.update(_HEADERS)
            return response

        return respond

    def _refused(self, request: Request, refusal: Refusal) -> Response:
        self._refusals.note(refusal, request.client.host if request.client else "an unknown address")
        return _error(refusal.status, refusal.text, refusal.advice, refusal.headers)

    async def _not_there(self, request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 404
        text = "that method is not for this path" if status == 405 else "there is no such path"
        try:
            self._admission.admit(request, None)
        except Refusal as refusal:
            return self._refused(request, refusal)
        return self._refused(request, Refusal(status, Kind.NOT_FOUND, text, "see /docs"))

    # ---------------------------------------------------------------- posting

    async def _ingest(self, request: Request, caller: Caller) -> Response:
        body = parse_body(await read_body(request))
        fed = self._fed(request.query_params.get("pump", "") or body.pump_id, caller)
        post, ignored = body.post(fed.settings.profile.tags)
        try:
            self._inlet.offer(fed.box, post, period_s=fed.link.period_s)
        except PostRefused as refused:
            raise Refusal(409, Kind.TIME, f"timestamp: {refused.message}", refused.advice) from refused
        document = {"status": "accepted", "pump_id": fed.settings.pump_id, "values": len(post.values)}
        return JSONResponse(document | ({"ignored": ignored} if ignored else {}), 202)

    def _fed(self, name: str, caller: Caller) -> _Fed:
        site = self._station.site()
        if self._known[0] is not site:
            found = {
                link.box_of(pump.pump_id): _Fed(pump, link)
                for pump in site.pumps
                for link in pump.links
                if isinstance(link, RestIngestConfig)
            }
            self._known = site, found | {fed.settings.pump_id: fed for fed in found.values()}
        fed = self._known[1].get(name)
        if not name:
            allowed = {f.settings.pump_id: f for f in self._known[1].values() if caller.allows(f.settings.pump_id)}
            if len(allowed) != 1:
                raise Refusal(400, Kind.PUMP, "which pump?", "add ?pump=ID, or use a key that is for one pump")
            return next(iter(allowed.values()))
        if fed is None or not caller.allows(fed.settings.pump_id):
            text = "no pump of that name that this key may feed by posts"
            raise Refusal(
                403, Kind.PUMP, text, 'give the pump a link with driver = "rest-ingest", and the key the pump'
            )
        return fed

    async def _simulation(self, _request: Request, caller: Caller) -> Response:
        playing = [
            pump.pump_id
            for pump in self._station.site().pumps
            if caller.allows(pump.pump_id) and any(link.driver == "replay" for link in pump.links)
        ]
        if not playing:
            text = "no pump of this station plays a recording"
            raise Refusal(
                409, Kind.CONFLICT, text, 'give a pump a link with driver = "replay", or run `pumpwatch demo`'
            )
        return JSONResponse({"status": "running", "message": "recordings are being played", "pumps": playing})

    # ---------------------------------------------------------------- looking

    async def _live(self, request: Request, caller: Caller) -> Response:
        view = self._station.latest()
        if "pump" not in request.query_params:
            return JSONResponse(live_document(view, caller.allows))
        pump_id, _ = self._pump(request, caller)
        return JSONResponse(pump_document(view.pump(pump_id), view.mono_ns))

    async def _sensors(self, request: Request, caller: Caller) -> Response:
        pump_id, profile = self._pump(request, caller)
        stretch = stretch_of(request.query_params, usual_ns=HOUR_NS)
        rows = await run_in_threadpool(sensor_history, self._station.history, pump_id, profile, stretch)
        return JSONResponse({"pump_id": pump_id, "count": len(rows), "readings": rows})

    async def _anomalies(self, request: Request, caller: Caller) -> Response:
        pump_id, _ = self._pump(request, caller)
        stretch = stretch_of(request.query_params, usual_ns=LONGEST_NS)
        every = request.query_params.get("every") == "1"
        rows = await run_in_threadpool(anomaly_history, self._station.history, pump_id, stretch, every=every)
        return JSONResponse({"pump_id": pump_id, "count": len(rows), "anomalies": rows})

    async def _maintenance(self, request: Request, caller: Caller) -> Response:
        only = self._pump(request, caller)[0] if "pump" in request.query_params else ""
        resolved = {"true": True, "false": False}.get(request.query_params.get("resolved", ""))
        rows = [
            maintenance_document(event)
            for event in self._station.latest().maintenance
            if caller.allows(event.pump_id)
            and (not only or event.pump_id == only)
            and (resolved is None or event.is_resolved is resolved)
        ]
        return JSONResponse({"count": len(rows), "events": rows})

    async def _system(self, _request: Request, caller: Caller) -> Response:
        return JSONResponse(health_document(self._station.latest(), caller.allows, self._counts(), self._process))

    async def _events(self, request: Request, caller: Caller) -> Response:
        only = self._pump(request, caller)[0] if "pump" in request.query_params else ""
        after = EventId.parsed(request.headers.get("last-event-id", ""))
        stream = self._streams.open(lambda pump_id: caller.allows(pump_id) and only in ("", pump_id), after)
        return StreamingResponse(stream, media_type="text/event-stream")

    async def _ticket(self, _request: Request, caller: Caller) -> Response:
        if caller.key is None:
            raise Refusal(409, Kind.CONFLICT, "the gateway is open: no ticket is needed", f"read {STREAM} without one")
        ticket, until_s = make_ticket(caller.key, time.time())
        return JSONResponse({"ticket": ticket, "expires": iso(until_s * 10**9)})

    async def _metrics(self, _request: Request, caller: Caller) -> Response:
        text = metrics_text(self._station.latest(), caller.allows, self._counts(), self._process)
        return PlainTextResponse(text, media_type=CONTENT_TYPE)

    async def _health(self, _request: Request, _caller: Caller) -> Response:
        is_whole = not self._station.latest().stopped_loops
        return JSONResponse({"status": "ok" if is_whole else "stopped"}, 200 if is_whole else 503)

    async def _openapi(self, _request: Request, _caller: Caller) -> Response:
        return JSONResponse(openapi_document())

    async def _docs(self, _request: Request, _caller: Caller) -> Response:
        policy = "default-src 'none'; style-src 'unsafe-inline'"
        return HTMLResponse(page(), headers={"Content-Security-Policy": policy})

    def _counts(self) -> dict[str, int]:
        return {kind.value: count for kind, count in self._refusals.counts().items()}

    def _pump(self, request: Request, caller: Caller) -> tuple[str, PumpProfile]:
        """The pump of the query; without one the only one that the key may see. Raises Refusal."""
        pumps = {p.pump_id: p.profile for p in self._station.site().pumps if caller.allows(p.pump_id)}
        name = request.query_params.get("pump", "")
        if not name and len(pumps) == 1:
            return next(iter(pumps.items()))
        if not name:
            raise Refusal(400, Kind.PUMP, "which pump?", "add ?pump=ID")
        if name not in pumps:
            raise Refusal(404, Kind.PUMP, "no pump of that name that this key may see", "see /api/live-data")
        return name, pumps[name]


def _error(status: int, text: str, advice: str, headers: dict[str, str]) -> Response:
    return JSONResponse({"error": text, "advice": advice}, status, headers=_HEADERS | headers)
