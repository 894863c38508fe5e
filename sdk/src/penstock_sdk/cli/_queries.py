"""Options of commands as a query on records."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import msgspec

from penstock_sdk import _json
from penstock_sdk._sync.client import Client
from penstock_sdk._sync.resources.records import RecordQuery, Records
from penstock_sdk.cli._arguments import names
from penstock_sdk.cli._errors import CommandError


def records_of(client: Client, app_slug: str, table: str) -> Records:
    return client.app(app_slug).table(table).records


def refined(
    query: RecordQuery,
    filters: Sequence[str] = (),
    *,
    where: str | None = None,
    search: str | None = None,
    order: str | None = None,
    fields: str | None = None,
) -> RecordQuery:
    """`query` with what the options ask for."""
    for condition in filters:
        name, _, value = condition.partition("=")
        query = query.filter(**{name: value})
    if where is not None:
        try:
            query = query.where(_json.decode(where.encode(), decimals=True))
        except (msgspec.DecodeError, ValueError, TypeError, AttributeError) as error:
            raise CommandError(f"--where is no condition in JSON: {error}.") from error
    if search is not None:
        query = query.search(search)
    if order:
        query = query.order_by(*names(order))
    return query.select(*names(fields)) if fields else query


def nearest(query: RecordQuery, near: str, top: int, threshold: float | None) -> RecordQuery:
    """`query` for the records nearest to `field=[…]`."""
    field, _, text = near.partition("=")
    try:
        vector = msgspec.json.decode(text.encode(), type=list[float])
    except msgspec.DecodeError as error:
        raise CommandError(f"--near is field=[0.1,0.2,…], the vector in JSON: {error}.") from error
    return query.near(field, vector, top=top, threshold=threshold)


def read_json(text: str, what: str) -> Any:
    """The JSON given on the command line, or on standard input for `-`."""
    content = sys.stdin.buffer.read() if text == "-" else text.encode()
    try:
        return _json.decode(content, decimals=True)
    except msgspec.DecodeError as error:
        raise CommandError(f"{what} is not JSON: {error}.") from error
