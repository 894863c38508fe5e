"""The first start: an organization, its administrator and a key, made once however many servers start."""

from __future__ import annotations

from typing import Any

from penstock import identity
from penstock.kit.crypto import Keys
from penstock.kit.db import Connection
from penstock.server.database import Logins, connected
from penstock.server.settings import Settings

_LOCK = 7_310_519_261


async def first_start(logins: Logins, keys: Keys, settings: Settings) -> Any:
    """What was generated and must be shown once, or None."""
    make = getattr(identity, "first_start", None)
    if make is None:
        return None
    async with connected(logins.direct) as raw, raw.transaction():
        await raw.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")
        return await make(Connection(raw), settings.of(identity.IdentitySettings))
