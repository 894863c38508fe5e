"""`Idempotency-Key`: sent twice, done once, answered twice."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.tables.workbench import Workbench

pytestmark = pytest.mark.anyio

NAME = {"name": "name", "type": "string", "constraints": {"unique": True}}


def key(text: str) -> dict[str, Any]:
    return {"headers": {"Idempotency-Key": text}}


async def test_every_write_is_answered_again(workbench: Workbench) -> None:
    table = await workbench.table(NAME)
    requests = [
        ("POST", "", {"name": "a"}),
        ("POST", "", [{"name": "b"}, {"name": "c"}]),
        ("POST", "/upsert?unique_fields=name", {"name": "d"}),
        ("PATCH", "/1", {"name": "A"}),
        ("PATCH", "", [{"id": 2, "name": "B"}]),
        ("DELETE", "/3", None),
        ("DELETE", "?ids=2,99", None),
        ("DELETE", '?filter={"name": "d"}', None),
    ]
    for number, (method, path, body) in enumerate(requests):
        first, second = [
            await table.client.request(method, table.url + path, json=body, **key(f"every-{number}"))
            for _ in range(2)
        ]
        assert first.status_code < 300, first.text
        assert (second.status_code, second.content) == (first.status_code, first.content)
        assert second.headers.get("etag") == first.headers.get("etag")
    assert await table.rows() == [{"id": 1, "name": "A"}]


async def test_a_key_belongs_to_one_request(workbench: Workbench) -> None:
    table, other = await workbench.table(NAME), await workbench.table(NAME)
    assert (await table.post({"name": "a"}, **key("one"))).status_code == 201
    for answer in (
        await table.post({"name": "b"}, **key("one")),
        await other.post({"name": "a"}, **key("one")),
        await table.patch({"name": "a"}, "/1", **key("one")),
        await table.post({"name": "a"}, "/upsert", **key("one")),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "CONFLICT")
    assert (await table.total(), await other.total()) == (1, 0)


async def test_a_failure_is_not_kept(workbench: Workbench) -> None:
    table = await workbench.table(NAME)
    await table.add({"name": "a"})
    assert (await table.post({"name": "a"}, **key("failing"))).status_code == 409
    await table.delete("/1")
    assert (await table.post({"name": "a"}, **key("failing"))).status_code == 201


async def test_requests_at_once_are_done_once(workbench: Workbench) -> None:
    table = await workbench.table({"name": "name", "type": "string"})
    answers = await asyncio.gather(
        *(table.post([{"name": "a"}, {"name": "b"}], **key("at once")) for _ in range(8))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert await table.total() == 2


@pytest.mark.parametrize("name", ["", "x" * 256])
async def test_keys_that_are_none(workbench: Workbench, name: str) -> None:
    table = await workbench.table(NAME)
    answer = await table.post({"name": "a"}, **key(name))
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["Idempotency-Key"])
    assert await table.total() == 0
