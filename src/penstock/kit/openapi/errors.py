"""The one error body, the statuses it comes with, and how a caller says who it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from penstock.kit.openapi.schemas import described, ref

ERRORS: Final[Mapping[int, tuple[str, str]]] = {
    400: (
        "BadRequest",
        "The request cannot be read, or a value in it is not valid; `errors` names the fields.",
    ),
    401: ("Unauthorized", "Credentials are missing or not valid."),
    403: ("Forbidden", "The caller is known and may not do this."),
    404: ("NotFound", "It does not exist, or the caller may not know of it."),
    405: ("MethodNotAllowed", "The address takes other methods; `Allow` names them."),
    409: ("Conflict", "The request conflicts with what is stored."),
    412: ("PreconditionFailed", "`If-Match` names a version that is no longer the current one."),
    413: ("TooLarge", "The body, or the number of rows in it, is beyond the limit."),
    429: ("TooManyRequests", "The caller's limit is used up."),
}
ERROR_HEADERS: Final[Mapping[int, tuple[str, str, dict[str, Any]]]] = {
    401: ("WWW-Authenticate", "The scheme that is asked for.", {"type": "string"}),
    429: ("Retry-After", "Seconds to wait.", {"type": "integer", "minimum": 0}),
}
_SENTENCE: Final = {"type": "string", "description": "What is wrong, in one sentence."}
_MESSAGES: Final = {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}}
_ROWS: Final = {
    "type": "array",
    "items": described({"index": {"type": "integer", "minimum": 0}, "errors": _MESSAGES}),
}
ERROR: Final[dict[str, Any]] = {
    "title": "Error",
    "type": "object",
    "description": "The one error body. Messages about fields stand at the top level too.",
    "properties": {
        "detail": _SENTENCE,
        "message": {"type": "string", "description": "The same sentence."},
        "error": {"type": "string", "description": "The same sentence."},
        "code": {"type": "string", "description": "The kind of error, such as `VALIDATION_ERROR`."},
        "hint": {"type": "string", "description": "What may help."},
        "errors": {
            "description": "Messages by field; for a list of rows the same as `rows`.",
            "anyOf": [_MESSAGES, _ROWS],
        },
        "rows": {**_ROWS, "description": "The rows that are not right, counted from 0; at most 100 of them."},
        "request_id": {"type": "string", "description": "Finds the request in the server's log."},
    },
    "required": ["detail", "message", "error", "code", "request_id"],
    "examples": [
        {
            "name": ["Expected `str`, got `int`"],
            "detail": "name: Expected `str`, got `int`",
            "message": "name: Expected `str`, got `int`",
            "error": "name: Expected `str`, got `int`",
            "code": "VALIDATION_ERROR",
            "request_id": "5f3c9a0b1d00000001",
            "errors": {"name": ["Expected `str`, got `int`"]},
        }
    ],
}
FAILURE: Final = {
    "description": "The server failed (500), is not ready (503) or ran out of time (504).",
    "content": {"application/json": {"schema": ref("Error")}},
}
SECURITY: Final[dict[str, dict[str, str]]] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "An access token, or a key: `Authorization: Bearer <token or key>`.",
    },
    "key": {"type": "apiKey", "in": "header", "name": "x-api-key", "description": "An API key."},
    "session": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Session-Token",
        "description": "The session token of a login.",
    },
    "query": {
        "type": "apiKey",
        "in": "query",
        "name": "api_key",
        "description": "An API key in the address; on GET requests only.",
    },
    "basic": {
        "type": "http",
        "scheme": "basic",
        "description": "A key where user and password go, not encoded: `Authorization: Basic <key>`.",
    },
}
