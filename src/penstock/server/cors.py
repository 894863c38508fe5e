"""Cross-origin requests of browsers, for the origins the settings name (Fetch standard)."""

from __future__ import annotations

from collections.abc import Sequence

_Headers = list[tuple[bytes, bytes]]
_METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
_EXPOSED = b"ETag, Location, Retry-After, X-Request-ID, Content-Disposition"
_MAX_AGE = b"600"  # seconds a browser may remember a preflight


class Cors:
    """Headers that let a browser's script read an answer. With `*` no credentials are let through."""

    def __init__(self, origins: Sequence[str]) -> None:
        self._any = "*" in origins
        self._origins = frozenset(origin.rstrip("/").encode() for origin in origins)
        self.active = bool(origins)

    def allows(self, origin: bytes) -> bool:
        return self._any or origin in self._origins

    def headers(self, origin: bytes) -> _Headers:
        """For an ordinary answer to an allowed origin."""
        if self._any:
            return [(b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", _EXPOSED)]
        return [
            (b"access-control-allow-origin", origin),
            (b"access-control-allow-credentials", b"true"),
            (b"access-control-expose-headers", _EXPOSED),
            (b"vary", b"Origin"),
        ]

    def preflight(self, origin: bytes, wanted_headers: bytes | None) -> _Headers:
        """For the OPTIONS request a browser sends ahead."""
        answer = [
            *self.headers(origin),
            (b"access-control-allow-methods", _METHODS),
            (b"access-control-max-age", _MAX_AGE),
        ]
        if wanted_headers:
            answer.append((b"access-control-allow-headers", wanted_headers))
        return answer
