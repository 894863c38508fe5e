"""Facts that identity announces."""

from __future__ import annotations

from dataclasses import dataclass

from penstock.identity.links import Purpose
from penstock.identity.models import Org


@dataclass(frozen=True, slots=True)
class OrgCreated:
    """An org exists; its schema and its login role in the database are to be made."""

    org: Org


@dataclass(frozen=True, slots=True)
class LetterWanted:
    """Somebody is to get a link by mail: this user, or whoever has this address, if there is anybody."""

    purpose: Purpose
    org_id: int | None = None
    user_id: int | None = None
    email: str | None = None
