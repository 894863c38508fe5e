"""Dashboards: queries' visualizations and texts on a grid."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

_OUTSIDE: Final = re.compile(r"[^a-z0-9_-]+", re.ASCII)
# Or an id would be read in it.
_NUMBERED: Final = re.compile(r"[0-9]+(-|$)", re.ASCII)
_SMALL: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
# What means something else in an address.
RESERVED: Final = frozenset({"favorites", "my", "tags", "public"})


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A dashboard without what is on it. `key_id` is a key that made it and is nobody's."""

    id: int
    org_id: int
    slug: str
    name: str
    layout: Sequence[Any]
    options: Mapping[str, Any]
    dashboard_filters_enabled: bool
    tags: Sequence[str]
    is_archived: bool
    is_draft: bool
    version: int
    user_id: int | None
    key_id: int | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Widget:
    """A place on a dashboard: a visualization, or a text.

    `placed_by` and `placed_key_id` are who put it there, or changed it last.
    """

    id: int
    dashboard_id: int
    visualization_id: int | None
    text: str
    width: int
    options: Mapping[str, Any]
    placed_by: int | None
    placed_key_id: int | None
    created_at: datetime
    updated_at: datetime


def shown_slug(name: str) -> str:
    """The name as it stands in addresses."""
    return _OUTSIDE.sub("-", name.translate(_SMALL))


def stored_slug(name: str) -> str:
    """One that is no id and means nothing else; whether it is taken is another question."""
    found = shown_slug(name)
    if _NUMBERED.match(found):
        return f"dashboard-{found}"
    return f"{found}_1" if found in RESERVED else found or "-"
