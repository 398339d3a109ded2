"""The description of the gateway: an OpenAPI document, and a page of it that needs nothing of the Internet."""

from dataclasses import dataclass
from html import escape

from pumpwatch_gui.domain.gateway import Scope
from pumpwatch_gui.domain.pump.profile import STANDARD_TAGS
from pumpwatch_gui.share.gateway.documents import ORIGINAL_KEYS, JsonObject

STREAM, TICKET = "/events", "/api/stream-ticket"
_PUMP = ("pump", "id of a pump, as P-101")
_SPAN = (("from", "ISO 8601 with an offset, or Unix seconds"), ("to", "as from; without it: now"),
         ("limit", "rows of the response, the newest, 1 to 5000 (100)"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One row of the table of endpoints: what people read of it. `scope` None: no key is needed."""

    path: str
    method: str
    scope: Scope | None
    words: str
    query: tuple[tuple[str, str], ...] = ()
    produces: str = "application/json"


ENDPOINTS = (
    Endpoint("/api/ingest", "POST", Scope.INGEST, "Values of a pump that has a link rest-ingest.", (_PUMP,)),
    Endpoint("/api/live-data", "GET", Scope.READ, "The newest values, score and alarms, of one pump or all.", (_PUMP,)),
    Endpoint("/api/sensor-history", "GET", Scope.READ, "Stored readings of a pump, oldest first.", (_PUMP, *_SPAN)),
    Endpoint("/api/anomaly-history", "GET", Scope.READ, "Stored detections that are anomalies.",
             (_PUMP, *_SPAN, ("every", "1: also windows without an anomaly"))),
    Endpoint("/api/maintenance-events", "GET", Scope.READ, "Maintenance events by risk, the open ones first.",
             (_PUMP, ("resolved", "true or false; without it: both"))),
    Endpoint("/api/system-health", "GET", Scope.READ, "How the program itself is doing."),
    Endpoint("/api/start-simulation", "POST", Scope.INGEST, "Which pumps play a recording, as they do by themselves."),
    Endpoint(STREAM, "GET", Scope.READ, "Server-sent events: values, alarm, event, gap. With Last-Event-ID also what "
             "happened since that one.", (_PUMP, ("ticket", f"in place of a key: see {TICKET}")), "text/event-stream"),
    Endpoint(TICKET, "GET", Scope.READ, "A ticket for the stream, for a browser: it is good for an hour."),
    Endpoint("/metrics", "GET", Scope.READ, "Metrics for Prometheus.", (), "text/plain"),
    Endpoint("/health", "GET", None, "200 while every loop turns, else 503: for a service manager."),
    Endpoint("/openapi.json", "GET", None, "This description as OpenAPI 3.1."),
    Endpoint("/docs", "GET", None, "This description as a page.", (), "text/html"),
)  # fmt: skip


def openapi_document() -> JsonObject:
    """The description as OpenAPI 3.1."""
    paths: JsonObject = {}
    for end in ENDPOINTS:
        operation: JsonObject = {
            "summary": end.words,
            "parameters": [
                {"name": name, "in": "query", "required": False, "description": words, "schema": {"type": "string"}}
                for name, words in end.query
            ],
            "responses": {
                "202" if end.path == "/api/ingest" else "200": {"description": "done", "content": {end.produces: {}}},
                "4XX": {"description": "refused: `error` says why, `advice` what to do", "content": _ERROR},
            },
            "security": [{"key": []}, {"header": []}] if end.scope else [],
        }
        if end.path == "/api/ingest":
            operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": _POST}}}
        paths[end.path] = {end.method.lower(): operation}
    return {
        "openapi": "3.1.0",
        "info": {"title": "PumpWatch gateway", "version": "1"},
        "paths": paths,
        "components": {
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer"},
                "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            }
        },
    }


_ERROR = {
    "application/json": {
        "schema": {"type": "object", "properties": {"error": {"type": "string"}, "advice": {"type": "string"}}}
    }
}
_POST = {
    "type": "object",
    "properties": {
        **{ORIGINAL_KEYS[tag]: {"type": ["number", "null"]} for tag in STANDARD_TAGS},
        "pump_id": {"type": "string"},
        "timestamp": {"description": "ISO 8601 with an offset, or Unix seconds"},
    },
    "additionalProperties": True,
}


def page() -> str:
    """The description as a page."""
    rows = "".join(
        f"<tr><td>{end.method}</td><td><code>{escape(end.path)}</code></td>"
        f"<td>{end.scope.value if end.scope else '–'}</td><td>{escape(end.words)}</td>"
        f"<td>{'<br>'.join(f'<code>{escape(name)}</code> {escape(words)}' for name, words in end.query)}</td></tr>"
        for end in ENDPOINTS
    )
    return _PAGE.replace("ROWS", rows)


_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>PumpWatch gateway</title>
<meta name="viewport" content="width=device-width"><style>
:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem}
table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #8886;padding:.4rem .6rem;text-align:left;
vertical-align:top}pre{background:#8882;padding:.8rem;overflow:auto}</style></head><body><h1>PumpWatch gateway</h1>
<p>Send the key as <code>Authorization: Bearer KEY</code> or <code>X-API-Key: KEY</code>. A refusal is JSON with
<code>error</code> and <code>advice</code>. The same as <a href="openapi.json">OpenAPI</a>.</p>
<table><tr><th>Method</th><th>Path</th><th>Scope</th><th>What</th><th>Query</th></tr>ROWS</table>
<pre>curl -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \\
  -d '{"Motor_RPM": 1480, "Bearing_Temperature_C": 72.5}' "http://127.0.0.1:8765/api/ingest?pump=P-101"</pre>
</body></html>"""
