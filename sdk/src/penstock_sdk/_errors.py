"""What can go wrong, as one tree of exceptions that mirrors the codes of the server.

PenstockError
├── ConfigurationError          no usable address, profile or credential on this side
├── ConnectionFailedError       no answer: refused, reset, name not found
│   └── RequestTimeoutError     no answer in time
├── UnexpectedAnswerError       an answer that is not the API's (a proxy's page, a redirect)
├── QueryFailedError            a query ran and failed
│   ├── QueryCancelledError     it was cancelled
│   └── QueryTimeoutError       it took longer than its caller waits, and was cancelled
├── BadRequestError        400  malformed or refused request
│   └── ValidationError    400  values that break the schema; see `errors` and `rows`
├── UnauthorizedError      401  no credential, or a bad one
├── ForbiddenError         403  known, but not allowed
├── NotFoundError          404  not there, or not visible to the caller
├── MethodNotAllowedError  405
├── ConflictError          409  unique value taken, row still referenced
├── PreconditionFailedError 412 `If-Match` names an older state
├── PayloadTooLargeError   413  too many rows or bytes in one request
├── RateLimitedError       429  see `retry_after`
└── ServerError            5xx  the server's fault; quote `request_id`
    ├── UnavailableError   502, 503
    └── GatewayTimeoutError 504 the statement took too long
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

__all__ = [
    "BadRequestError",
    "ConfigurationError",
    "ConflictError",
    "ConnectionFailedError",
    "ForbiddenError",
    "GatewayTimeoutError",
    "MethodNotAllowedError",
    "NotFoundError",
    "PayloadTooLargeError",
    "PenstockError",
    "PreconditionFailedError",
    "QueryCancelledError",
    "QueryFailedError",
    "QueryTimeoutError",
    "RateLimitedError",
    "RequestTimeoutError",
    "RowFault",
    "ServerError",
    "UnauthorizedError",
    "UnavailableError",
    "UnexpectedAnswerError",
    "ValidationError",
]


class RowFault:
    """One bad row of a bulk request: its `index` in the list sent (from 0) and its messages by field."""

    __slots__ = ("errors", "index")

    def __init__(self, index: int, errors: Mapping[str, Sequence[str]]) -> None:
        self.index = index
        self.errors = {field: list(messages) for field, messages in errors.items()}

    def __repr__(self) -> str:
        return f"RowFault(index={self.index}, errors={self.errors})"


class PenstockError(Exception):
    """Any failure of a call.

    `status`, `code`, `request_id` are None when no answer arrived. `errors` holds messages by field, `rows`
    the faults of a bulk request (the server lists the first 100), `hint` the server's advice.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str | None = None,
        detail: str | None = None,
        errors: Mapping[str, Sequence[str]] | None = None,
        rows: Sequence[RowFault] = (),
        hint: str | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.detail = detail if detail is not None else message
        self.errors = {field: list(messages) for field, messages in (errors or {}).items()}
        self.rows = list(rows)
        self.hint = hint
        self.request_id = request_id

    def __str__(self) -> str:
        parts = [self.message]
        # The sentence of a single-field error usually names the field already.
        parts += [
            f"{field}: {text}"
            for field, messages in self.errors.items()
            for text in messages
            if text not in self.message
        ]
        if self.hint:
            parts.append(self.hint)
        return " ".join(parts)


class ConfigurationError(PenstockError):
    """The client was given no usable address, profile or credential."""


class ConnectionFailedError(PenstockError):
    """No answer arrived from the server."""


class RequestTimeoutError(ConnectionFailedError):
    """No answer arrived in time."""


class UnexpectedAnswerError(PenstockError):
    """The answer is not one of the Penstock API."""


class QueryFailedError(PenstockError):
    """A query ran and failed; the message says why."""


class QueryCancelledError(QueryFailedError):
    """A query was cancelled before its end."""


class QueryTimeoutError(QueryFailedError):
    """A query took longer than its caller waits, and was cancelled."""


class BadRequestError(PenstockError):
    """400: the request is malformed or refused."""


class ValidationError(BadRequestError):
    """400: values break the schema; `errors` and `rows` say which."""


class UnauthorizedError(PenstockError):
    """401: no credential, or one that is wrong, expired or revoked."""


class ForbiddenError(PenstockError):
    """403: the caller is known but not allowed to do this."""


class NotFoundError(PenstockError):
    """404: not there, or not visible to the caller."""


class MethodNotAllowedError(PenstockError):
    """405: the path exists, the method does not."""


class ConflictError(PenstockError):
    """409: a unique value is taken, or other rows still refer to this one."""


class PreconditionFailedError(PenstockError):
    """412: the resource changed since the state that `If-Match` names."""


class PayloadTooLargeError(PenstockError):
    """413: too many rows or bytes in one request."""


class RateLimitedError(PenstockError):
    """429: too many requests; `retry_after` is the number of seconds to wait."""

    retry_after: float = 60.0


class ServerError(PenstockError):
    """5xx: the fault is the server's; `request_id` finds it in the log."""


class UnavailableError(ServerError):
    """502 or 503: the server, or its database, cannot answer now."""


class GatewayTimeoutError(ServerError):
    """504: the request took longer than the server allows."""


_BY_STATUS: dict[int, type[PenstockError]] = {
    400: BadRequestError,
    401: UnauthorizedError,
    403: ForbiddenError,
    404: NotFoundError,
    405: MethodNotAllowedError,
    409: ConflictError,
    412: PreconditionFailedError,
    413: PayloadTooLargeError,
    429: RateLimitedError,
    502: UnavailableError,
    503: UnavailableError,
    504: GatewayTimeoutError,
}

_ENVELOPE = frozenset(
    {"detail", "message", "error", "code", "hint", "errors", "rows", "request_id", "status", "details"}
)


def error_from_answer(
    status: int,
    body: object,
    *,
    text: str = "",
    request_id: str | None = None,
    retry_after: float | None = None,
) -> PenstockError:
    """The exception for an answer of `status`; `body` is the decoded JSON, or None when it was none."""
    fields = cast("dict[str, Any]", body) if isinstance(body, dict) else {}
    rows = _rows(fields)
    errors = _field_map(fields)
    message = _sentence(fields) or _summary(errors) or text.strip()[:300] or f"HTTP status {status}"
    kind = _kind(status, fields, bool(errors or rows))
    error = kind(
        message,
        status=status,
        code=_text(fields.get("code")),
        detail=_text(fields.get("detail")),
        errors=errors,
        rows=rows,
        hint=_text(fields.get("hint")),
        request_id=_text(fields.get("request_id")) or request_id,
    )
    if isinstance(error, RateLimitedError) and retry_after is not None:
        error.retry_after = retry_after
    return error


def _kind(status: int, fields: Mapping[str, Any], has_faults: bool) -> type[PenstockError]:
    if status == 400 and (has_faults or fields.get("code") == "VALIDATION_ERROR"):
        return ValidationError
    known = _BY_STATUS.get(status)
    if known is not None:
        return known
    if status >= 500:
        return ServerError
    return BadRequestError if status >= 400 else UnexpectedAnswerError


def _sentence(fields: Mapping[str, Any]) -> str | None:
    return _text(fields.get("message")) or _text(fields.get("detail")) or _text(fields.get("error"))


def _summary(errors: Mapping[str, Sequence[str]]) -> str | None:
    return "; ".join(f"{field}: {', '.join(messages)}" for field, messages in errors.items()) or None


def _field_map(fields: Mapping[str, Any]) -> dict[str, list[str]]:
    # A map under `errors` is complete; without it every key that is not of the envelope is a field.
    source = fields.get("errors")
    found = cast("dict[str, Any]", source) if isinstance(source, dict) else {}
    candidates = found or {name: value for name, value in fields.items() if name not in _ENVELOPE}
    return {name: messages for name, value in candidates.items() if (messages := _messages(value))}


def _messages(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [str(item) for item in cast("list[object]", value)]
    return []


def _rows(fields: Mapping[str, Any]) -> list[RowFault]:
    for key in ("rows", "errors"):
        source = fields.get(key)
        if isinstance(source, list):
            return [fault for item in cast("list[object]", source) if (fault := _row(item)) is not None]
    return []


def _row(item: object) -> RowFault | None:
    if not isinstance(item, dict):
        return None
    entry = cast("dict[str, Any]", item)
    index, errors = entry.get("index"), entry.get("errors")
    if not isinstance(index, int):
        return None
    by_field = cast("dict[str, Any]", errors) if isinstance(errors, dict) else {"": errors}
    return RowFault(index, {field: _messages(value) for field, value in by_field.items()})


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
