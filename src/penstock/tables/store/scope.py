"""What a grant says about the rows a statement may touch."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func

from penstock.identity import Grant


def app_id(grant: Grant) -> int:
    """The app that the grant was given for."""
    assert grant.place is not None and grant.place[0] == "app"
    return grant.place[1]


def touched(grant: Grant) -> dict[str, Any]:
    """The columns that every change sets."""
    return {"updated_at": func.clock_timestamp(), "modified_by": grant.principal.user_id}
