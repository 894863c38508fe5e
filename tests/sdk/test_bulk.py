"""Files in and out, and batches, by the client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from penstock_sdk import AppHandle, AsyncClient, BadRequestError, ConflictError, Records
from tests.conftest import RunningServer

pytestmark = pytest.mark.anyio


def test_a_file_goes_in_and_comes_out(people: Records) -> None:
    def content() -> Iterator[bytes]:
        yield b"name;age\nAnn;"
        yield b"30\nBob;NA\n"

    told = people.import_(content(), "csv", delimiter=";", nulls=["NA"])
    assert (told.read, told.created, told.faults, told.quarantine) == (2, 2, [], None)
    found = people.filter(name="Ann").select("name", "age").export("csv")
    assert b"".join(found) == b"id,name,age\n1,Ann,30\n"
    assert b"".join(people.order_by("-id").limit(1).export("ndjson")).startswith(b'{"id":2,"name":"Bob"')


def test_faulty_rows(people: Records) -> None:
    with pytest.raises(BadRequestError) as refused:
        people.import_(b'{"name": "x", "age": -1}\n', "ndjson")
    assert refused.value.rows[0].index == 0
    told = people.import_(b'{"name": "x", "age": -1}\n{"name": "y"}\n', "ndjson", on_error="quarantine")
    assert (told.created, told.quarantined) == (1, 1)
    assert told.quarantine is not None
    assert (told.faults[0].row, told.faults[0].field) == (1, "age")
    told = people.import_(b"email,name\na@b,z\n", "csv", mode="upsert", unique_fields=["email"])
    assert told.created == 1
    with pytest.raises(BadRequestError):
        list(people.export("xlsx"))  # pyright: ignore[reportArgumentType]


def test_a_batch(app: AppHandle, people: Records) -> None:
    name = people.import_(b"", "ndjson") and people._path.split("/")[-3]
    steps = [
        {"id": "a", "op": "create", "table": name, "data": {"name": "Ann", "email": "a@b"}},
        {"op": "update", "table": name, "key": {"$ref": "a.id"}, "data": {"age": 5}},
    ]
    answers = app.batch(steps)
    assert [one["status"] for one in answers] == [201, 200]
    assert answers[1]["body"]["data"]["age"] == 5
    with pytest.raises(ConflictError):
        app.batch(steps)


async def test_the_asynchronous_client(server: RunningServer, app: AppHandle, people: Records) -> None:
    async def content() -> AsyncIterator[bytes]:
        yield b'{"name": "Ann"}\n'

    async with AsyncClient(server.url, key=server.key) as client:
        records = client.app(app.slug).table(people._path.split("/")[-3]).records
        assert (await records.import_(content(), "ndjson")).created == 1
        pieces = [piece async for piece in records.select("name").export("csv")]
        assert b"".join(pieces) == b"id,name\n1,Ann\n"
