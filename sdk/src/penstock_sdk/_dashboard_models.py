"""Dashboards and what is on them; unknown keys are ignored, and missing ones have a default."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from penstock_sdk._model import Model
from penstock_sdk._query_models import Person

__all__ = ["Dashboard", "Share", "Widget"]


class Widget(Model, kw_only=True, frozen=True):
    """A part of a dashboard: a visualization, or a text; neither of one that the caller may not see."""

    id: int
    dashboard_id: int | None = None
    text: str | None = ""
    width: int = 1
    options: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])
    visualization: dict[str, Any] | None = None
    restricted: bool = False


class Dashboard(Model, kw_only=True, frozen=True):
    """A page of widgets. In lists it has none."""

    id: int
    name: str
    slug: str
    version: int = 1
    tags: list[str] = msgspec.field(default_factory=list[str])
    options: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])
    dashboard_filters_enabled: bool = False
    is_archived: bool = False
    is_draft: bool = False
    is_favorite: bool = False
    can_edit: bool | None = None
    public_url: str | None = None
    user: Person | None = None
    widgets: list[Widget] | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


class Share(Model, kw_only=True, frozen=True):
    """Where everybody sees a dashboard, and the key that lets them."""

    public_url: str
    api_key: str
