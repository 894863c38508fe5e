from __future__ import annotations

import asyncio

import pytest

from penstock.identity import limits
from penstock.identity.limits import Bucket, RequestLimits
from penstock.kit import errors

pytestmark = pytest.mark.anyio


async def spent(limit: RequestLimits, per_minute: int, tries: int) -> int:
    done = 0
    for _ in range(tries):
        try:
            await limit.spend("k", per_minute)
        except errors.Throttled as throttled:
            assert throttled.headers["Retry-After"].isdigit()
        else:
            done += 1
    return done


async def test_processes_share_a_bucket(ctx) -> None:
    one, two = RequestLimits(ctx.db.control), RequestLimits(ctx.db.control)
    assert await spent(one, 30, 20) == 20
    assert await spent(two, 30, 20) in (10, 11)
    assert await spent(one, 30, 20) <= 1


async def test_leases_never_hand_out_more_than_the_limit(ctx) -> None:
    both = [RequestLimits(ctx.db.control) for _ in range(2)]
    done = sum(await asyncio.gather(*(spent(one, 600, 400) for one in both for _ in range(2))))
    # A second's worth may come back while this runs, and each process may keep an unused lease.
    assert 560 <= done <= 640


async def test_buckets_fill_again(ctx) -> None:
    bucket = Bucket.of("b", 2, 0.2)
    async with ctx.db.control.transaction() as conn:
        assert [await limits.take(conn, bucket) for _ in range(2)] == [None, None]
        wait = await limits.take(conn, bucket)
        assert wait is not None
        assert 0 < wait <= 0.1
        await asyncio.sleep(0.15)
        assert await limits.take(conn, bucket) is None
        await limits.give_back(conn, bucket)
        assert await limits.take(conn, bucket) is None


def test_waits_are_whole_seconds() -> None:
    assert limits.throttled(0.01).message == "Request was throttled. Expected available in 1 second."
    assert limits.throttled(44.2).headers["Retry-After"] == "45"


async def test_old_buckets_are_swept(ctx, monkeypatch) -> None:
    monkeypatch.setattr(limits, "_PURGE_ODDS", 1.1)
    async with ctx.db.control.transaction() as conn:
        await limits.take(conn, Bucket.of("old", 1, 1))
        await conn.execute("UPDATE penstock.rate_buckets SET updated_at = now() - interval '2 days'")
        await limits.take(conn, Bucket.of("new", 1, 1))
        rows = await conn.rows("SELECT key FROM penstock.rate_buckets ORDER BY key")
    assert [row["key"] for row in rows] == ["new"]
