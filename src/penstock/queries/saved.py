"""Saved queries, and ways to show their results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from penstock.queries.run.request import QueryRequest


@dataclass(frozen=True, slots=True)
class Visualization:
    """A way to show the result of a query. What its options mean is the business of who shows it."""

    id: int
    query_id: int
    type: str
    name: str
    description: str | None
    options: Mapping[str, Any]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Version:
    """A query as it was after one of its changes, and who made that."""

    query_id: int
    version: int
    name: str
    description: str | None
    text: str
    data_source_id: int | None
    options: Mapping[str, Any]
    tags: Sequence[str]
    is_archived: bool
    user_id: int | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SavedQuery:
    """SQL with a name. `slug` is that of the explorer dialect; `key_id` a key that made it and is nobody's."""

    id: int
    org_id: int
    slug: str | None
    name: str
    description: str | None
    text: str
    data_source_id: int | None
    options: Mapping[str, Any]
    schedule: Mapping[str, Any] | None
    tags: Sequence[str]
    is_archived: bool
    is_draft: bool
    version: int
    user_id: int | None
    key_id: int | None
    modified_by: int | None
    # Who wrote what it asks: a user, or a key that holds less than its user.
    written_by: int | None
    written_key_id: int | None
    created_at: datetime
    updated_at: datetime

    @property
    def definitions(self) -> list[dict[str, Any]]:
        """Of its parameters, as far as they are any."""
        given: Any = self.options.get("parameters")
        found = cast("list[Any]", given) if isinstance(given, list) else []
        return [cast("dict[str, Any]", one) for one in found if isinstance(one, dict)]

    @property
    def defaults(self) -> dict[str, Any]:
        """The values that its parameters were saved with."""
        return {
            one["name"]: one["value"]
            for one in self.definitions
            if isinstance(one.get("name"), str) and one.get("value") is not None
        }

    def request(
        self, values: Mapping[str, Any] | None = None, *, limited: bool | None = None
    ) -> QueryRequest:
        """What running it asks."""
        if limited is None:
            limited = bool(self.options.get("apply_auto_limit"))
        return QueryRequest(
            text=self.text,
            data_source_id=self.data_source_id,
            values=dict(values or {}),
            definitions=self.definitions,
            limited=limited,
        )
