from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from penstock.kit import errors
from penstock.kit.shelf import Kept, Shelf, act_for
from tests.databases import TestDatabase

pytestmark = pytest.mark.anyio
SIZE = 3


@pytest.fixture
async def shelf(database: TestDatabase) -> AsyncIterator[Shelf]:
    login = database.account.direct
    async with asyncpg.create_pool(**login.arguments(), min_size=0, max_size=SIZE) as pool:
        opened = Shelf(pool, SIZE)
        yield opened
        await opened.close()


async def backend(shelf: Shelf) -> int:
    kept = await shelf.take()
    row = await kept.row("SELECT pg_backend_pid()", [])
    await shelf.give(kept)
    assert row is not None
    return row[0]


async def test_the_connection_used_last_is_used_again(shelf: Shelf) -> None:
    assert len({await backend(shelf) for _ in range(10)}) == 1


async def test_waiting_callers_are_served_with_no_more_connections_than_allowed(shelf: Shelf) -> None:
    async def call() -> int:
        kept = await shelf.take()
        row = await kept.row("SELECT pg_backend_pid(), pg_sleep(0.001)", [])
        await shelf.give(kept)
        assert row is not None
        return row[0]

    used = await asyncio.gather(*(call() for _ in range(200)))
    assert len(used) == 200
    assert 1 < len(set(used)) <= SIZE


async def test_a_closed_connection_is_replaced(shelf: Shelf) -> None:
    kept = await shelf.take()
    await shelf.give(kept)
    await kept.raw.close()
    assert await backend(shelf) > 0


async def test_a_terminated_connection_is_replaced(shelf: Shelf, database: TestDatabase) -> None:
    first = await backend(shelf)
    killer = await asyncpg.connect(**database.account.direct.arguments())
    assert await killer.fetchval("SELECT pg_terminate_backend($1, 5000)", first)
    await killer.close()
    await asyncio.sleep(0.05)
    assert await backend(shelf) != first


async def test_a_statement_survives_a_change_of_its_table(shelf: Shelf) -> None:
    kept = await shelf.take()
    await kept.raw.execute("CREATE TABLE pg_temp.things (a int)")
    await kept.raw.execute("INSERT INTO pg_temp.things VALUES (1)")
    assert tuple(await kept.row("SELECT * FROM pg_temp.things", []) or ()) == (1,)
    await kept.raw.execute("ALTER TABLE pg_temp.things ADD b text DEFAULT 'x'")
    assert tuple(await kept.row("SELECT * FROM pg_temp.things", []) or ()) == (1, "x")
    assert tuple(await kept.row("SELECT * FROM pg_temp.things", []) or ()) == (1, "x")
    await shelf.give(kept)


async def test_a_caller_that_gives_up_takes_nothing_along(shelf: Shelf) -> None:
    held = [await shelf.take() for _ in range(SIZE)]
    waiting = [asyncio.create_task(shelf.take()) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    for kept in held:
        await shelf.give(kept)
    waiting[1].cancel()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    for kept in results:
        if not isinstance(kept, BaseException):
            await shelf.give(kept)
    free = [await asyncio.wait_for(shelf.take(), 5) for _ in range(SIZE)]
    for kept in free:
        await shelf.give(kept)


async def test_a_cancelled_statement_leaves_a_usable_connection(shelf: Shelf) -> None:
    async def slow() -> None:
        kept = await shelf.take()
        try:
            await kept.row("SELECT pg_sleep(10)", [])
        except BaseException:
            await shelf.drop(kept)
            raise

    tasks = [asyncio.create_task(slow()) for _ in range(SIZE)]
    await asyncio.sleep(0.2)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert await asyncio.wait_for(backend(shelf), 5) > 0


async def test_a_failure_to_connect_frees_the_place(database: TestDatabase) -> None:
    login = {**database.account.direct.arguments(), "password": "wrong", "database": "penstock_is_not_here"}
    pool = await asyncpg.create_pool(**login, min_size=0, max_size=1)
    shelf = Shelf(pool, 1)
    for _ in range(3):
        with pytest.raises((asyncpg.PostgresError, OSError)):
            await asyncio.wait_for(shelf.take(), 5)
    await pool.close()


async def take_for(party: int, shelf: Shelf) -> Kept:
    act_for(party)
    return await shelf.take()


async def test_no_party_holds_every_connection(shelf: Shelf) -> None:
    """Of three, one is left for others, however many one party asks for."""
    greedy = [asyncio.create_task(take_for(1, shelf)) for _ in range(5)]
    await asyncio.sleep(0.3)
    assert [task.done() for task in greedy] == [True, True, False, False, False]
    other = await asyncio.wait_for(asyncio.create_task(take_for(2, shelf)), 5)
    # Full now: of those who wait, the party that holds fewest comes first, though it came last.
    third = asyncio.create_task(take_for(3, shelf))
    await asyncio.sleep(0)
    await shelf.give(greedy[0].result())
    assert (await asyncio.wait_for(third, 5)).party == 3
    assert not greedy[2].done()
    await shelf.give(third.result())
    assert (await asyncio.wait_for(greedy[2], 5)).party == 1
    await shelf.give(other)
    for task in greedy[1:]:
        await shelf.give(await asyncio.wait_for(task, 5))
    assert len({await backend(shelf) for _ in range(3)}) == 1


async def test_parties_are_forgotten_when_they_hold_nothing(shelf: Shelf) -> None:
    async def work(party: int) -> None:
        act_for(party)
        for _ in range(20):
            assert await backend(shelf) > 0

    await asyncio.gather(*(asyncio.create_task(work(party)) for party in range(8)))
    assert shelf._held == {}
    assert len(shelf._idle) <= SIZE


async def test_waiting_has_an_end(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("penstock.kit.shelf._PATIENCE", 0.2)
    held = [await shelf.take() for _ in range(SIZE)]
    with pytest.raises(errors.Unavailable, match="busy"):
        await shelf.take()
    assert not shelf._waiting
    for kept in held:
        await shelf.give(kept)
    assert await backend(shelf) > 0
