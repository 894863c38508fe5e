"""The texts in a JSON document that arrives piece by piece, decoded, however large the whole is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, cast

import msgspec

# A text, the beginning of one whose end has not come yet, or a number or word.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|"|[^\s\[\]{},:"]+', re.DOTALL)


def texts_of(pieces: Iterable[bytes]) -> Iterator[str]:
    """Every key, text and number."""
    left = b""
    for piece in pieces:
        left += piece
        for token in _TOKEN.finditer(left):
            found = token[0]
            # What touches the end may go on in the next piece.
            if found == b'"' or (token.end() == len(left) and not found.startswith(b'"')):
                done = token.start()
                break
            yield _decoded(found)
        else:
            done = len(left)
        left = left[done:]
    if left.strip():
        yield left.decode("utf-8", "replace")


def _decoded(token: bytes) -> str:
    if not token.startswith(b'"') or b"\\" not in token:
        return token.strip(b'"').decode("utf-8", "replace")
    try:
        return msgspec.json.decode(token, type=str)
    except msgspec.DecodeError:
        return token.decode("utf-8", "replace")


def texts_in(value: Any) -> Iterator[str]:
    """Every key, text and number in a decoded value."""
    if isinstance(value, dict):
        for key, held in cast("dict[str, Any]", value).items():
            yield key
            yield from texts_in(held)
    elif isinstance(value, list):
        for held in cast("list[Any]", value):
            yield from texts_in(held)
    elif value is not None:
        yield str(value)
