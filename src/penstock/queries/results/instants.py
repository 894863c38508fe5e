"""How instants of results are written."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final


class Instants(Enum):
    """Exactly, or in milliseconds as either dialect has them."""

    EXACT = "exact"
    DASHBOARD = "dashboard"
    EXPLORER = "explorer"


@dataclass(frozen=True, slots=True)
class Written:
    """Short, for people: of the formats that an org can choose."""

    date: str = "DD/MM/YY"
    time: str = "HH:mm"


SHORT: Final = Written()
Style = Instants | Written
