"""A rule as it is kept with its table, and what the rules of a table come to for one caller."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from penstock.identity import Principal, PrincipalKind, Role
from penstock.kit.filters import BoundTree, Tree

if TYPE_CHECKING:
    from penstock.tables.catalog import Table

# Roles that rules hold for; who may change the rules is not held to them.
HELD = (Role.COLLABORATOR, Role.OPERATOR)


@dataclass(frozen=True, slots=True)
class Subjects:
    """Whom a rule names: who has one of the roles on the table, is in a team, or is named by id."""

    roles: frozenset[Role] = frozenset()
    teams: frozenset[int] = frozenset()
    users: frozenset[int] = frozenset()
    keys: frozenset[int] = frozenset()

    def name(self, principal: Principal, role: Role | None) -> bool:
        """True when the caller, whose role on the table this is, is one of them."""
        if role in self.roles or not self.teams.isdisjoint(principal.team_ids):
            return True
        if principal.kind is PrincipalKind.SERVICE_KEY:
            return principal.key_id in self.keys
        return principal.user_id in self.users


@dataclass(frozen=True, eq=False)
class Rule:
    """What whoever it names may read and write of a table.

    `read` and `write` are filters, None lets nothing through. Without subjects it names everyone. Two rules are never
    equal, so that tables which have them stay quick to compare.
    """

    id: int
    table_id: int
    name: str
    subjects: Subjects | None
    read: Tree | None
    write: Tree | None
    hidden: frozenset[str]
    read_only: frozenset[str]
    created_at: datetime
    updated_at: datetime
    created_by: int | None


@dataclass(frozen=True, slots=True)
class Inputs:
    """What PostgreSQL is told of a caller and one table: exempt from its rules, or which of them let read and write.

    `values` are what the caller is in their conditions, by the places that the policies name.
    """

    table_id: int
    is_exempt: bool
    reading: Collection[int] = ()
    writing: Collection[int] = ()
    values: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Limits:
    """What a caller has to do with a table. `table` is the table as they know it.

    They read what fulfils `rows`. What they change or delete fulfils `writable` besides, and so does what they write;
    `writers` are the names of the rules that say so.
    """

    table: Table
    rows: BoundTree
    writable: BoundTree
    writers: tuple[str, ...]
    is_limited: bool
    inputs: Inputs | None
