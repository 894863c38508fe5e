"""The verbs on credentials. Secrets go in sealed, and come out for whoever connects, never for who asks."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID, uuid4

import msgspec
from msgspec import UNSET

from penstock.connectors import store
from penstock.connectors.kinds import Kind, kind_of
from penstock.connectors.kinds.base import PATIENCE, CheckFailed, Fields, TableShape
from penstock.connectors.models import CheckResult, Credential
from penstock.connectors.schemas import CredentialCreate, CredentialPatch
from penstock.identity import Grant, Principal, audit
from penstock.kit import errors
from penstock.kit.context import Context
from penstock.kit.crypto import KeyRing, UnknownKey
from penstock.kit.db import Connection
from penstock.kit.outbound import OutboundSettings

KIND = "credential"
_AT_ONCE = asyncio.Semaphore(8)  # checks in one process
_F = TypeVar("_F", bound=Fields)


async def create_credential(
    conn: Connection, grant: Grant, ring: KeyRing, wanted: CredentialCreate
) -> Credential:
    """Raises `Invalid` for what the kind does not take, `Conflict` for a name that is taken."""
    kind = kind_of(wanted.kind)
    settings = _fields(kind.settings, wanted.settings, "settings")
    secrets = _fields(kind.secrets, wanted.secrets, "secrets")
    uid = uuid4()
    made = await store.add(
        conn,
        {
            "uid": uid,
            "org_id": grant.org_id,
            "name": wanted.name,
            "kind": kind.name,
            "description": wanted.description,
            "settings": msgspec.to_builtins(settings),
            "sealed": _sealed(ring, uid, secrets),
            "created_by": grant.principal.user_id,
        },
    )
    if made is None:
        raise _taken(wanted.name)
    await _record(conn, grant, made, {"kind": kind.name})
    return made


async def find_credential(
    conn: Connection, grant: Grant, credential_id: int, *, lock: bool = False
) -> Credential:
    """Raises `NotFound`, also for one of another org."""
    found = await store.find(conn, grant, credential_id, lock=lock) if credential_id > 0 else None
    if found is None:
        raise errors.NotFound
    return found


async def credential_named(conn: Connection, grant: Grant, name: str) -> Credential | None:
    """For what refers to a credential by its name."""
    return await store.find_named(conn, grant, name)


async def update_credential(
    conn: Connection, grant: Grant, ring: KeyRing, credential: Credential, wanted: CredentialPatch
) -> Credential:
    """Absent fields stay. New settings need the secrets again: they were entrusted for the system named so far."""
    kind = kind_of(credential.kind)
    values: dict[str, Any] = {
        name: value
        for name in ("name", "description")
        if (value := getattr(wanted, name)) is not UNSET and value != getattr(credential, name)
    }
    if wanted.settings is not UNSET:
        settings = msgspec.to_builtins(_fields(kind.settings, wanted.settings, "settings"))
        if settings != credential.settings:
            if wanted.secrets is UNSET:
                sentence = "Settings change together with the secrets, which must be given again."
                raise errors.Invalid({"secrets": [sentence]})
            values["settings"] = settings
    if wanted.secrets is not UNSET:
        secrets = _fields(kind.secrets, wanted.secrets, "secrets")
        values["sealed"] = _sealed(ring, credential.uid, secrets)
    if not values:
        return credential
    changed = sorted("secrets" if name == "sealed" else name for name in values)
    if values.keys() & {"settings", "sealed"}:
        values |= {"checked_at": None, "check_ok": None, "check_detail": None}
    try:
        async with conn.savepoint():
            found = await store.change(conn, grant, credential.id, values, secrets_changed="sealed" in values)
    except store.NameTaken:
        raise _taken(wanted.name) from None
    await _record(conn, grant, found, {"changed": changed})
    return found


async def delete_credential(conn: Connection, grant: Grant, credential: Credential) -> None:
    await store.remove(conn, grant, credential.id)
    await _record(conn, grant, credential, {"kind": credential.kind})


async def opened(conn: Connection, grant: Grant, ring: KeyRing, credential: Credential) -> tuple[Any, Any]:
    """The settings and the secrets, for who connects. Raises `Conflict` when they cannot be opened any more."""
    kind = kind_of(credential.kind)
    sealed = await store.sealed(conn, grant, credential.id)
    if sealed is None:
        raise errors.NotFound
    try:
        text = ring.decrypt(sealed, context=_place(credential.uid))
    except UnknownKey as error:
        raise errors.Conflict(
            "The secrets were sealed with a key that this server does not have; give them again."
        ) from error
    try:
        settings = msgspec.convert(credential.settings, kind.settings)
        return settings, msgspec.json.decode(text, type=kind.secrets)
    except msgspec.ValidationError as error:
        raise errors.Conflict("The credential was made by another release; give it again.") from error


async def check(ctx: Context, grant: Grant, credential_id: int) -> CheckResult:
    """Try to connect, and note what came of it. Holds no connection of ours meanwhile."""
    async with ctx.db.control.transaction() as conn:
        credential = await find_credential(conn, grant, credential_id)
        settings, secrets = await opened(conn, grant, ctx.keys.encryption, credential)
    result = await _try(kind_of(credential.kind), settings, secrets, reach_of(ctx, grant.principal))
    async with ctx.db.control.transaction() as conn:
        await store.note_check(conn, grant, credential, result)
        await _record(conn, grant, credential, {"ok": result.ok})
    return result


def reach_of(ctx: Context, principal: Principal) -> OutboundSettings:
    """Where connections may go and files may be, for this org; files of its own in `data_dir` when nothing is set."""
    found = ctx.settings(OutboundSettings)
    given = found.file_directories
    if not given and ctx.scratch is not None:
        given = (str(ctx.scratch / "files" / "{org}"),)
    return replace(found, file_directories=tuple(one.replace("{org}", principal.org_slug) for one in given))


async def describe(ctx: Context, grant: Grant, credential_id: int) -> list[TableShape]:
    """The tables of the system. Raises `BadRequest` with the reason it does not say."""
    async with ctx.db.control.transaction() as conn:
        credential = await find_credential(conn, grant, credential_id)
        settings, secrets = await opened(conn, grant, ctx.keys.encryption, credential)
    kind = kind_of(credential.kind)
    assert kind.describe is not None
    try:
        async with asyncio.timeout(PATIENCE * 2), _AT_ONCE:
            return await kind.describe(settings, secrets, reach_of(ctx, grant.principal))
    except TimeoutError as error:
        raise errors.BadRequest(f"It does not answer within {PATIENCE:g} seconds.") from error
    except (CheckFailed, errors.Transient, errors.Terminal) as error:
        raise errors.BadRequest(_scrubbed(str(error), secrets)) from error


async def reseal(conn: Connection, ring: KeyRing, most: int) -> int:
    """Seal with the current key what an older one sealed; gives how many, at most `most`."""
    rows = await store.sealed_with_another_key(conn, ring.current[0], most)
    done = 0
    for row in rows:
        try:
            text = ring.decrypt(row["sealed"], context=_place(row["uid"]))
        except UnknownKey:
            continue  # nobody can open it; checking it says so
        await store.reseal(conn, row["id"], ring.encrypt(text, context=_place(row["uid"])))
        done += 1
    return done


async def _try(kind: Kind, settings: Any, secrets: Any, limits: OutboundSettings) -> CheckResult:
    try:
        async with asyncio.timeout(PATIENCE * 2), _AT_ONCE:
            return CheckResult(True, _scrubbed(await kind.check(settings, secrets, limits), secrets))
    except TimeoutError:
        return CheckResult(False, f"It does not answer within {PATIENCE:g} seconds.")
    except (CheckFailed, errors.Transient, errors.Terminal) as error:
        return CheckResult(False, _scrubbed(str(error), secrets))


def _scrubbed(sentence: str, secrets: Fields) -> str:
    """What another system says may repeat what it was told."""
    for value in msgspec.structs.asdict(secrets).values():
        if isinstance(value, str) and value:
            sentence = sentence.replace(value, "***")
    return sentence.replace("\0", " ")


def _fields(kind: type[_F], given: Mapping[str, Any], where: str) -> _F:
    try:
        return msgspec.convert(given, kind, strict=True)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$")
        name = path.rstrip("`").lstrip(".")
        raise errors.Invalid({f"{where}.{name}" if name else where: [message]}) from error


def _sealed(ring: KeyRing, uid: UUID, secrets: Fields) -> str:
    return ring.encrypt(msgspec.json.encode(secrets).decode(), context=_place(uid))


def _place(uid: UUID) -> str:
    return f"credential:{uid}"


def _taken(name: Any) -> errors.Conflict:
    sentence = f"There is a credential named '{name}' already."
    return errors.Conflict(sentence, errors={"name": [sentence]})


async def _record(conn: Connection, grant: Grant, credential: Credential, detail: Mapping[str, Any]) -> None:
    await audit.record(conn, grant.principal, grant.action, KIND, credential.id, credential.name, detail)
