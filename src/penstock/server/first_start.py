"""The first start: an organization, its administrator and a key, made once however many servers start."""

from __future__ import annotations

from penstock import identity
from penstock.kit.crypto import Keys
from penstock.kit.db import Connection
from penstock.server.logins import Logins, connected
from penstock.server.settings import Settings
from penstock.server.spaces import subscribed

_LOCK = 7_310_519_261


async def first_start(logins: Logins, keys: Keys, settings: Settings) -> identity.FirstStart | None:
    """What was generated and must be shown once, or None."""
    async with connected(logins.direct) as raw, raw.transaction():
        await raw.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")
        return await identity.first_start(
            Connection(raw), settings.of(identity.IdentitySettings), subscribed(keys.encryption)
        )
