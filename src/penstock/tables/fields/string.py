"""Text, with the formats e-mail, URI, UUID and base64."""

from __future__ import annotations

import base64
import binascii
import re
import uuid
from typing import Any, ClassVar
from urllib.parse import urlsplit

from penstock.kit.operators import ValueType
from penstock.tables.fields.base import EVERYWHERE, LENGTHS, Check, FieldType
from penstock.tables.models import Field

# The HTML Living Standard's definition of a valid e-mail address, which is what forms and clients accept.
_EMAIL = re.compile(
    r"[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
    r"(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*"
)
_EMAIL_MAX = 254  # RFC 5321, section 4.5.3.1.3


def email(value: str) -> str | None:
    if len(value) <= _EMAIL_MAX and _EMAIL.fullmatch(value):
        return None
    return f"'{value[:80]}' is not an e-mail address."


def uri(value: str) -> str | None:
    try:
        parts = urlsplit(value)
    except ValueError:
        parts = None
    if parts and parts.scheme and (parts.netloc or parts.path) and not re.search(r"[\s<>\"{}|\\^`]", value):
        return None
    return f"'{value[:80]}' is not a URI with a scheme, such as https://example.com."


def base64_text(value: str) -> str | None:
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return "The value is not base64 text."
    return None


class StringType(FieldType):
    name = "string"
    formats = frozenset({"default", "email", "uri", "uuid", "binary"})
    constraints = EVERYWHERE | LENGTHS | {"unique", "pattern", "enum"}
    value_type = ValueType.TEXT
    _checks: ClassVar[dict[str, Check]] = {"email": email, "uri": uri, "binary": base64_text}

    def column(self, field: Field) -> str:
        return "uuid" if field.format == "uuid" else 'text COLLATE "C"'

    def filters_as(self, field: Field) -> ValueType:
        return ValueType.UUID if field.format == "uuid" else ValueType.TEXT

    def annotation(self, field: Field) -> Any:
        return uuid.UUID if field.format == "uuid" else str

    def intrinsic(self, field: Field) -> Check | None:
        return self._checks.get(field.format)

    def incoming(self, field: Field) -> str:
        return "uuid" if field.format == "uuid" else "text"

    def describe(self, field: Field) -> dict[str, Any]:
        formats = {"binary": {"contentEncoding": "base64"}, "default": {}}
        return {"type": "string", **formats.get(field.format, {"format": field.format})}
