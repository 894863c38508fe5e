"""MongoDB: a login on a server that we can reach. Needs the optional package pymongo."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Literal

from penstock.connectors.kinds.base import (
    PATIENCE,
    CheckFailed,
    Fields,
    Host,
    Kind,
    Password,
    Port,
    Word,
    shown,
)
from penstock.kit import outbound
from penstock.kit.outbound import OutboundSettings


class MongoSettings(Fields, kw_only=True):
    """Where the server is and as whom to log in; `auth_source` is the database that knows the user."""

    host: Host
    port: Port = 27017
    database: Word
    user: Word | None = None
    auth_source: Word = "admin"
    tls: Literal["off", "require", "verify"] = "off"


class MongoSecrets(Fields, kw_only=True):
    """The password of the user; none for a server that asks for none."""

    password: Password | None = None


async def check(settings: MongoSettings, secrets: MongoSecrets, limits: OutboundSettings) -> str:
    if (settings.user is None) != (secrets.password is None):
        raise CheckFailed("A user and a password go together: give both, or neither.")
    where = f"{settings.host}:{settings.port}"
    pymongo = _pymongo()
    milliseconds = int(PATIENCE * 1000)
    client = await client_of(
        settings,
        secrets,
        limits,
        serverSelectionTimeoutMS=milliseconds,
        connectTimeoutMS=milliseconds,
        socketTimeoutMS=milliseconds,
    )
    try:
        await client[settings.database].command("ping")
        version = (await client.server_info()).get("version", "")
    except pymongo.errors.OperationFailure as error:
        raise CheckFailed(f"{where} refuses the user or the password: {shown(_reason(error))}.") from error
    except pymongo.errors.PyMongoError as error:
        raise CheckFailed(f"No MongoDB answers at {where} within {PATIENCE:g} seconds.") from error
    finally:
        await client.close()
    return f"MongoDB {shown(version, 40)} answers" + (f" as '{settings.user}'." if settings.user else ".")


async def client_of(
    settings: MongoSettings, secrets: MongoSecrets, limits: OutboundSettings, **options: Any
) -> Any:
    """A client for this login, which connects when it is used. Raises what `outbound.addresses` does."""
    addresses = await outbound.addresses(settings.host, settings.port, limits)
    return _pymongo().AsyncMongoClient(
        # A certificate names the host; one that verifies is not that of a private neighbour.
        settings.host if settings.tls == "verify" else addresses[0],
        settings.port,
        username=settings.user,
        password=secrets.password,
        authSource=settings.auth_source,
        tls=settings.tls != "off",
        **({"tlsAllowInvalidCertificates": True} if settings.tls == "require" else {}),
        # What the server names as its neighbours was not looked at.
        directConnection=True,
        **options,
    )


def _reason(error: Any) -> str:
    details: Any = error.details or {}
    return str(details.get("errmsg", "no reason given"))


def _pymongo() -> Any:
    try:
        return import_module("pymongo")
    except ModuleNotFoundError as error:
        raise CheckFailed(
            "This server lacks the driver of MongoDB: pip install 'penstock[mongodb]'."
        ) from error


KIND = Kind("mongodb", "MongoDB", MongoSettings, MongoSecrets, check)
