"""The error tree: domains raise, one handler in the server answers.

    PenstockError
    ├── BadRequest            400  BAD_REQUEST          the request cannot be read
    │   └── Invalid           400  VALIDATION_ERROR     readable, but a field is wrong
    ├── Unauthorized          401  UNAUTHORIZED
    ├── Forbidden             403  FORBIDDEN
    │   └── RowRefused        403  FORBIDDEN            a row that the caller may not write
    ├── NotFound              404  NOT_FOUND
    ├── MethodNotAllowed      405  METHOD_NOT_ALLOWED
    ├── Conflict              409  CONFLICT
    │   └── Contended         409  CONFLICT             with a request at the same time; nothing was done
    ├── PreconditionFailed    412  PRECONDITION_FAILED
    ├── TooLarge              413  PAYLOAD_TOO_LARGE
    ├── Throttled             429  RATE_LIMITED
    ├── Internal              500  INTERNAL_ERROR
    │   └── Outdated          500  INTERNAL_ERROR       a statement no longer fits its table; worth planning anew
    ├── BadGateway            502  BAD_GATEWAY          a service that this server asks fails
    ├── Unavailable           503  UNAVAILABLE
    └── GatewayTimeout        504  GATEWAY_TIMEOUT

The class docstring is the default message. What goes wrong in a background job has two errors of its own:
`Transient` is tried again, `Terminal` is not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, ClassVar

_LONGEST_NAME = 128
FieldErrors = Mapping[str, Sequence[str]]

# Keys of the error body that a field of the same name must not overwrite.
ENVELOPE = ("detail", "message", "error", "code", "hint", "errors", "rows", "request_id")


@dataclass(frozen=True, slots=True)
class RowError:
    """What is wrong with one row of a bulk request; `index` counts from 0."""

    index: int
    errors: FieldErrors


class PenstockError(Exception):
    """Something went wrong."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "INTERNAL_ERROR"

    def __init__(
        self,
        message: str | None = None,
        *,
        hint: str | None = None,
        errors: FieldErrors | None = None,
        rows: Sequence[RowError] | None = None,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        """`more` are further keys of the body; they win over a field of the same name."""
        self.message = message or (type(self).__doc__ or "").strip()
        self.hint = hint
        self.errors = errors
        self.rows = rows
        self.headers = dict(headers or {})
        self.more = dict(more or {})
        super().__init__(self.message)

    def body(self, request_id: str) -> dict[str, Any]:
        """The one error body (design section 6): `detail`, `message` and `error` carry the same sentence."""
        body: dict[str, Any] = {}
        if self.errors:
            body.update({name: list(messages) for name, messages in self.errors.items()})
        body.update(detail=self.message, message=self.message, error=self.message, code=self.code)
        for name, value in (("hint", self.hint), ("request_id", request_id)):
            if value is not None:
                body[name] = value
        if self.errors:
            body["errors"] = {name: list(messages) for name, messages in self.errors.items()}
        if self.rows is not None:
            body["rows"] = [{"index": row.index, "errors": row.errors} for row in self.rows]
            # The data-service contract (section 10.6) lists the rows under `errors`.
            body["errors"] = body["rows"]
        return {**body, **self.more}


class BadRequest(PenstockError):
    """The request could not be understood."""

    status = 400
    code = "BAD_REQUEST"


class Invalid(BadRequest):
    """The request is not valid."""

    code = "VALIDATION_ERROR"

    def __init__(
        self,
        errors: FieldErrors,
        *,
        message: str | None = None,
        hint: str | None = None,
        rows: Sequence[RowError] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message or first_sentence(errors), errors=errors, hint=hint, rows=rows, more=more)


class Unauthorized(PenstockError):
    """Authentication credentials were not provided or are not valid."""

    status = 401
    code = "UNAUTHORIZED"

    def __init__(self, message: str | None = None, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint, headers={"WWW-Authenticate": "Bearer"})


class Forbidden(PenstockError):
    """You do not have permission to perform this action."""

    status = 403
    code = "FORBIDDEN"


class RowRefused(Forbidden):
    """You may not write this row."""


class NotFound(PenstockError):
    """Not found."""

    status = 404
    code = "NOT_FOUND"


class MethodNotAllowed(PenstockError):
    """This method is not allowed here."""

    status = 405
    code = "METHOD_NOT_ALLOWED"


class Conflict(PenstockError):
    """The request conflicts with what is stored."""

    status = 409
    code = "CONFLICT"


class Contended(Conflict):
    """Another request holds the same rows; try again."""


class PreconditionFailed(PenstockError):
    """The resource has changed since it was read; read it again."""

    status = 412
    code = "PRECONDITION_FAILED"


class TooLarge(PenstockError):
    """The request is larger than this server accepts."""

    status = 413
    code = "PAYLOAD_TOO_LARGE"


class Throttled(PenstockError):
    """Request was throttled."""

    status = 429
    code = "RATE_LIMITED"

    def __init__(self, seconds: int) -> None:
        unit = "second" if seconds == 1 else "seconds"
        super().__init__(
            f"Request was throttled. Expected available in {seconds} {unit}.",
            headers={"Retry-After": str(seconds)},
        )


class Internal(PenstockError):
    """The server failed; the request id finds the reason in its log."""


class Outdated(Internal):
    """The table changed while the request was under way; try again."""


class BadGateway(PenstockError):
    """A service behind this server did not answer as it should."""

    status = 502
    code = "BAD_GATEWAY"


class Unavailable(PenstockError):
    """The server is not ready; try again shortly."""

    status = 503
    code = "UNAVAILABLE"

    def __init__(self, message: str | None = None, *, retry_after: int = 1) -> None:
        super().__init__(message, headers={"Retry-After": str(retry_after)})


class GatewayTimeout(PenstockError):
    """The database took longer than allowed."""

    status = 504
    code = "GATEWAY_TIMEOUT"


class Transient(Exception):
    """Something is away for the moment."""


class Terminal(Exception):
    """Trying again would not help."""


def first_sentence(errors: FieldErrors) -> str:
    """The sentence that stands for a field map: its first message, with the field in front."""
    for name, messages in errors.items():
        for message in messages:
            return f"{name}: {message}"
    return "The request is not valid."


def nearest(name: str, known: Sequence[str]) -> str | None:
    """A hint such as "Did you mean 'price'?", or None when nothing is near."""
    # The comparison takes quadratic time; no name of ours is longer.
    close = get_close_matches(name, list(known)[:1000], n=1) if len(name) <= _LONGEST_NAME else []
    return f"Did you mean '{close[0]}'?" if close else None
