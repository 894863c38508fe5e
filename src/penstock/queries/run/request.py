"""What somebody asks, before anything is made of it: the same for a saved query, SQL of the moment and a schedule."""

from __future__ import annotations

from typing import Any

import msgspec


class QueryRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """SQL with the values of its parameters, the definitions of these, and where names are looked up."""

    text: str
    data_source_id: int | None = None
    values: dict[str, Any] = {}
    definitions: list[dict[str, Any]] = []
    # Add a limit to what has none.
    limited: bool = False
