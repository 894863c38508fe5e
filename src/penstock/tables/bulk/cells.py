"""Columns of text to the values that JSON would carry, by the type of their field.

What cannot be read is left as text: the schema's own check then says what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from penstock.tables.fields import BY_NAME
from penstock.tables.models import Field

Column = Callable[[Sequence[str]], list[Any]]
_BOOLEANS = {
    **dict.fromkeys(("true", "t", "yes", "y", "1"), True),
    **dict.fromkeys(("false", "f", "no", "n", "0"), False),
}
_RAW = msgspec.json.Decoder(msgspec.Raw)


def column_of(field: Field) -> Column:
    """The reader of a column of texts; empty text is null."""
    if field.type in ("integer", "year"):
        return _whole
    if field.type == "boolean":
        return _booleans
    if is_document(field):
        return lambda texts: [_document(text) for text in texts]
    return _texts


def is_document(field: Field) -> bool:
    """True for a field whose values are JSON documents, so that text stands for the document it spells."""
    return BY_NAME[field.type].annotation(field) is msgspec.Raw or field.type in ("range", "vector")


def _texts(texts: Sequence[str]) -> list[Any]:
    return [text or None for text in texts]


def _whole(texts: Sequence[str]) -> list[Any]:
    joined = "".join(texts)
    # Python reads more than this as a number: 1_000, and the digits of other scripts.
    if joined.isascii() and "_" not in joined:
        try:
            return [int(text) if text else None for text in texts]
        except ValueError:
            pass
    return [_one_whole(text) for text in texts]


def _one_whole(text: str) -> Any:
    bare = text.strip()
    try:
        return int(bare) if bare.isascii() and "_" not in bare else text
    except ValueError:
        return text or None


def _booleans(texts: Sequence[str]) -> list[Any]:
    return [_BOOLEANS.get(text.strip().lower(), text) if text else None for text in texts]


def _document(text: str) -> Any:
    if not text:
        return None
    try:
        return _RAW.decode(text.encode())
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return text
