"""The table all contestants work on, its random rows, and random requests for them."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from penstock_sdk import Client

APP = "bench"
TABLE = "orders"
COLUMNS = ("account_id", "status", "amount", "placed_at", "note")
STATUSES = ("new", "paid", "sent", "back")
STATUS_ARRAY = "ARRAY['new', 'paid', 'sent', 'back']"
ROWS_OF_AN_ACCOUNT = 50
MOST = 1000  # amounts are below
FIRST, LAST = 1577836800, 1735689600  # 2020-01-01 to 2025-01-01
SCHEMA: dict[str, Any] = {
    "fields": [
        {"name": "id", "type": "integer"},
        {"name": "account_id", "type": "integer", "constraints": {"required": True}},
        {"name": "status", "type": "string"},
        {"name": "amount", "type": "number"},
        {"name": "placed_at", "type": "datetime"},
        {"name": "note", "type": "string"},
    ],
    "primaryKey": ["id"],
    "indexes": [{"name": "orders_account", "fields": ["account_id"]}],
}


@dataclass(frozen=True)
class Volume:
    """How many rows the table has, and over how many accounts they are spread."""

    rows: int

    @property
    def accounts(self) -> int:
        return max(1, self.rows // ROWS_OF_AN_ACCOUNT)


def create_table(url: str, key: str) -> None:
    """Through the API, as a user would."""
    with Client(url, key=key) as client:
        client.apps.create("Bench", slug=APP)
        app = client.app(APP)
        app.sources.create("Main", slug="main")
        app.tables.create("main", TABLE, SCHEMA, materialize=True)


def define(url: str, key: str, name: str, schema: dict[str, Any]) -> None:
    """Another table beside it."""
    with Client(url, key=key) as client:
        client.app(APP).tables.create("main", name, schema, materialize=True)


async def fill(connection: Any, place: str, volume: Volume) -> None:
    """Random rows, the same ones in every run."""
    if await connection.fetchval(f"SELECT count(*) FROM {place}"):
        return
    await connection.execute("SELECT setseed(0.42)")
    await connection.execute(
        f"INSERT INTO {place} ({', '.join(COLUMNS)}) "
        f"SELECT 1 + floor(random() * {volume.accounts}), "
        f"({STATUS_ARRAY})[1 + floor(random() * {len(STATUSES)})::int], "
        f"round((random() * {MOST})::numeric, 2), to_timestamp({FIRST} + floor(random() * {LAST - FIRST})), "
        f"'Note ' || md5(random()::text) FROM generate_series(1, {volume.rows})",
        timeout=None,
    )


@dataclass(frozen=True)
class Wanted:
    """One list request: an account, and the least amount."""

    account: int
    amount: str


def moment(dice: random.Random) -> str:
    """A random instant, as it travels in JSON."""
    return datetime.fromtimestamp(dice.randrange(FIRST, LAST), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def wanted(volume: Volume, count: int, seed: int = 7) -> list[Wanted]:
    """Random list requests."""
    dice = random.Random(seed)
    return [Wanted(dice.randint(1, volume.accounts), f"{dice.random() * MOST:.2f}") for _ in range(count)]


def orders(volume: Volume, count: int, seed: int) -> list[dict[str, Any]]:
    """Random rows as they travel in JSON; `amount` has two decimals."""
    dice = random.Random(seed)
    return [
        {
            "account_id": dice.randint(1, volume.accounts),
            "status": dice.choice(STATUSES),
            "amount": round(dice.random() * MOST, 2),
            "placed_at": moment(dice),
            "note": f"Note {dice.getrandbits(128):032x}",
        }
        for _ in range(count)
    ]
