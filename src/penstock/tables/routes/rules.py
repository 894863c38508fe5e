"""Routes of the row rules of a table, for those who may say who sees what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from litestar import delete, get, patch, post, put
from litestar.response.base import ASGIResponse
from msgspec import UNSET, Raw, UnsetType

from penstock.identity import Grant, Principal, Role, SubjectKind, find_subject, people_of
from penstock.kit import clock, errors, http
from penstock.kit.db import Connection
from penstock.kit.filters import Tree, to_json
from penstock.kit.http import AnyRequest
from penstock.tables import store
from penstock.tables.models import TableEntry
from penstock.tables.routes.common import Caller, Conn, app_for, parameters, table_for
from penstock.tables.rules.language import parse_filter
from penstock.tables.rules.models import HELD, Rule, Subjects
from penstock.tables.service import rules

_ALL = "/api/apps/{app:str}/datatables/{table:str}/rules"
_ONE = f"{_ALL}/{{rule:str}}"
_MOST = 1000  # subjects of a kind, fields
_NAME_LENGTH = 100
Ident = str | int


class RuleSubjects(msgspec.Struct, forbid_unknown_fields=True):
    """Whom a rule names: roles on the table, teams (slug or id), users (username or id), service keys (id)."""

    roles: list[Literal["collaborator", "operator"]] = []
    teams: list[Ident] = []
    users: list[Ident] = []
    keys: list[int] = []


class RuleIn(msgspec.Struct, forbid_unknown_fields=True):
    """A rule. Without `subjects` it names everyone; `read` absent is every row, `write` absent is what `read` is.

    A filter that is null lets nothing through.
    """

    name: str
    subjects: RuleSubjects | None = None
    read: Raw | UnsetType = UNSET
    write: Raw | UnsetType = UNSET
    hidden_fields: list[str] = []
    read_only_fields: list[str] = []


class RulePatch(msgspec.Struct, forbid_unknown_fields=True):
    """What is absent stays."""

    name: str | UnsetType = UNSET
    subjects: RuleSubjects | UnsetType | None = UNSET
    read: Raw | UnsetType = UNSET
    write: Raw | UnsetType = UNSET
    hidden_fields: list[str] | UnsetType = UNSET
    read_only_fields: list[str] | UnsetType = UNSET


class RuleOut(msgspec.Struct, kw_only=True):
    """A rule as it holds."""

    id: int
    name: str
    subjects: dict[str, list[Any]] | None
    read: dict[str, Any] | None
    write: dict[str, Any] | None
    hidden_fields: list[str]
    read_only_fields: list[str]
    created_at: str
    updated_at: str
    created_by: int | None


@get(_ALL)
async def list_rules(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request)
    grant, entry = await _table(request, conn, principal)
    found = (await store.rules_of(conn, [entry.table])).get(entry.table.id, [])
    return http.json([await _shown(conn, grant, entry, one) for one in found])


@post(_ALL)
async def create_rule(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request)
    grant, entry = await _table(request, conn, principal, lock=True)
    body = await http.parse(request, RuleIn)
    rule = await rules.create_rule(conn, grant, entry, await _whole(conn, grant, entry, body))
    return http.json(await _shown(conn, grant, entry, rule), 201)


@get(_ONE)
async def read_rule(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request)
    grant, entry = await _table(request, conn, principal)
    return http.json(await _shown(conn, grant, entry, await _rule(request, conn, entry)))


@put(_ONE)
async def replace_rule(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request)
    grant, entry = await _table(request, conn, principal, lock=True)
    rule = await _rule(request, conn, entry)
    body = await http.parse(request, RuleIn)
    changed = await rules.update_rule(conn, grant, entry, rule, await _whole(conn, grant, entry, body))
    return http.json(await _shown(conn, grant, entry, changed))


@patch(_ONE)
async def change_rule(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request)
    grant, entry = await _table(request, conn, principal, lock=True)
    rule = await _rule(request, conn, entry)
    values = await _values(conn, grant, entry, await http.parse(request, RulePatch))
    changed = await rules.update_rule(conn, grant, entry, rule, values) if values else rule
    return http.json(await _shown(conn, grant, entry, changed))


@delete(_ONE, status_code=200)
async def delete_rule(request: AnyRequest, principal: Caller, conn: Conn) -> ASGIResponse:
    parameters(request)
    grant, entry = await _table(request, conn, principal, lock=True)
    await rules.delete_rule(conn, grant, entry, await _rule(request, conn, entry))
    return http.empty()


async def _table(
    request: AnyRequest, conn: Connection, principal: Principal, *, lock: bool = False
) -> tuple[Grant, TableEntry]:
    grant, _ = await app_for(request, conn, principal, "table.share", lock=lock)
    return grant, await table_for(request, conn, grant)


async def _rule(request: AnyRequest, conn: Connection, entry: TableEntry) -> Rule:
    text = http.segment(request, "rule")
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise errors.NotFound
    return await rules.find_rule(conn, entry.table, int(text))


async def _whole(conn: Connection, grant: Grant, entry: TableEntry, body: RuleIn) -> dict[str, Any]:
    if body.read is UNSET:
        body.read = Raw(b"{}")
    if body.write is UNSET:
        body.write = body.read
    return await _values(conn, grant, entry, body)


async def _values(
    conn: Connection, grant: Grant, entry: TableEntry, body: RuleIn | RulePatch
) -> dict[str, Any]:
    """What of a rule the body says, as the rule has it."""
    found: dict[str, Any] = {}
    if not isinstance(body.name, UnsetType):
        found["name"] = _name(body.name)
    if not isinstance(body.subjects, UnsetType):
        found["subjects"] = None if body.subjects is None else await _subjects(conn, grant, body.subjects)
    names = store.names_of(entry.table.json_schema)
    for name, raw in (("read", body.read), ("write", body.write)):
        if not isinstance(raw, UnsetType):
            found[name] = parse_filter(name, None if bytes(raw).strip() == b"null" else bytes(raw), names)
    for name, fields in (("hidden", body.hidden_fields), ("read_only", body.read_only_fields)):
        if not isinstance(fields, UnsetType):
            if len(fields) > _MOST:
                raise errors.Invalid({f"{name}_fields": [f"A rule names at most {_MOST:,} fields."]})
            found[name] = fields
    return found


def _name(text: str) -> str:
    if not 0 < len(text.strip()) <= _NAME_LENGTH or "\0" in text:
        raise errors.Invalid({"name": [f"A rule has a name of 1 to {_NAME_LENGTH} characters."]})
    return text.strip()


async def _subjects(conn: Connection, grant: Grant, wanted: RuleSubjects) -> Subjects:
    """Raises `Invalid` for who is not there, and for nobody at all."""
    kinds = (
        (SubjectKind.TEAM, wanted.teams),
        (SubjectKind.USER, wanted.users),
        (SubjectKind.KEY, wanted.keys),
    )
    found: dict[SubjectKind, set[int]] = {}
    for kind, idents in kinds:
        if len(idents) > _MOST:
            raise errors.Invalid({"subjects": [f"A rule names at most {_MOST:,} {kind}s."]})
        for ident in idents:
            text = str(ident)
            if "\0" in text or len(text) > _NAME_LENGTH * 3:
                raise errors.Invalid({"subjects": [f"There is no {kind} '{text[:40]!r}'."]})
            try:
                subject = await find_subject(conn, grant, kind, text)
            except errors.Invalid as error:
                messages = [message for one in (error.errors or {}).values() for message in one]
                raise errors.Invalid({"subjects": messages}) from error
            found.setdefault(kind, set()).add(subject.id)
    if not found and not wanted.roles:
        raise errors.Invalid(
            {"subjects": ["It names nobody; leave 'subjects' out for a rule that names everyone."]}
        )
    return Subjects(
        frozenset(map(Role.of, wanted.roles)),
        frozenset(found.get(SubjectKind.TEAM, ())),
        frozenset(found.get(SubjectKind.USER, ())),
        frozenset(found.get(SubjectKind.KEY, ())),
    )


async def _shown(conn: Connection, grant: Grant, entry: TableEntry, rule: Rule) -> RuleOut:
    names = store.names_of(entry.table.json_schema)
    return RuleOut(
        id=rule.id,
        name=rule.name,
        subjects=None if rule.subjects is None else await _named(conn, grant, rule.subjects),
        read=_filter(rule.read, names),
        write=_filter(rule.write, names),
        hidden_fields=sorted(rule.hidden),
        read_only_fields=sorted(rule.read_only),
        created_at=clock.iso(rule.created_at),
        updated_at=clock.iso(rule.updated_at),
        created_by=rule.created_by,
    )


def _filter(tree: Tree | None, names: frozenset[str]) -> dict[str, Any] | None:
    if tree is None:
        return None
    shown = to_json(tree, names)
    return {} if shown == {"and": []} else shown


async def _named(conn: Connection, grant: Grant, subjects: Subjects) -> dict[str, list[Any]]:
    """By the names they have now; who is gone is an id."""
    teams, users = await people_of(conn, grant.org_id, sorted(subjects.teams), sorted(subjects.users))

    def shown(ids: frozenset[int], known: Mapping[int, str]) -> list[Any]:
        return [known.get(one, one) for one in sorted(ids)]

    return {
        "roles": [role.label for role in HELD if role in subjects.roles],
        "teams": shown(subjects.teams, teams),
        "users": shown(subjects.users, users),
        "keys": sorted(subjects.keys),
    }


ROUTES: tuple[Any, ...] = (list_rules, create_rule, read_rule, replace_rule, change_rule, delete_rule)
