"""Record keys as they stand in a path and in the `ids` of a delete."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast
from urllib.parse import quote

from penstock_sdk import _json


def key_segment(key: Any) -> str:
    """A key as one path segment; the values of a composite key are joined by commas."""
    values = cast("tuple[Any, ...]", key) if isinstance(key, tuple) else (key,)
    return ",".join(quote(_key_text(value), safe="") for value in values)


def key_list(keys: Iterable[Any]) -> str:
    """Keys as the `ids` of a delete: a comma list, or JSON when a key contains a comma or is composite."""
    found = list(keys)
    texts = [_key_text(key) for key in found if not isinstance(key, tuple)]
    if len(texts) < len(found) or any("," in item or item.startswith("[") for item in texts):
        return _json.encode(found).decode()
    return ",".join(texts)


def _key_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int):
        return str(value)
    return _json.encode(value).decode().strip('"')
