"""Small tools of every route: reading bodies, answering JSON, entity tags."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from typing import Any, TypeVar, cast
from urllib.parse import parse_qsl, quote

import msgspec
from litestar import Request
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send

from penstock.kit import errors
from penstock.kit.context import Context
from penstock.kit.db import Connection

T = TypeVar("T")
AnyRequest = Request[Any, Any, Any]
# Stands for an encoded slash inside a path segment while the router looks at the path; a lone surrogate
# cannot come out of decoding a real path.
SLASH = "\udc2f"
# Where a request carries the handles of its process.
CONTEXT = "penstock.context"
_MOST_PARAMETERS = 1000
_JSON = (b"content-type", b"application/json")
_encoder = msgspec.json.Encoder(decimal_format="number")


def context(request: AnyRequest) -> Context:
    """The handles of the process that answers."""
    return cast("dict[str, Any]", request.scope)[CONTEXT]


async def body(request: AnyRequest) -> bytes:
    """The body, within the limit of the server's settings (413 beyond)."""
    return await request.body()


def stream(request: AnyRequest) -> AsyncIterator[bytes]:
    """The body piece by piece, without a limit: for imports that keep nothing in memory."""
    cast("dict[str, Any]", request.scope)["penstock.unlimited"] = True
    return request.stream()


def allow(request: AnyRequest, seconds: float) -> None:
    """Let this request take longer than others: one that streams takes as long as its data."""
    cast("dict[str, Any]", request.scope)["penstock.seconds"] = seconds


async def parse(request: AnyRequest, kind: type[T]) -> T:
    """The JSON body as `kind`, whatever its content type. Raises `Invalid` naming the field."""
    return decode(await request.body(), kind)


def decode(raw: bytes, kind: type[T]) -> T:
    if not raw.strip():
        raise errors.BadRequest("A JSON body is expected and the request has none.")
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$")
        name = path.rstrip("`").lstrip(".") or _named(message) or "body"
        raise errors.Invalid({name: [message]}) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise errors.BadRequest(f"The body is not valid JSON: {error}.") from error


def segment(request: AnyRequest, name: str) -> str:
    """A path parameter, decoded, an encoded slash included."""
    return str(request.path_params[name]).replace(SLASH, "/")


def address(request: AnyRequest) -> str:
    """The absolute URL of the request without its query, as clients reach it."""
    segments = (quote(part.replace(SLASH, "/"), safe="") for part in request.scope["path"].split("/"))
    return f"{str(request.base_url).rstrip('/')}{'/'.join(segments)}"


def header(request: AnyRequest, name: bytes) -> str | None:
    """The first header of this name (in lower case)."""
    for known, value in request.scope["headers"]:
        if known == name:
            return value.decode("latin-1")
    return None


def query(request: AnyRequest) -> list[tuple[str, str]]:
    """Every query parameter in order, repeated ones included, blank values kept."""
    raw: bytes = request.scope["query_string"]
    if not raw:
        return []
    try:
        text = raw.decode("ascii")
        if "%" not in text and "+" not in text and text.count("&") < _MOST_PARAMETERS:
            return [
                (name, value) for name, _, value in (part.partition("=") for part in text.split("&") if part)
            ]
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_PARAMETERS)
    except (ValueError, UnicodeDecodeError) as error:
        raise errors.BadRequest(
            "The query string is not URL-encoded UTF-8, or has more than 1,000 parameters."
        ) from error


def encode(content: Any) -> bytes:
    """JSON, in which decimals are numbers with all their digits."""
    return _encoder.encode(content)


def json(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> ASGIResponse:
    return raw_json(content if isinstance(content, bytes) else encode(content), status, headers)


def raw_json(content: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> ASGIResponse:
    return _Finished(content, status, headers)


class _Finished(ASGIResponse):
    """A complete JSON body; leaves out what the general class provides for and no answer of ours needs."""

    def __init__(self, content: bytes, status: int, headers: Mapping[str, str] | None) -> None:
        self.body = content
        self.status_code = status
        self._sent = [_JSON, (b"content-length", b"%d" % len(content))]
        if headers:
            self._sent += [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self._sent})
        await send({"type": "http.response.body", "body": self.body, "more_body": False})


def empty(headers: Mapping[str, str] | None = None) -> ASGIResponse:
    """204, no body."""
    return ASGIResponse(status_code=204, headers=dict(headers or {}))


def etag(content: bytes) -> str:
    """A strong entity tag of these bytes."""
    return f'"{hashlib.blake2b(content, digest_size=12).hexdigest()}"'


def require_match(request: AnyRequest, current: str) -> None:
    """Raises `PreconditionFailed` for an `If-Match` that does not name the current tag (RFC 9110, section 13.1.1)."""
    wanted = header(request, b"if-match")
    if wanted is None or wanted.strip() == "*":
        return
    if current not in (tag.strip() for tag in wanted.split(",")):
        raise errors.PreconditionFailed


def not_modified(request: AnyRequest, current: str) -> bool:
    """True when `If-None-Match` names the current tag (weak comparison)."""
    known = header(request, b"if-none-match")
    return known is not None and current in (tag.strip().removeprefix("W/") for tag in known.split(","))


async def transaction(request: AnyRequest) -> AsyncIterator[Connection]:
    """Dependency `conn`: one transaction of the control role, committed when the handler has answered."""
    async with context(request).db.control.transaction() as connection:
        yield connection


def _named(message: str) -> str | None:
    """The field that msgspec quotes in sentences such as: Object missing required field `name`."""
    parts = message.split("`")
    return parts[-2] if len(parts) >= 3 and "field" in message else None
