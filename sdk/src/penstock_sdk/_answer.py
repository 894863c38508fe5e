"""Reading what the server answered: a body, a refusal, or nothing at all. Pure: the transport sends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx2
import msgspec

from penstock_sdk import _json
from penstock_sdk._errors import (
    ConfigurationError,
    ConnectionFailedError,
    PenstockError,
    RequestTimeoutError,
    UnexpectedAnswerError,
    error_from_answer,
)
from penstock_sdk._retry import parse_retry_after

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer: decoded body (None when empty) and headers."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    decimals: bool = False

    @property
    def etag(self) -> str | None:
        return self.headers.get("etag")

    def json(self) -> Any:
        """The decoded body. An UnexpectedAnswerError when it is not JSON."""
        if not self.content:
            return None
        try:
            return _json.decode(self.content, decimals=self.decimals)
        except msgspec.DecodeError as error:
            start = self.content[:80].decode("utf-8", "replace")
            raise UnexpectedAnswerError(
                f"The answer is not JSON but starts with {start!r}; is this address a Penstock server?",
                status=self.status,
            ) from error

    def as_type(self, kind: type[T]) -> T:
        """The body as a model, or list of models. An UnexpectedAnswerError when it has another shape."""
        try:
            return msgspec.json.decode(self.content, type=kind)
        except msgspec.MsgspecError as error:
            raise UnexpectedAnswerError(
                f"The answer does not have the expected shape: {error}.", status=self.status
            ) from error


def checked_url(url: str) -> str:
    """`url` without a trailing slash. A ConfigurationError unless it is http(s) with a host."""
    parsed = httpx2.URL(url)
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ConfigurationError(
            f"'{url}' is not an address of a server; write it like http://127.0.0.1:5001."
        )
    return url.rstrip("/")


def refusal(answer: httpx2.Response) -> PenstockError:
    """The exception for an answer that is no success."""
    request_id = answer.headers.get("x-request-id")
    if answer.status_code < 400:
        where = answer.headers.get("location", "elsewhere")
        return UnexpectedAnswerError(
            f"The server redirects to {where}; use that address as base URL.", status=answer.status_code
        )
    try:
        body: object = _json.decode(answer.content)
    except msgspec.DecodeError:
        body = None
    # A page of HTML comes from a proxy and says nothing to a reader of a terminal.
    text = "" if "html" in answer.headers.get("content-type", "") else answer.text
    retry_after = parse_retry_after(answer.headers.get("retry-after"))
    return error_from_answer(
        answer.status_code, body, text=text, request_id=request_id, retry_after=retry_after
    )


def unanswered(error: Exception, base_url: str) -> ConnectionFailedError:
    """The exception for a request that got no answer."""
    if isinstance(error, httpx2.ConnectTimeout | httpx2.ConnectError):
        reason = str(error) or type(error).__name__
        return ConnectionFailedError(f"No server can be reached at {base_url}: {reason}.")
    if isinstance(error, httpx2.TimeoutException):
        return RequestTimeoutError(f"{base_url} did not answer in time ({type(error).__name__}).")
    return ConnectionFailedError(
        f"The connection to {base_url} failed: {str(error) or type(error).__name__}."
    )
