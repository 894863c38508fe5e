"""Reads what a caller sent as `json_schema` into a `Definition`."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from penstock.kit import errors, http
from penstock.tables.models import Definition
from penstock.tables.schema.language import canonical_hash, parse_schema, refuse

MAX_BYTES = 1024 * 1024
# An escaped NUL: the escape itself not being the tail of an escaped backslash.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


def read_definition(raw: msgspec.Raw | str) -> Definition:
    """Raises `Invalid` for field `json_schema`."""
    content = raw.encode() if isinstance(raw, str) else bytes(raw)
    if len(content) > MAX_BYTES:
        refuse(f"it has at most {MAX_BYTES} bytes as JSON; this one has {len(content)}.")
    if _NUL.search(content):
        refuse("it must not contain the NUL character.")
    try:
        document = http.decode(content, dict[str, Any])
    except errors.Invalid as error:
        refuse(f"it must be an object whose numbers are in range: {error.message}")
    return Definition(content.decode(), document, parse_schema(document), canonical_hash(document))
