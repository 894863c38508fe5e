"""Paths as the router sees them: slashes collapsed on the raw path, segments decoded afterwards (design section 5)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
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


# What comes after these is a secret.
_BEFORE_TOKENS: Final = ("/dashboards/public/", "/public/dashboards/")


_TOKENS_AT: Final = ("/invite/", "/reset/", "/verify/")


def without_token(path: str) -> str:
    """The path as it may be written down."""
    for begins in _TOKENS_AT:
        if path.startswith(begins):
            return f"{begins}…"
    for before in _BEFORE_TOKENS:
        head, found, _ = path.partition(before)
        if found:
            return f"{head}{found}…"
    return path


# What programs also ask for without `/api` before it.
_BARE: Final = frozenset({"queries", "query_results", "jobs", "dashboards"})


# An org before `/api`, as clients of servers with several have it in their base address.
_IN_ORG: Final = re.compile(r"/(?!(?:api|e|hooks)/)([a-z0-9][a-z0-9_-]{0,62})(/api/.*)", re.ASCII | re.DOTALL)


def in_org(path: str) -> tuple[str | None, str]:
    """The org that a path names before `/api`, and the path without it."""
    found = None if path.startswith("/api/") else _IN_ORG.fullmatch(path)
    return (None, path) if found is None else (found[1], found[2])


def addressed(path: str, headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The path with the `/api` that some programs leave out; a browser that loads a page is none of them."""
    if path.startswith("/api/") or path.partition("/")[2].partition("/")[0] not in _BARE:
        return path
    accepted = b",".join(value for name, value in headers if name == b"accept").partition(b",")[0]
    return path if accepted.strip().startswith(b"text/html") else f"/api{path}"
