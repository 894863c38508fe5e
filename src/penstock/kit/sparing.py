"""Imports a library without another that it takes along wherever that is installed, and that is of no use to us."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, cast


@contextmanager
def without(name: str) -> Generator[None]:
    """What is imported inside finds that module missing, unless it is loaded already; whoever asks later finds it."""
    modules = cast("dict[str, Any]", sys.modules)
    if name in modules:
        yield
        return
    modules[name] = None  # how Python notes what is not there
    try:
        yield
    finally:
        if modules.get(name, name) is None:
            del modules[name]
