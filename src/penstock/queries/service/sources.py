"""The verbs on foreign data sources: a name for a credential that questions in SQL go by."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from penstock import connectors, tables
from penstock.connectors import Credential, CredentialCreate, CredentialPatch, Kind
from penstock.identity import Grant, Principal, Role, audit
from penstock.kit import errors
from penstock.kit.context import Context
from penstock.kit.db import Connection
from penstock.queries.results.reading import ResultFiles
from penstock.queries.run.systems import RESULTS
from penstock.queries.store import foreign
from penstock.tables import DescribedTable, NumberedSource

KIND: Final = "data_source"
HIDDEN: Final = "--------"
KINDS: Final[Mapping[str, Kind]] = {one.name: one for one in connectors.KINDS if one.describe is not None}
_ALIASES: Final = {"pg": "postgresql", "mariadb": "mysql", "rds_mysql": "mysql"}
_OPTION_ALIASES: Final = {"dbname": "database", "db": "database", "passwd": "password", "dbpath": "path"}
# With these a stored secret would be shown to another system than the one it was entrusted for.
_WHERE: Final = ("host", "port", "endpoint", "sslmode", "tls")
_OF_AN_APP: Final = "This data source is one of an app, and is changed at /api/apps/{app}/datasources."


def kind_named(name: str) -> str:
    """Raises `Invalid` for field `type`."""
    found = _ALIASES.get(name, name)
    if found not in (*KINDS, RESULTS):
        known = [*KINDS, RESULTS]
        message = f"'{name[:40]}' is not a type of data source; types are: {', '.join(known)}."
        raise errors.Invalid({"type": [message]}, hint=errors.nearest(name, known))
    return found


async def require(
    conn: Connection, principal: Principal, source_id: int | None, *, lock: bool = False
) -> NumberedSource:
    """A foreign one, for an admin of the org. Raises `NotFound`, `Forbidden` or `BadRequest`."""
    if source_id is not None and lock:
        await foreign.lock(conn, principal.org_id, source_id)
    found = None if source_id is None else await tables.numbered_source(conn, principal, source_id)
    if found is None:
        raise errors.NotFound
    connectors.authorize(principal, "credential.alter")
    if not found.is_foreign:
        raise errors.BadRequest(_OF_AN_APP)
    return found


async def create(
    ctx: Context, conn: Connection, principal: Principal, name: str, kind: str, options: Mapping[str, Any]
) -> int:
    """Its number. Raises `Invalid`, and `BadRequest` for a name that is taken."""
    grant = connectors.authorize(principal, "credential.create")
    if await foreign.is_named(conn, principal.org_id, name):
        raise _taken(name)
    config: dict[str, Any] = {}
    credential_id = None
    if kind != RESULTS:
        credential, config = await _credential(ctx, conn, grant, name, kind, options)
        credential_id = credential.id
    elif options:
        raise errors.Invalid({"options": ["Results of queries need no options."]})
    slug = await _free_slug(conn, principal.org_id, name)
    made = await foreign.add(
        conn, principal, name=name, slug=slug, kind=kind, config=config, credential_id=credential_id
    )
    if made is None:
        raise _taken(name)
    await audit.record(conn, principal, "data_source.create", KIND, made, name, {"type": kind})
    return made


async def _credential(
    ctx: Context, conn: Connection, grant: Grant, name: str, kind: str, options: Mapping[str, Any]
) -> tuple[Credential, dict[str, Any]]:
    """One that is there, when the options name it, or one of its own."""
    named = options.get("credential")
    if named is not None:
        if len(options) > 1 or not isinstance(named, str):
            raise errors.Invalid(
                {"options": ["With 'credential', the name of one, there are no other options."]}
            )
        found = await connectors.credential_named(conn, grant, named)
        if found is None or found.kind != kind:
            raise errors.Invalid({"options": [f"There is no credential '{named[:80]}' of kind '{kind}'."]})
        return found, {"credential": named}
    settings, secrets = _divided(KINDS[kind], options)
    made = await connectors.create_credential(
        conn,
        grant,
        ctx.keys.encryption,
        CredentialCreate(
            name=await _free_credential_name(conn, grant, name),
            kind=kind,
            settings=settings,
            secrets=secrets,
            description="Of the data source of this name.",
        ),
    )
    return made, {"own": True}


async def _free_credential_name(conn: Connection, grant: Grant, name: str) -> str:
    base, number = name[:80], 1
    wanted = base
    while await connectors.credential_named(conn, grant, wanted) is not None:
        number += 1
        wanted = f"{base} {number}"
    return wanted


async def _free_slug(conn: Connection, org_id: int, name: str) -> str:
    """A word that needs no quotes in SQL."""
    base = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:50] or "source"
    if not base[0].isalpha():
        base = f"s_{base}"
    taken = await foreign.slugs_like(conn, org_id, base)
    number, wanted = 1, base
    while wanted in taken:
        number += 1
        wanted = f"{base}_{number}"
    return wanted


def _divided(kind: Kind, options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Settings and secrets. Raises `Invalid` for what the kind does not take."""
    own, hidden = _fields(kind.settings), _fields(kind.secrets)
    settings: dict[str, Any] = {}
    secrets: dict[str, Any] = {}
    for given, value in options.items():
        name = _OPTION_ALIASES.get(given, given) if given not in own + hidden else given
        if name in own:
            settings[name] = value
        elif name in hidden:
            secrets[name] = value
        else:
            hint = errors.nearest(given, [*own, *hidden])
            message = f"'{given[:80]}' is no option of {kind.title}."
            raise errors.Invalid({"options": [message]}, message=message, hint=hint)
    return settings, {name: value for name, value in secrets.items() if value not in (None, "")}


def _defaults(kind: type[msgspec.Struct]) -> dict[str, Any]:
    return {
        one.name: one.default for one in msgspec.structs.fields(kind) if one.default is not msgspec.NODEFAULT
    }


def _fields(kind: type[msgspec.Struct]) -> list[str]:
    return [one.name for one in msgspec.structs.fields(kind)]


async def change(
    ctx: Context,
    conn: Connection,
    principal: Principal,
    source: NumberedSource,
    name: str,
    options: Mapping[str, Any] | None,
) -> None:
    """Without options these stay as they are."""
    grant = connectors.authorize(principal, "credential.alter")
    kept = await foreign.kept(conn, principal.org_id, source.id)
    config, credential_id = dict(kept.config), source.credential_id
    if options is not None and source.provider == RESULTS and options:
        raise errors.Invalid({"options": ["Results of queries need no options."]})
    if options is not None and source.provider != RESULTS:
        own = None
        if config.get("own") and credential_id is not None and "credential" not in options:
            own = await connectors.find_credential(conn, grant, credential_id)
        if own is None:
            credential, config = await _credential(ctx, conn, grant, name, source.provider, options)
            credential_id = credential.id
            if kept.config.get("own") and source.credential_id not in (None, credential_id):
                await _drop_credential(conn, grant, source)
        else:
            await _change_own(ctx, conn, grant, own, options)
    try:
        await foreign.change(conn, principal, source.id, name, config, credential_id)
    except foreign.NameTaken as error:
        raise _taken(name) from error
    await audit.record(conn, principal, "data_source.update", KIND, source.id, name)


async def _change_own(
    ctx: Context, conn: Connection, grant: Grant, own: Credential, options: Mapping[str, Any]
) -> None:
    kind = KINDS[own.kind]
    settings, secrets = _divided(kind, options)
    stored = msgspec.to_builtins((await connectors.opened(conn, grant, ctx.keys.encryption, own))[1])
    kept = [one for one, value in secrets.items() if value == HIDDEN]
    # What is left out is as it is by itself, which may be another port, or less careful.
    whole = {**_defaults(kind.settings), **settings}
    moved = [one for one in _WHERE if one in whole and whole[one] != own.settings.get(one)]
    if kept and moved:
        message = (
            f"With another {moved[0]}, give the secrets again: they were entrusted for the system so far."
        )
        raise errors.Invalid({"options": [message]}, message=message)
    secrets |= {one: stored[one] for one in kept if stored.get(one) is not None}
    await connectors.update_credential(
        conn, grant, ctx.keys.encryption, own, CredentialPatch(settings=settings, secrets=secrets)
    )


async def _drop_credential(conn: Connection, grant: Grant, source: NumberedSource) -> None:
    if source.credential_id is not None:
        found = await connectors.find_credential(conn, grant, source.credential_id)
        await connectors.delete_credential(conn, grant, found)


async def delete(ctx: Context, conn: Connection, principal: Principal, source: NumberedSource) -> list[str]:
    """Queries of it stay, without a data source. Gives the files that are nobody's then."""
    grant = connectors.authorize(principal, "credential.delete")
    kept = await foreign.kept(conn, principal.org_id, source.id)
    files = await foreign.remove(conn, principal.org_id, source.id)
    if kept.config.get("own"):
        await _drop_credential(conn, grant, source)
    await audit.record(conn, principal, "data_source.delete", KIND, source.id, source.name)
    return files


async def delete_files(ctx: Context, names: list[str]) -> None:
    objects = ctx.get(ResultFiles).objects
    for name in names:
        await asyncio.to_thread(objects.delete, name)


async def pause(
    conn: Connection, principal: Principal, source: NumberedSource, reason: str | None, *, is_paused: bool
) -> None:
    """For who administers it. Raises `Forbidden`."""
    if source.role is None or source.role < Role.ADMIN:
        raise errors.Forbidden
    await foreign.pause(conn, principal.org_id, source.id, reason, is_paused=is_paused)
    action = "data_source.pause" if is_paused else "data_source.resume"
    await audit.record(conn, principal, action, KIND, source.id, source.name)


async def options_of(ctx: Context, conn: Connection, principal: Principal, source: NumberedSource) -> Any:
    """How it is reached, secrets hidden."""
    grant = connectors.authorize(principal, "credential.read")
    kept = await foreign.kept(conn, principal.org_id, source.id)
    if source.credential_id is None or "credential" in kept.config:
        return {name: value for name, value in kept.config.items() if name == "credential"}
    found = await connectors.find_credential(conn, grant, source.credential_id)
    secrets = msgspec.to_builtins((await connectors.opened(conn, grant, ctx.keys.encryption, found))[1])
    given = {name for name, value in secrets.items() if value is not None}
    return {
        **found.settings,
        **{name: HIDDEN for name in _fields(KINDS[found.kind].secrets) if name in given},
    }


async def check(ctx: Context, principal: Principal, source: NumberedSource) -> tuple[bool, str]:
    """Whether it answers, and what it says."""
    grant = connectors.authorize(principal, "credential.check")
    if source.provider == RESULTS:
        return True, "success"
    if source.credential_id is None:
        return False, "The data source has no credential any more."
    async with ctx.db.control.transaction() as conn:
        known = await connectors.find_credential(conn, grant, source.credential_id)
        secrets = msgspec.to_builtins((await connectors.opened(conn, grant, ctx.keys.encryption, known))[1])
    # As moving data sources from another server leaves them, where nobody reads what is hidden.
    lacking = next((name for name, value in secrets.items() if value == HIDDEN), None)
    if lacking is not None:
        return False, f"Its option '{lacking}' has not been entered yet."
    found = await connectors.check(ctx, grant, source.credential_id)
    return found.ok, "success" if found.ok else found.detail


async def schema(
    ctx: Context, principal: Principal, source: NumberedSource, *, fresh: bool
) -> list[DescribedTable]:
    """The tables of a foreign one, as it said last. Raises `BadRequest` when it does not say."""
    if source.provider == RESULTS:
        return []
    async with ctx.db.control.transaction() as conn:
        kept = await foreign.kept(conn, principal.org_id, source.id)
    if kept.shape is not None and not fresh:
        return [_described(one) for one in kept.shape]
    if source.credential_id is None:
        raise errors.BadRequest("The data source has no credential any more.")
    # Who sees the data source sees its tables; the credential is the source's.
    grant = Grant(principal, "data_source.read", source.role or Role.COLLABORATOR)
    found = [
        {"name": ".".join(one.name), "columns": [(column.name, column.type) for column in one.columns]}
        for one in await connectors.describe(ctx, grant, source.credential_id)
    ]
    found.sort(key=lambda one: str(one["name"]))
    async with ctx.db.control.transaction() as conn:
        await foreign.note_shape(conn, principal.org_id, source.id, found)
    return [_described(one) for one in found]


def _described(kept: Mapping[str, Any]) -> DescribedTable:
    return DescribedTable(kept["name"], tuple((name, kind) for name, kind in kept["columns"]))


def types() -> list[dict[str, Any]]:
    """The types, with JSON Schemas of what they take."""
    found = [_type(one) for one in KINDS.values()]
    empty: dict[str, Any] = {"type": "object", "properties": {}, "required": [], "secret": [], "order": []}
    return [*found, {"name": "Query results", "type": RESULTS, "configuration_schema": empty}]


def _type(kind: Kind) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    required: list[str] = []
    for part in (kind.settings, kind.secrets):
        _, components = msgspec.json.schema_components([part])
        own = components[part.__name__]
        properties |= own.get("properties", {})
        required += own.get("required", [])
    secret = _fields(kind.secrets)
    schema = {
        "type": "object",
        "properties": properties,
        "required": required,
        "secret": secret,
        "order": list(properties),
    }
    return {"name": kind.title, "type": kind.name, "configuration_schema": schema}


def _taken(name: str) -> errors.BadRequest:
    return errors.BadRequest(f"Data source with the name {name[:200]} already exists.")
