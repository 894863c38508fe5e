from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import pytest
from litestar import Request

from penstock.kit import errors, http

pytestmark = pytest.mark.anyio


def query(text: bytes) -> list[tuple[str, str]]:
    scope: Any = {"type": "http", "query_string": text}
    return http.query(Request(scope))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a=1",
        "a=1&a=2&b=",
        "a",
        "a&b",
        "&&a=1&&",
        "=1",
        "a==b=c",
        "a=%20+%C3%A9",
        "a+b=1",
        "a;b=1",
        "a=1;b=2",
    ],
)
def test_parameters_are_read_as_the_standard_library_reads_them(text: str) -> None:
    assert query(text.encode()) == parse_qsl(text, keep_blank_values=True, errors="strict")


@pytest.mark.parametrize(
    "text", [b"a=%FF", b"a=\xff", b"&".join([b"a=1"] * 1001), b"&".join([b"a=%31"] * 1001)]
)
def test_what_is_no_query_is_refused(text: bytes) -> None:
    with pytest.raises(errors.BadRequest):
        query(text)


async def test_a_finished_answer() -> None:
    messages: list[Any] = []

    async def send(message: Any) -> None:
        messages.append(message)

    await http.raw_json(b'{"a":1}', 201, {"ETag": '"7"'})({}, None, send)  # type: ignore[arg-type]
    start, body = messages
    assert start["status"] == 201
    assert dict(start["headers"]) == {
        b"content-type": b"application/json",
        b"content-length": b"7",
        b"etag": b'"7"',
    }
    assert body == {"type": "http.response.body", "body": b'{"a":1}', "more_body": False}
