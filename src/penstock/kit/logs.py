"""The door to structlog, which takes rich along to show tracebacks in colour.

Ours are plain, so that every process would carry 5 MiB for nothing.
"""

from __future__ import annotations

from penstock.kit.sparing import without

with without("rich"):
    import structlog
    from structlog.contextvars import bind_contextvars, clear_contextvars, unbind_contextvars

__all__ = ["bind_contextvars", "clear_contextvars", "structlog", "unbind_contextvars"]
