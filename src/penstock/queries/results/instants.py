"""How instants of results are written."""

from __future__ import annotations

from enum import Enum


class Instants(Enum):
    """Exactly, in milliseconds as either dialect has them, or short for people."""

    EXACT = "exact"
    DASHBOARD = "dashboard"
    EXPLORER = "explorer"
    SHORT = "short"
