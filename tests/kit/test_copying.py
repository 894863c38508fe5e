"""Rows by COPY: what values become, and how it ends."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.kit import errors
from penstock.kit.context import Context
from penstock.kit.copying import copy_out

pytestmark = pytest.mark.anyio


async def copied(ctx: Context, query: str, *values: Any, **options: Any) -> bytes:
    async with ctx.db.data.transaction() as conn:
        return b"".join([piece async for piece in copy_out(conn, query, values, **options)])


async def test_rows_come_as_copy_writes_them(ctx: Context) -> None:
    assert await copied(ctx, "SELECT 1, NULL, 'a\"b', ''", format="csv") == b'1,,"a""b",""\n'
    assert await copied(ctx, "SELECT n FROM generate_series(1, 0) AS n") == b""


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("bigint", -(2**63), b"-9223372036854775808"),
        ("numeric", Decimal("0.10"), b"0.10"),
        ("float8", 0.1, b"0.1"),
        ("boolean", True, b"t"),
        ("timestamptz", datetime(2025, 3, 1, 8, 30, tzinfo=UTC), b"2025-03-01 08:30:00+00"),
        ("text", "'; DROP TABLE x; -- $1 \\ \"", b'"\'; DROP TABLE x; -- $1 \\ """'),
        ("text", "", b'""'),
        ("text", None, b""),
        ("text[]", ["a,'b\"", None], b'"{""a,\'b\\"""",NULL}"'),
        ("bigint[]", [], b"{}"),
    ],
)
async def test_values_are_bound(ctx: Context, kind: str, value: Any, text: bytes) -> None:
    query = f"SELECT $1::{kind}, '$1', 'it''s $1' AS \"$1\""
    assert await copied(ctx, query, value, format="csv") == text + b",$1,it's $1\n"


async def test_many_values(ctx: Context) -> None:
    places = ", ".join(f"${number}::int" for number in range(1, 201))
    text = await copied(ctx, f"SELECT {places}", *range(200), format="csv")
    assert text.decode().split(",") == [*map(str, range(199)), "199\n"]


async def test_any_text_arrives(ctx: Context) -> None:
    texts: list[str] = []

    @settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
    def collect(text: str) -> None:
        texts.append(text)

    collect()
    async with ctx.db.data.transaction() as conn:
        for text in texts:
            query = "SELECT encode(convert_to($1::text, 'UTF8'), 'hex')"
            found = b"".join([piece async for piece in copy_out(conn, query, [text])])
            assert found.strip().decode() == text.encode().hex()


async def test_a_slow_reader_is_waited_for(ctx: Context) -> None:
    size = 0
    async with ctx.db.data.transaction() as conn:
        pieces = copy_out(conn, "SELECT repeat('x', 999) FROM generate_series(1, 20000)", ())
        async with aclosing(pieces):
            async for piece in pieces:
                assert piece.endswith(b"\n")
                assert len(piece) < 2_000_000
                size += len(piece)
                await asyncio.sleep(0.001)
    assert size == 20_000_000


async def test_who_goes_early_leaves_the_pool_in_order(ctx: Context) -> None:
    for _ in range(8):
        async with ctx.db.data.transaction() as conn:
            pieces = copy_out(conn, "SELECT repeat('x', 999) FROM generate_series(1, 1000000)", ())
            async with aclosing(pieces):
                assert await anext(pieces)
    with pytest.raises(ZeroDivisionError):
        async with ctx.db.data.transaction() as conn:
            pieces = copy_out(conn, "SELECT repeat('x', 999) FROM generate_series(1, 1000000)", ())
            async with aclosing(pieces):
                await anext(pieces)
                raise ZeroDivisionError
    assert await copied(ctx, "SELECT 1") == b"1\n"
    async with ctx.db.data.transaction() as conn:
        assert await conn.value("SELECT current_setting('penstock.value_1', true)") in (None, "")


async def test_what_fails_on_the_way_is_raised(ctx: Context) -> None:
    taken = 0
    with pytest.raises(Exception, match="division by zero"):
        async with ctx.db.data.transaction() as conn:
            query = "SELECT 1 / (n - 500000), repeat('x', 99) FROM generate_series(1, 1000000) AS n"
            async for piece in copy_out(conn, query, ()):
                taken += len(piece)
    assert taken > 1_000_000
    with pytest.raises(errors.Internal) as raised:
        await copied(ctx, "SELECT FROM FROM")
    assert isinstance(raised.value.__cause__, asyncpg.PostgresSyntaxError)
