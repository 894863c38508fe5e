"""Row rules of a table: which of its records and fields whom they name reads and writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from msgspec import UNSET, UnsetType

from penstock_sdk._async.resources.base import AsyncResource, segment
from penstock_sdk._filters import Expression, condition
from penstock_sdk._models import Rule

Filter: TypeAlias = Expression | Mapping[str, Any]


class AsyncRules(AsyncResource):
    """The rules of one table, for its admins.

    A filter is an expression or a tree such as `{"owner": "$user.id"}`; the empty one is every record, None is none.
    `subjects` are whom a rule names, such as `{"roles": ["operator"], "teams": ["support"]}`, and None is everyone.
    """

    async def list(self) -> list[Rule]:
        """All rules, the oldest first."""
        return (await self._transport.request("GET", self._path)).as_type(list[Rule])

    async def get(self, rule_id: int) -> Rule:
        """One rule. A NotFoundError when there is none."""
        return (await self._transport.request("GET", self._of(rule_id))).as_type(Rule)

    async def create(
        self,
        name: str,
        *,
        subjects: Mapping[str, Sequence[str | int]] | None = None,
        read: Filter | UnsetType | None = UNSET,
        write: Filter | UnsetType | None = UNSET,
        hidden_fields: Sequence[str] = (),
        read_only_fields: Sequence[str] = (),
    ) -> Rule:
        """A new rule. `read` that is not given is every record, `write` that is not given is what `read` is."""
        body = _body(name, subjects, read, write, hidden_fields, read_only_fields)
        return (await self._transport.request("POST", self._path, body=body)).as_type(Rule)

    async def update(
        self,
        rule_id: int,
        *,
        name: str | UnsetType = UNSET,
        subjects: Mapping[str, Sequence[str | int]] | UnsetType | None = UNSET,
        read: Filter | UnsetType | None = UNSET,
        write: Filter | UnsetType | None = UNSET,
        hidden_fields: Sequence[str] | UnsetType = UNSET,
        read_only_fields: Sequence[str] | UnsetType = UNSET,
    ) -> Rule:
        """Changes what is given."""
        body = _body(name, subjects, read, write, hidden_fields, read_only_fields)
        return (await self._transport.request("PATCH", self._of(rule_id), body=body)).as_type(Rule)

    async def delete(self, rule_id: int) -> None:
        """Deletes a rule; a table without rules is open to every role."""
        await self._transport.request("DELETE", self._of(rule_id))

    def _of(self, rule_id: int) -> str:
        return f"{self._path}{segment(rule_id)}/"


def _body(
    name: str | UnsetType,
    subjects: Any,
    read: Filter | UnsetType | None,
    write: Filter | UnsetType | None,
    hidden_fields: Sequence[str] | UnsetType,
    read_only_fields: Sequence[str] | UnsetType,
) -> dict[str, Any]:
    values: dict[str, Any] = {
        "name": name,
        "subjects": subjects,
        "read": _tree(read),
        "write": _tree(write),
        "hidden_fields": hidden_fields,
        "read_only_fields": read_only_fields,
    }
    return {key: value for key, value in values.items() if value is not UNSET}


def _tree(filter: Filter | UnsetType | None) -> Any:
    if filter is None or filter is UNSET or (isinstance(filter, Mapping) and not filter):
        return filter
    return condition(filter).tree()
