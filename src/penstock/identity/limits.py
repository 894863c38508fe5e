"""Request and sign-in limits: token buckets in an unlogged table, one for all processes."""

from __future__ import annotations

import math
import random
import time
from dataclasses import dataclass

from penstock.identity.store import QUERIES
from penstock.kit import errors
from penstock.kit.db import Connection, Pool

_MOST_LEASES = 10_000
_PURGE_ODDS = 0.001


@dataclass(frozen=True, slots=True)
class Bucket:
    """Holds up to `capacity` tokens and gains `per_second`."""

    key: str
    capacity: float
    per_second: float

    @classmethod
    def of(cls, key: str, amount: int, seconds: float) -> Bucket:
        return cls(key, amount, amount / seconds)


async def take(conn: Connection, bucket: Bucket, amount: int = 1) -> float | None:
    """Take tokens; None when done, else the seconds until there are enough."""
    if random.random() < _PURGE_ODDS:  # noqa: S311  (housekeeping, not a secret)
        await conn.execute(QUERIES["purge_buckets"])
    values = (bucket.key, bucket.capacity, bucket.per_second)
    if await conn.value(QUERIES["take_tokens"], *values, float(amount)) is not None:
        return None
    left = await conn.value(QUERIES["tokens_left"], *values)
    return max(0.0, (amount - (left or 0.0)) / bucket.per_second)


async def give_back(conn: Connection, bucket: Bucket) -> None:
    """Undo the taking of one token."""
    await conn.execute(QUERIES["give_token_back"], bucket.key, bucket.capacity)


def throttled(wait: float) -> errors.Throttled:
    return errors.Throttled(max(1, math.ceil(wait)))


@dataclass(slots=True)
class _Lease:
    left: int = 0
    # Until then (monotonic) the bucket is known to be empty.
    empty_until: float = 0.0


class RequestLimits:
    """Per-caller request limits. Tokens are leased from the table a second's worth at a time."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._leases: dict[str, _Lease] = {}

    async def spend(self, key: str, per_minute: int) -> None:
        """Count one request. Raises `Throttled` with the wait when the limit is reached."""
        lease = self._leases.get(key)
        if lease is None:
            if len(self._leases) >= _MOST_LEASES:
                self._leases.clear()
            lease = self._leases[key] = _Lease()
        if lease.left > 0:
            lease.left -= 1
            return
        now = time.monotonic()
        if now < lease.empty_until:
            raise throttled(lease.empty_until - now)
        wait = await self._renew(lease, Bucket.of(key, per_minute, 60.0))
        if wait is not None:
            lease.empty_until = now + wait
            raise throttled(wait)

    async def _renew(self, lease: _Lease, bucket: Bucket) -> float | None:
        several = max(1, int(bucket.per_second))
        wait = None
        async with self._pool.transaction() as conn:
            for amount in sorted({several, 1}, reverse=True):
                wait = await take(conn, bucket, amount)
                if wait is None:
                    lease.left += amount - 1
                    return None
        return wait
