from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bench.load import Template, over_http
from bench.tools import BenchError

_seen: list[str] = []


class _Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        _seen.append(f"{self.path} {self.headers['X-Key']} {body}")
        self.send_response(200 if self.path.startswith("/good") else 500)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answering) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_built_in_client_sends_random_requests(url: str) -> None:
    template = Template(
        "POST", "/good?a={account}", {"X-Key": "k"}, '{"m":"{moment}","s":"{status}","x":{amount}}'
    )
    found = over_http(url, template, wrk=None, clients=2, seconds=0.5, accounts=1000)
    assert found.requests == len(_seen) > 10
    assert found.rate > 10
    assert found.p99 is not None and found.p50 <= found.p99
    form = r'/good\?a=\d{1,4} k {"m":"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ","s":"(new|paid|sent|back)","x":\d+\.\d\d}'
    assert all(re.fullmatch(form, one) for one in _seen)
    assert len(set(_seen)) > len(_seen) / 2


def test_failures_are_not_counted_as_answers(url: str) -> None:
    with pytest.raises(BenchError, match="failed"):
        over_http(url, Template("POST", "/bad", {}, "{}"), wrk=None, clients=1, seconds=0.2, accounts=1)
