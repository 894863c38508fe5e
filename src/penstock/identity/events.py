"""Facts that identity announces."""

from __future__ import annotations

from dataclasses import dataclass

from penstock.identity.models import Org


@dataclass(frozen=True, slots=True)
class OrgCreated:
    """An org exists; its schema and its login role in the database are to be made."""

    org: Org
