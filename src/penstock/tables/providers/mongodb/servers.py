"""Connections to MongoDB: one client for each login, kept while it is used; and which database a source means.

What a source says is read again every few seconds, so a credential that was changed or deleted is not used for longer.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pymongo
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import ConfigurationError, InvalidURI, OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from penstock import connectors
from penstock.identity import Grant
from penstock.kit import errors
from penstock.kit.context import Context
from penstock.kit.db import Connection
from penstock.kit.outbound import OutboundSettings
from penstock.tables import store
from penstock.tables.providers.mongodb.failures import ENDED, Ended, code_of, translate, translated
from penstock.tables.settings import TablesSettings

T = TypeVar("T")
_TRUST = 5.0  # seconds
_MAX_CLIENTS = 32
_DUPLICATE = 11000
_EXISTS = 48  # NamespaceExists
_SNAPSHOTS = 13  # the wire version of MongoDB 5.0
_POOL = 20
_PATIENCE_MS = 3_000
_OPTIONS: CodecOptions[dict[str, Any]] = CodecOptions(
    document_class=dict, tz_aware=False, uuid_representation=UuidRepresentation.STANDARD
)
_NO_SERVER = (
    "This data source names no credential, and the server has no MongoDB of its own (setting mongodb_url)."
)


@dataclass
class Server:
    """A client, what kind of server it found, and which collections it has made sure of.

    `patience` is how many milliseconds MongoDB may work on one command.
    """

    client: pymongo.AsyncMongoClient[dict[str, Any]]
    patience: int
    used: float
    has_transactions: bool | None = None
    has_snapshots: bool = False
    ready: set[tuple[str, str, str]] = field(default_factory=set[tuple[str, str, str]])

    async def can_transact(self) -> bool:
        """False for a server that stands alone: it changes one record at a time."""
        if self.has_transactions is None:
            with translated():
                found = await self.client.admin.command("hello")
            self.has_transactions = "setName" in found or found.get("msg") == "isdbgrid"
            self.has_snapshots = bool(self.has_transactions) and found.get("maxWireVersion", 0) >= _SNAPSHOTS
        return bool(self.has_transactions)


@dataclass(frozen=True)
class Place:
    """A database on a server, for the collections of one data source."""

    server: Server
    database: AsyncDatabase[dict[str, Any]]

    @property
    def patience(self) -> int:
        return self.server.patience

    def collection(self, name: str) -> AsyncCollection[dict[str, Any]]:
        return self.database[name]

    async def make(self, name: str, **options: Any) -> bool:
        """Create a collection; false when it is there already."""
        try:
            await self.database.command({"create": name, **options})
        except OperationFailure as error:
            if error.code != _EXISTS:
                raise
            return False
        return True


@dataclass
class _Known:
    """What a source said when it was last looked at."""

    place: Place
    key: str
    checked: float


class Servers:
    """The clients of a process."""

    def __init__(self) -> None:
        self._servers: dict[str, Server] = {}
        self._sources: dict[int, _Known] = {}

    async def place(
        self, ctx: Context, grant: Grant, source_id: int, conn: Connection | None = None
    ) -> Place:
        """Where the records of a source are; `conn` is a transaction that sees it.

        Raises `BadRequest` for a source without a server, `Unavailable` when its credential cannot be used.
        """
        known, now = self._sources.get(source_id), time.monotonic()
        if known is not None and now - known.checked < _TRUST:
            known.place.server.used = now
            return known.place
        if len(self._sources) > 10_000:
            self._sources.clear()
        if conn is not None:
            key, name, connect = await _login(ctx, conn, grant, source_id)
        else:
            async with ctx.db.control.transaction() as own:
                key, name, connect = await _login(ctx, own, grant, source_id)
        server = self._servers.get(key)
        if server is None:
            await self._make_room()
            patience = int(ctx.settings(TablesSettings).mongodb_timeout * 1000)
            made = Server(await connect(), patience, now)
            server = self._servers.setdefault(key, made)
            if server is not made:  # another request was faster
                await made.client.close()
        server.used = now
        place = Place(server, server.client.get_database(name, codec_options=_OPTIONS))
        self._sources[source_id] = _Known(place, key, now)
        return place

    async def _make_room(self) -> None:
        """Clients of logins that have changed are the ones that are not used any more."""
        while len(self._servers) >= _MAX_CLIENTS:
            key = min(self._servers, key=lambda one: self._servers[one].used)
            self._sources = {source: known for source, known in self._sources.items() if known.key != key}
            await self._servers.pop(key).client.close()

    async def close(self) -> None:
        self._sources.clear()
        while self._servers:
            await self._servers.popitem()[1].client.close()


Client = pymongo.AsyncMongoClient[dict[str, Any]]


async def _login(
    ctx: Context, conn: Connection, grant: Grant, source_id: int
) -> tuple[str, str, Callable[[], Awaitable[Client]]]:
    """What tells this login from others, the name of the database, and how to connect."""
    settings = ctx.settings(TablesSettings)
    limits: dict[str, Any] = {
        "maxPoolSize": _POOL,
        "serverSelectionTimeoutMS": _PATIENCE_MS,
        "connectTimeoutMS": _PATIENCE_MS,
        # MongoDB is told to end sooner by itself; this is for one that is gone.
        "socketTimeoutMS": int(settings.mongodb_timeout * 1000) + _PATIENCE_MS,
        "appName": "penstock",
    }
    found = await store.source_config(conn, grant, source_id)
    if found is None:
        raise errors.NotFound
    name = found.config.get("credential")
    if name is None:
        return _own(settings, found.org_schema, found.app_id, found.config.get("database"), limits)
    credential = await connectors.credential_named(conn, grant, name)
    if credential is None or credential.kind != "mongodb":
        raise errors.BadRequest(
            f"The data source names the credential '{name}', and there is no such credential of kind 'mongodb'."
        )
    opened, secrets = await connectors.opened(conn, grant, ctx.keys.encryption, credential)
    stamp = f"{credential.uid}:{credential.secrets_changed_at}:{credential.updated_at}"

    async def connect() -> Client:
        outbound = ctx.settings(OutboundSettings)
        try:
            return await connectors.mongodb_client(opened, secrets, outbound, **limits)
        except (errors.Terminal, errors.Transient) as error:
            raise errors.Unavailable(f"MongoDB cannot be reached: {error}") from error

    return stamp, str(found.config.get("database") or opened.database), connect


def _own(
    settings: TablesSettings, org_schema: str, app_id: int, given: str | None, limits: dict[str, Any]
) -> tuple[str, str, Callable[[], Awaitable[Client]]]:
    """The server's own MongoDB: each app has databases of its own there, whatever it calls them."""
    url = settings.mongodb_url
    if url is None:
        raise errors.BadRequest(_NO_SERVER)

    async def connect() -> Client:
        try:
            return pymongo.AsyncMongoClient(url, **limits)
        except (ConfigurationError, InvalidURI, PyMongoError, ValueError) as error:
            raise errors.Unavailable("The setting mongodb_url of this server cannot be used.") from error

    name = f"{_prefix(url)}{org_schema}_{app_id}"
    return f"url:{url}", f"{name}_{given}" if given else name, connect


def _prefix(url: str) -> str:
    """The database that the URL names begins the names of all that are made there."""
    path = url.partition("://")[2].partition("/")[2].partition("?")[0]
    return f"{path}_" if path else ""


async def transact(server: Server, work: Callable[[AsyncClientSession], Awaitable[T]]) -> T:
    """`work` in a transaction, which is all or nothing. Raises `Contended` when it cannot get through."""
    async with server.client.start_session() as session:
        try:
            async with await session.start_transaction(
                read_concern=ReadConcern("snapshot"),
                write_concern=WriteConcern("majority"),
                max_commit_time_ms=server.patience,
            ):
                return await work(session)
        except PyMongoError as error:
            if error.has_error_label("TransientTransactionError"):
                raise (Ended if code_of(error) in ENDED else errors.Contended) from error
            if isinstance(error, OperationFailure) and error.code == _DUPLICATE:
                raise
            raise translate(error) from error
