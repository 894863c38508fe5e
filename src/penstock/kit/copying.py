"""Rows out of PostgreSQL by COPY: its bytes as they come, many rows at a time.

COPY takes no values. They are bound to settings of the transaction before it, which the query then reads: what a
user sent never becomes part of a statement.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from typing import Any

from penstock.kit import sql
from penstock.kit.db import Connection

# Texts and identifiers, in which `$1` means nothing; or the place of a value.
_PLACE = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(?P<number>[0-9]+)\b""")
_PIECE = 256 * 1024  # bytes
_AHEAD = 2  # pieces that wait for who takes them


async def copy_out(
    conn: Connection, query: str, values: Sequence[Any], **options: Any
) -> AsyncGenerator[bytes]:
    """What COPY writes of a query with `$n` places, whole rows in each piece; `options` are those of the driver.

    `conn` is in a transaction, and busy until the generator is closed.
    """
    if values:
        query = await _with_settings(conn, query, values)
    pieces: asyncio.Queue[bytes] = asyncio.Queue(_AHEAD)
    copying = asyncio.ensure_future(_copy(conn.raw, query, pieces, options))
    try:
        while True:
            coming = asyncio.ensure_future(pieces.get())
            await asyncio.wait((coming, copying), return_when=asyncio.FIRST_COMPLETED)
            if not coming.done():
                coming.cancel()
                break
            yield coming.result()
        await copying  # what it failed with
        while not pieces.empty():
            yield pieces.get_nowait()
    finally:
        if not copying.done():
            copying.cancel()
            with suppress(BaseException):
                await copying
            # The driver's own way to cancel a COPY sometimes leaves it in disorder.
            conn.break_off()


async def _copy(raw: Any, query: str, pieces: asyncio.Queue[bytes], options: dict[str, Any]) -> None:
    gathered: list[bytes] = []
    size = 0

    async def take(data: bytes) -> None:
        nonlocal size
        gathered.append(data)
        size += len(data)
        if size >= _PIECE:
            size = 0
            await pieces.put(b"".join(gathered))
            gathered.clear()

    await raw.copy_from_query(query, output=take, **options)
    if gathered:
        await pieces.put(b"".join(gathered))


async def _with_settings(conn: Connection, query: str, values: Sequence[Any]) -> str:
    """The query with each place reading a setting of this transaction, to which its value is bound."""
    prepared = await conn.raw.prepare(query)
    types = [_type(one) for one in prepared.get_parameters()]
    settings = [
        f"set_config('penstock.value_{number}', (${number}::{kind})::text, true)"
        for number, kind in enumerate(types, 1)
    ]
    await conn.row(f"SELECT {', '.join(settings)}", *values)

    def place(found: re.Match[str]) -> str:
        if found["number"] is None:
            return found[0]
        position = int(found["number"]) - 1
        if values[position] is None:
            return f"NULL::{types[position]}"
        return f"(current_setting('penstock.value_{position + 1}')::{types[position]})"

    return _PLACE.sub(place, query)


def _type(kind: Any) -> str:
    """The quoted name of a type as the driver knows it."""
    name: str = kind.name
    if name.endswith("[]"):
        return f"{sql.qualified(kind.schema, name.removesuffix('[]'))}[]"
    return sql.qualified(kind.schema, name)
