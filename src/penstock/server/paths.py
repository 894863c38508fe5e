"""Paths as the router sees them: slashes collapsed on the raw path, segments decoded afterwards (design section 5)."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from penstock.kit.http import SLASH


def normalise(raw: bytes) -> str | None:
    """`/a//b%2Fc/` becomes `/a/b<SLASH>c`; None when it is not UTF-8 or holds a NUL."""
    if b"%" not in raw:
        if raw and raw.isascii() and b"//" not in raw and b"\0" not in raw and not raw.endswith(b"/"):
            return raw.decode()
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            return None
        if "\0" in text:
            return None
        return "/" + "/".join(segment for segment in text.split("/") if segment)
    try:
        segments = [unquote_to_bytes(segment).decode() for segment in raw.split(b"/") if segment]
    except UnicodeDecodeError:
        return None
    path = "/" + "/".join(segment.replace("/", SLASH) for segment in segments)
    return None if "\0" in path else path
