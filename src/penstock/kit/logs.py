"""The door to structlog, which takes rich with it wherever that is installed, to show tracebacks in colour.

Ours are plain, so that every process would carry 5 MiB for nothing.
"""

from __future__ import annotations

import sys
from typing import Any, cast

_modules = cast("dict[str, Any]", sys.modules)
_spared = "rich" not in _modules
if _spared:
    # How Python notes that a module is not there; whoever asks later finds it.
    _modules["rich"] = None
try:
    import structlog
    from structlog.contextvars import bind_contextvars, clear_contextvars, unbind_contextvars
finally:
    if _spared:
        del _modules["rich"]

__all__ = ["bind_contextvars", "clear_contextvars", "structlog", "unbind_contextvars"]
