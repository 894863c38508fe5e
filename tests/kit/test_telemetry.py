"""Logs and traces."""

from __future__ import annotations

import http.server
import json
import logging
import subprocess
import sys
import threading

LOG = """
import logging, structlog
from penstock.kit.telemetry import configure_logs
configure_logs("info", "{form}")
structlog.contextvars.bind_contextvars(request_id="r-1")
log = structlog.get_logger()
log.debug("hidden")
log.info("seen", number=1)
logging.getLogger("some.library").info("hidden")
logging.getLogger("some.library").warning("careful %s", "now")
secret = "a local variable"
try:
    raise RuntimeError("broken")
except RuntimeError:
    log.exception("failed")
"""

TRACE = """
from penstock.kit import telemetry
assert telemetry.can_trace()
telemetry.configure_traces("http://127.0.0.1:{port}/v1/traces", "1.0")
with telemetry.span("GET /things", status=200):
    pass
trace = "0af7651916cd43dd8448eb211c80319c"
caller = {{"traceparent": f"00-{{trace}}-b7ad6b7169203331-01", "tracestate": "a=b"}}
with telemetry.span("GET /continued", caller) as span:
    assert f"{{span.get_span_context().trace_id:032x}}" == trace
    assert f"{{span.parent.span_id:016x}}" == "b7ad6b7169203331"
for odd in ("", "00-0-0-01", "x" * 9000, f"00-{{'0' * 32}}-b7ad6b7169203331-01"):
    with telemetry.span("GET /odd", {{"traceparent": odd}}) as span:
        assert span.parent is None
telemetry.stop_traces()
"""


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == ""
    return done.stderr


def test_json_lines() -> None:
    seen, careful, failed = map(json.loads, run(LOG.format(form="json")).splitlines())
    assert (seen["event"], seen["number"], seen["request_id"], seen["level"]) == ("seen", 1, "r-1", "info")
    assert seen["timestamp"].endswith("Z")
    assert (careful["event"], careful["level"], careful["logger"]) == (
        "careful now",
        "warning",
        "some.library",
    )
    assert "RuntimeError: broken" in failed["exception"]
    assert "a local variable" not in failed["exception"]


def test_for_reading() -> None:
    text = run(LOG.format(form="console"))
    assert "seen" in text
    assert "hidden" not in text
    assert "RuntimeError: broken" in text
    assert "a local variable" not in text


def test_spans_are_sent() -> None:
    received: list[tuple[str, bytes]] = []

    class Collector(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            logging.getLogger(__name__).debug("a request")

    with http.server.HTTPServer(("127.0.0.1", 0), Collector) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        run(TRACE.format(port=server.server_port))
        server.shutdown()
    assert received
    path, body = received[0]
    assert path == "/v1/traces"
    # The exporter compresses only when asked to, so names are readable in the protobuf message.
    assert b"GET /things" in body
    assert b"penstock" in body
