"""Every error as the one error body: what domains raise, what the framework raises, and what nobody expected."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException

from penstock.kit import db, errors
from penstock.kit.logs import structlog
from penstock.server.paths import without_token

_log = structlog.get_logger()


def answer(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """The exception handler of the framework."""
    known, body = answered(request.scope, error)
    return Response(body, status_code=known.status, media_type="application/json", headers=known.headers)


def answered(scope: Any, error: Exception) -> tuple[errors.PenstockError, bytes]:
    """The error of ours and its body; what is the server's own fault is logged."""
    known = known_error(error)
    if known.status >= 500:
        _log.error(
            "request.failed",
            method=scope["method"],
            path=without_token(scope["path"]).encode("utf-8", "backslashreplace").decode(),
            status=known.status,
            # An unreachable database needs no trace, and would fill the log with them.
            exc_info=error if known.status == 500 else None,
            reason=str(error.__cause__ or error),
        )
    return known, encode(known, scope.get("state", {}).get("request_id", ""))


def encode(error: errors.PenstockError, request_id: str) -> bytes:
    return msgspec.json.encode(error.body(request_id))


def known_error(error: Exception) -> errors.PenstockError:
    """The error of ours that stands for any exception."""
    if isinstance(error, errors.PenstockError):
        return error
    if isinstance(error, ExceptionGroup):
        # How Litestar hands on what the transaction dependency made of a handler's database error.
        return known_error(error.exceptions[0])
    if isinstance(error, HTTPException):
        return _of_framework(error)
    if db.connection_lost(error):
        return db.translate(error)
    return errors.Internal()


def _of_framework(error: HTTPException) -> errors.PenstockError:  # noqa: PLR0911  (a table)
    match error.status_code:
        case 404:
            return errors.NotFound("There is nothing at this address.")
        case 405:
            return errors.MethodNotAllowed(headers=_allow(error))
        case 413:
            return errors.TooLarge()
        case 401:
            return errors.Unauthorized()
        case 403:
            return errors.Forbidden()
        case status if 400 <= status < 500:
            return errors.BadRequest(error.detail or None)
        case _:
            return errors.Internal()


def _allow(error: HTTPException) -> dict[str, str]:
    allowed = {name.strip() for name in (error.headers or {}).get("allow", "").split(",") if name.strip()}
    return {"Allow": ", ".join(sorted(with_head(allowed)))}


def with_head(methods: set[str]) -> set[str]:
    """HEAD works wherever GET does."""
    return methods | {"HEAD"} if "GET" in methods else methods
