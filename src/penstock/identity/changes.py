"""Telling every process, on commit, that what it remembers of a key, user, org or login is out of date."""

from __future__ import annotations

from penstock.kit.db import Connection

CHANNEL = "penstock_identity"


async def key_changed(conn: Connection, key_id: int) -> None:
    await conn.notify(CHANNEL, f"key:{key_id}")


async def user_changed(conn: Connection, user_id: int) -> None:
    await conn.notify(CHANNEL, f"user:{user_id}")


async def org_changed(conn: Connection, org_id: int) -> None:
    await conn.notify(CHANNEL, f"org:{org_id}")


async def login_ended(conn: Connection, family: str) -> None:
    await conn.notify(CHANNEL, f"family:{family}")
