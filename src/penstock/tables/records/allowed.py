"""What a caller may do with each record of an answer: `allowed_actions=update,delete`, told as `_allowed_actions`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from penstock.identity import Principal, Role
from penstock.kit import errors, sql
from penstock.kit.filters import EVERYTHING, BoundTree, compile_postgres
from penstock.tables import access
from penstock.tables.models import ProviderType
from penstock.tables.providers import Feature, capabilities
from penstock.tables.records.reach import limits_in
from penstock.tables.rules.language import NOTHING

if TYPE_CHECKING:
    from penstock.tables.catalog import Table

PARAMETER: Final = "allowed_actions"
NAME: Final = "_allowed_actions"
ACTIONS: Final = ("read", "update", "delete")


@dataclass(frozen=True, slots=True)
class Allowed:
    """The actions that are asked about: those of any record, and those of one that fulfils `writable`."""

    always: tuple[str, ...]
    within: tuple[str, ...]
    writable: BoundTree

    @property
    def differs(self) -> bool:
        """True when the answer depends on the record."""
        return self.writable != EVERYTHING and self.within != self.always


def parse_actions(texts: Sequence[str]) -> tuple[str, ...] | None:
    """A comma list; None when the parameter is not there. Raises `errors.Invalid`."""
    if not texts:
        return None
    named = [part.strip() for text in texts for part in text.split(",") if part.strip()]
    for name in named:
        if name not in ACTIONS:
            known = ", ".join(ACTIONS)
            raise errors.Invalid({PARAMETER: [f"'{name[:40]}' is none of the actions on a record: {known}."]})
    return tuple(one for one in ACTIONS if one in named)


def plan_actions(wanted: tuple[str, ...] | None, table: Table, principal: Principal) -> Allowed | None:
    """None when nothing is asked. Raises `BadRequest` where answers have no room for it."""
    if wanted is None:
        return None
    capabilities(table.provider).require(Feature.ALLOWED_ACTIONS, table.name)
    if NAME in table.schema.by_name:
        raise errors.Invalid({PARAMETER: [f"The table has a field '{NAME}', which the answer would hide."]})
    writable = writable_by(table, principal)
    reads = tuple(one for one in wanted if one == "read")
    return Allowed(reads, wanted if writable != NOTHING else reads, writable)


def writable_by(table: Table, principal: Principal) -> BoundTree:
    """The condition on a record that the caller sees that they may change and delete it."""
    role = access.role_on(principal, table.definition)
    if role is None or role < Role.OPERATOR:
        return NOTHING
    base = table.edges_of
    if base is not None and base.schema.graph is not None and base.schema.graph.self_reference is not None:
        return NOTHING
    limits = limits_in(table, principal)
    if limits.is_limited and table.provider is ProviderType.MONGODB and base is not None:
        return NOTHING
    return limits.writable


def column(allowed: Allowed, values: list[Any]) -> str:
    """The column of rows `t` that tells it, its values appended."""
    most, least = _json(allowed.within), _json(allowed.always)
    if not allowed.differs:
        return f"{most} AS {sql.identifier(NAME)}"
    condition = compile_postgres(allowed.writable, values)
    return f"CASE WHEN {condition} THEN {most} ELSE {least} END AS {sql.identifier(NAME)}"


def _json(names: tuple[str, ...]) -> str:
    return f"{sql.literal(msgspec.json.encode(names).decode())}::json"
