"""Fields of type vector: what they take and give, what they refuse, what becomes of them when a schema changes."""

from __future__ import annotations

import json
import math
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.tables.fields.vector import LARGEST, VectorType, sound
from penstock.tables.models import Field, Vector
from penstock.tables.records.codec import RowCodec
from penstock.tables.schema import parse_schema
from tests.tables.workbench import APP, ID, Records, Workbench

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("pgvector")]
BASE = f"/api/apps/{APP}/datatables"
F = {"name": "f", "type": "vector", "dimensions": 3}


async def columns(workbench: Workbench, table: Records) -> dict[str, str]:
    physical = (await workbench.details(table))["physical_table_name"].rpartition(".")[2]
    rows = await workbench.fetch(
        "SELECT attname, format_type(atttypid, atttypmod) AS type FROM pg_attribute a JOIN pg_class c "
        "ON c.oid = attrelid WHERE relname = $1 AND attnum > 0 AND NOT attisdropped",
        physical,
    )
    return {row["attname"]: row["type"].rpartition(".")[2] for row in rows}


async def hnsw(workbench: Workbench, table: Records) -> list[str]:
    physical = (await workbench.details(table))["physical_table_name"].rpartition(".")[2]
    rows = await workbench.fetch(
        "SELECT indexdef FROM pg_indexes WHERE tablename = $1 AND indexdef LIKE '%hnsw%' ORDER BY 1", physical
    )
    return [row["indexdef"].partition("USING ")[2] for row in rows]


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        ("[1, 2, 3]", [1, 2, 3]),
        ("[-0.5, 1e2, 0]", [-0.5, 100, 0]),
        ("[ 0.25,\n1E-3 , 1e-60 ]", [0.25, 0.001, 0]),
        ("null", None),
    ],
)
async def test_values_come_back(workbench: Workbench, sent: str, answered: Any) -> None:
    table = await workbench.table(F, {"name": "n", "type": "integer"})
    one = await table.post(f'{{"f": {sent}}}')
    assert (one.status_code, one.json()["data"]["f"]) == (201, answered), one.text
    many = await table.post(f'[{{"f": {sent}, "n": 1}}, {{"f": {sent}}}]')
    assert [row["f"] for row in many.json()["data"]] == [answered] * 2
    for changed in (await table.patch(f'{{"f": {sent}}}', "/1"), await table.patch('{"n": 2}', "/1")):
        assert changed.json()["data"]["f"] == answered, changed.text
    upserted = await table.post(f'[{{"id": 1, "f": {sent}}}, {{"id": 9, "n": 1}}]', "/upsert")
    assert [row["f"] for row in upserted.json()["data"]] == [answered, None], upserted.text
    assert (await table.get("/1")).json()["data"]["f"] == answered
    assert len(await table.rows(f__null="true")) == (5 if answered is None else 1) - (answered is None)
    assert (await columns(workbench, table))["f"] == "vector(3)"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[1, 2]", "The vector has 2 dimensions; the field has 3."),
        ("[1, 2, 3, 4]", "has 4 dimensions"),
        ("[]", "has 0 dimensions"),
        ("[1, 2, 1e17]", "between -1e+16 and 1e+16"),
        ("[1, 2, 1e999]", ""),
        ("[1, 2, null]", "of type vector"),
        ('[1, 2, "3"]', "of type vector"),
        ("[1, 2, true]", "of type vector"),
        ("[[1, 2, 3]]", "of type vector"),
        ('"[1,2,3]"', "of type vector"),
        ("{}", "of type vector"),
        ("7", "of type vector"),
    ],
)
async def test_what_does_not_fit_is_refused(workbench: Workbench, text: str, words: str) -> None:
    table = await workbench.table(F)
    for answer in (
        await table.post(f'{{"f": {text}}}'),
        await table.post(f'[{{"f": [1,2,3]}}, {{"f": {text}}}]'),
    ):
        assert answer.status_code == 400, answer.text
        assert words in answer.text
    assert (await table.post('{"f": [1, 2, NaN]}')).status_code == 400
    assert await table.total() == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"dimensions": None}, "'dimensions'"),
        ({"dimensions": 0}, "1 to 16,000"),
        ({"dimensions": 16001}, "1 to 16,000"),
        ({"dimensions": "3"}, "whole number"),
        ({"dimensions": True}, "whole number"),
        ({"metric": "hamming"}, "cosine, l2, ip"),
        ({"metric": ["l2"]}, "metric"),
        ({"m": 1}, "2 to 100"),
        ({"m": 40, "ef_construction": 70}, "at least twice"),
        ({"ef_construction": "64); DROP TABLE x; --"}, "whole number"),
        ({"default": [1, 2, 3]}, "record by record"),
        ({"constraints": {"unique": True}}, "does not apply"),
        ({"constraints": {"enum": [[1, 2, 3]]}}, "does not apply"),
    ],
)
async def test_what_makes_no_vector_is_refused(
    workbench: Workbench, options: dict[str, Any], words: str
) -> None:
    assert words in await workbench.refused(ID, {**F, **options})


async def test_a_vector_needs_dimensions_and_is_no_key_and_has_no_index_of_others(
    workbench: Workbench,
) -> None:
    assert '"dimensions"' in await workbench.refused(ID, {"name": "f", "type": "vector"})
    assert "cannot be a key" in await workbench.refused(F, primaryKey=["f"])
    for method in ("btree", "hash", "gin", "gist", "brin"):
        index = {"name": "i", "fields": ["f"], "method": method}
        assert "cannot have" in await workbench.refused(ID, F, indexes=[index])
    assert "no text field" in await workbench.refused(ID, F, search_fields=["f"])


async def test_the_index_is_of_the_metric_up_to_two_thousand_dimensions(workbench: Workbench) -> None:
    table = await workbench.table(
        {**F, "m": 8, "ef_construction": 20},
        {"name": "g h", "type": "vector", "dimensions": 2000, "metric": "l2"},
        {"name": "long", "type": "vector", "dimensions": 2001, "metric": "ip"},
    )
    await table.rows()
    found = await hnsw(workbench, table)
    assert sorted(one.rpartition(".")[2] for one in found) == [
        "vector_cosine_ops) WITH (m='8', ef_construction='20')",
        "vector_l2_ops) WITH (m='16', ef_construction='64')",
    ]
    await table.add({"long": [1.0] * 2001}, {"long": [2.0] * 2001})
    assert await table.ids(long__vector_near=json.dumps([1.0] * 2001)) == [2, 1]


async def test_schemas_with_vectors_change(workbench: Workbench) -> None:
    table = await workbench.table({"name": "name", "type": "string"})
    await table.add({"name": "a"})

    async def change(*fields: dict[str, Any], **params: Any) -> Any:
        body = {"json_schema": {"fields": [ID, *fields], "primaryKey": ["id"]}}
        return await workbench.client.patch(f"{BASE}/{table.name}", json=body, params=params)

    name = {"name": "name", "type": "string"}
    added = await change(name, F)
    assert added.status_code == 200, added.text
    await table.patch({"f": [1, 0, 0]}, "/1")
    assert await table.ids(f__vector_near="[1,0,0]") == [1]
    assert len(await hnsw(workbench, table)) == 1
    metric = await change(name, {**F, "metric": "l2"})
    assert metric.status_code == 200, metric.text
    (index,) = await hnsw(workbench, table)
    assert "vector_l2_ops" in index
    assert (await table.rows())[0]["f"] == [1, 0, 0]
    renamed = await change(name, {**F, "metric": "l2", "name": "g", "x-rename-from": "f"})
    assert renamed.status_code == 200, renamed.text
    assert (await table.rows(g__vector_near="[1,0,0]"))[0]["_vector_score"] == 0
    longer = {**F, "name": "g", "dimensions": 4}
    refused = await change(name, longer)
    assert refused.status_code == 400
    assert "from vector of 3 to vector of 4 requires allow_data_loss" in refused.text
    agreed = await change(name, longer, allow_data_loss="true")
    assert agreed.status_code == 200, agreed.text
    assert (await table.rows())[0]["g"] is None
    await table.patch({"g": [1, 2, 3, 4]}, "/1")
    assert await table.ids(g__vector_near="[1,2,3,4]") == [1]
    text = await change(name, {"name": "g", "type": "string"}, allow_data_loss="true")
    assert text.status_code == 200, text.text
    assert (await table.rows())[0]["g"] == "[1,2,3,4]"
    assert "cannot turn" in (await change(name, longer, allow_data_loss="true")).text
    dropped = await change(name, allow_data_loss="true")
    assert dropped.status_code == 200, dropped.text
    assert await hnsw(workbench, table) == []


async def test_files_carry_vectors(workbench: Workbench) -> None:
    table = await workbench.table(F)
    base = table.url
    text = 'id,f\n1,"[1,2,3]"\n2,\n'
    sent = await workbench.client.post(
        f"{base}/import", params={"format": "csv"}, content=text, headers={"Content-Type": "text/csv"}
    )
    assert sent.status_code < 300, sent.text
    assert [row["f"] for row in await table.rows()] == [[1, 2, 3], None]
    got = await workbench.client.get(f"{base}/export", params={"format": "csv"})
    assert got.text == text
    nearest = await workbench.client.get(
        f"{base}/export", params={"format": "csv", "f__vector_near": "[1,2,3]"}
    )
    assert nearest.status_code == 400


FIELD = Field(name="f", type="vector", vector=Vector(3, "cosine"))
CODEC = RowCodec(parse_schema({"fields": [ID, F], "primaryKey": ["id"]}))


def single(number: float) -> float:
    return struct.unpack("f", struct.pack("f", number))[0]


@given(st.lists(st.floats(-LARGEST, LARGEST), min_size=3, max_size=3))
def test_numbers_keep_their_value(numbers: list[float]) -> None:
    incoming = CODEC.decode_create(json.dumps({"id": 1, "f": numbers}).encode(), 1)
    (text,) = CODEC.texts(incoming.rows[0], [FIELD])
    assert text is not None
    assert [single(one) for one in json.loads(text)] == [single(one) for one in numbers]


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=5))
def test_only_sound_vectors_pass(numbers: list[float]) -> None:
    fits = len(numbers) == 3 and all(math.isfinite(one) and abs(one) <= LARGEST for one in numbers)
    assert (sound(numbers, 3) is None) is fits
    check = VectorType().intrinsic(FIELD)
    assert check is not None
    assert (check(numbers) is None) is fits
