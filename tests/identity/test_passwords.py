from __future__ import annotations

import asyncio
import time

import pytest

from penstock.identity import passwords
from penstock.identity.passwords import Passwords
from penstock.kit import errors


@pytest.mark.anyio
async def test_only_the_password_verifies() -> None:
    kept = Passwords()
    hashed = await kept.hash("pässword\0 \U0001f511")
    assert hashed.startswith("$argon2id$")
    assert await kept.verify(hashed, "pässword\0 \U0001f511")
    assert not await kept.verify(hashed, "pässword")
    assert not await kept.verify(None, "pässword")
    assert not await kept.verify("not a hash", "pässword")
    assert not kept.outdated(hashed)


@pytest.mark.anyio
async def test_the_hash_of_nobody_costs_what_others_cost() -> None:
    nobody = passwords._NOBODY
    assert not Passwords().outdated(nobody)
    assert not await Passwords().verify(None, "nobody has this password")


@pytest.mark.anyio
async def test_hashing_leaves_the_loop_alone_and_two_run_at_once() -> None:
    kept = Passwords()
    longest = 0.0
    done = asyncio.Event()

    async def watch() -> None:
        nonlocal longest
        while not done.is_set():
            begun = time.perf_counter()
            await asyncio.sleep(0)
            longest = max(longest, time.perf_counter() - begun)

    watcher = asyncio.create_task(watch())
    await asyncio.gather(*(kept.hash("x" * 10) for _ in range(8)))
    done.set()
    await watcher
    assert longest < 0.5


@pytest.mark.anyio
async def test_beyond_a_hundred_waiting_the_rest_is_turned_away() -> None:
    kept = Passwords()
    kept._waiting = 100
    with pytest.raises(errors.Unavailable):
        await kept.hash("x")


def test_what_a_password_is() -> None:
    passwords.check("12345678", 8)
    for bad in ("1234567", "", "x" * 1025):
        with pytest.raises(errors.Invalid) as caught:
            passwords.check(bad, 8, field="new_password")
        assert caught.value.errors is not None
        assert list(caught.value.errors) == ["new_password"]
