"""The verbs on destinations, and the one by which other domains have a message sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast
from uuid import uuid4

import msgspec

from penstock.identity import Grant, audit
from penstock.kit import errors, jobs
from penstock.kit.context import Context
from penstock.kit.crypto import KeyRing, UnknownKey
from penstock.kit.db import Connection
from penstock.kit.jobs import Job
from penstock.kit.outbound import OutboundSettings
from penstock.notifications.destinations import store
from penstock.notifications.destinations.kinds import KINDS, Envelope, Kind
from penstock.notifications.destinations.models import Destination, Message, Mood
from penstock.notifications.models import DeliveryState
from penstock.notifications.sending import NotSent
from penstock.notifications.settings import MOST_ATTEMPTS, NotificationsSettings
from penstock.notifications.signing import new_secret

KIND: Final = "destination"
MOST: Final = 200  # destinations of an org
_LONGEST: Final = 255


class Send(msgspec.Struct):
    """The payload of the job that sends."""

    message_id: int


# How many attempts there really are is a setting, which the handler minds.
SEND: Final = Job(
    "destinations.send",
    Send,
    attempts=MOST_ATTEMPTS,
    time_limit=120.0,
    first_delay=5.0,
    longest_delay=3600.0,
)


async def create(
    conn: Connection, grant: Grant, ring: KeyRing, given: Mapping[str, Any]
) -> tuple[Destination, str | None]:
    """The destination, and the secret that was made for it, if one was. Raises `Invalid`."""
    kind, name = _kind(given), _name(given)
    plain, secrets = kind.read(_options(given))
    made_secret = None
    if any(one.name == "secret" for one in kind.options) and "secret" not in secrets:
        made_secret = secrets["secret"] = new_secret()
    if await store.count(conn, grant.org_id) >= MOST:
        raise errors.Conflict(f"An org has {MOST} destinations at most.")
    uid = uuid4()
    made = await store.add(
        conn,
        {
            "uid": uid,
            "org_id": grant.org_id,
            "name": name,
            "type": kind.type,
            "options": plain,
            **_sealed(ring, f"destination:{uid}", secrets),
            "created_by": grant.principal.user_id,
        },
    )
    if made is None:
        raise _taken(name)
    await _record(conn, grant, made)
    return made, made_secret


async def find(
    conn: Connection, org_id: int, destination_id: int | None, *, lock: bool = False
) -> Destination:
    """Raises `NotFound`."""
    found = None
    if destination_id is not None:
        found = await store.find(conn, org_id, destination_id, lock=lock)
    if found is None:
        raise errors.NotFound
    return found


async def change(
    conn: Connection, grant: Grant, ring: KeyRing, known: Destination, given: Mapping[str, Any]
) -> Destination:
    """What is not given stays; so does a secret for which a mask is given. Raises `Invalid`."""
    values: dict[str, Any] = {}
    if "name" in given:
        values["name"] = _name(given)
        if await store.is_taken(conn, grant.org_id, values["name"], known.id):
            raise _taken(values["name"])
    kind = _kind(given) if "type" in given else KINDS[known.type]
    if kind.type != known.type and "options" not in given:
        raise errors.Invalid({"options": [f"A destination of type '{kind.type}' has options of its own."]})
    if "options" in given:
        kept = await _opened(conn, ring, known) if kind.type == known.type else {}
        plain, secrets = kind.read(_options(given), kept)
        if kind.type == known.type and "secret" in kept:
            secrets.setdefault("secret", kept["secret"])
        values |= {"type": kind.type, "options": plain, **_sealed(ring, known.place, secrets)}
    if not values:
        return known
    changed = await store.change(conn, known.id, values)
    await _record(conn, grant, changed, {"changed": sorted(set(given) & {"name", "type", "options"})})
    return changed


async def remove(conn: Connection, grant: Grant, known: Destination) -> None:
    """What is under way to it is given up."""
    await store.remove(conn, known.id)
    await _record(conn, grant, known)


async def notify(
    conn: Connection,
    org_id: int,
    message: Message,
    *,
    about: str,
    destination_id: int | None = None,
    user_id: int | None = None,
) -> None:
    """Have a message sent, to a destination or to the e-mail address of a user, if this transaction commits."""
    values = {"org_id": org_id, "destination_id": destination_id, "user_id": user_id, "about": about}
    message_id = await store.add_message(conn, values, message)
    await jobs.defer(conn, SEND, Send(message_id), org_id=org_id)


async def refuse(
    conn: Connection,
    org_id: int,
    reason: str,
    *,
    about: str,
    destination_id: int | None = None,
    user_id: int | None = None,
) -> None:
    """Write down that, and why, nothing was sent."""
    values = {"org_id": org_id, "destination_id": destination_id, "user_id": user_id, "about": about}
    await store.add_message(conn, {**values, "state": DeliveryState.FAILED.value, "error": reason}, None)


async def try_out(ctx: Context, known: Destination) -> str | None:
    """Send it a message now; gives what went wrong, if anything did."""
    async with ctx.db.control.transaction() as conn:
        sealed = await store.sealed(conn, known.id)
    message = Message(
        event="test",
        title=f"A test of the destination {known.name}",
        text="Penstock can reach this destination.",
        html="<p>Penstock can reach this destination.</p>",
        mood=Mood.GOOD,
        data={"event": "test", "destination": {"id": known.id, "name": known.name}},
    )
    try:
        status = await send_to(ctx, known, sealed, message, f"msg_{uuid4().hex}")
    except NotSent as error:
        return str(error)
    return None if status is None or 200 <= status < 300 else f"The receiver answered {status}."


async def send_to(
    ctx: Context, known: Destination, sealed: str | None, message: Message, message_id: str
) -> int | None:
    """Raises `NotSent`."""
    try:
        secrets = _open(ctx.keys.encryption, known, sealed)
    except UnknownKey as error:
        sentence = "Its secrets were sealed with a key that this server does not have; enter them anew."
        raise NotSent(sentence) from error
    kind, options = KINDS[known.type], {**known.options, **secrets}
    lacking = kind.lacking(options)
    if lacking is not None:
        raise NotSent(f"Its option '{lacking}' has not been entered yet.", final=True)
    return await kind.send(options, envelope(ctx, message, message_id))


def envelope(ctx: Context, message: Message, message_id: str) -> Envelope:
    return Envelope(message, message_id, ctx.settings(NotificationsSettings), ctx.settings(OutboundSettings))


async def _opened(conn: Connection, ring: KeyRing, known: Destination) -> dict[str, Any]:
    try:
        return _open(ring, known, await store.sealed(conn, known.id))
    except UnknownKey:
        return {}


def _open(ring: KeyRing, known: Destination, sealed: str | None) -> dict[str, Any]:
    return {} if sealed is None else msgspec.json.decode(ring.decrypt(sealed, context=known.place))


def _sealed(ring: KeyRing, place: str, secrets: Mapping[str, Any]) -> dict[str, Any]:
    if not secrets:
        return {"sealed": None, "secret_names": []}
    text = msgspec.json.encode(dict(secrets)).decode()
    return {"sealed": ring.encrypt(text, context=place), "secret_names": sorted(secrets)}


def _kind(given: Mapping[str, Any]) -> Kind:
    kind = given.get("type")
    found = KINDS.get(kind) if isinstance(kind, str) else None
    if found is None:
        shown = f"'{kind[:40]}' is no type" if isinstance(kind, str) else "It must be a type"
        raise errors.Invalid({"type": [f"{shown} of destination; the types are {', '.join(KINDS)}."]})
    return found


def _name(given: Mapping[str, Any]) -> str:
    name = given.get("name")
    if not isinstance(name, str) or not 1 <= len(name.strip()) <= _LONGEST:
        raise errors.Invalid({"name": [f"It must be a string of 1 to {_LONGEST} characters."]})
    return name.strip()


def _options(given: Mapping[str, Any]) -> Mapping[str, Any]:
    options = given.get("options")
    if not isinstance(options, dict):
        raise errors.Invalid({"options": ["It must be an object."]})
    return cast("dict[str, Any]", options)


def _taken(name: str) -> errors.Invalid:
    sentence = f"Alert Destination with the name {name} already exists."
    return errors.Invalid({"name": [sentence]}, message=sentence)


async def _record(
    conn: Connection, grant: Grant, known: Destination, detail: Mapping[str, Any] | None = None
) -> None:
    await audit.record(conn, grant.principal, grant.action, KIND, known.id, known.name, detail)
