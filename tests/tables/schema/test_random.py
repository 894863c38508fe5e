"""Random schemas turned into others, with rows: what becomes of these is computed in Python beside it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from penstock.tables.settings import TablesSettings
from tests.databases import TestDatabase
from tests.tables.schema.changing import Json, change, history, make, roll_back, schema
from tests.tables.schema.physical import physical
from tests.tables.schema.test_large import finished, working
from tests.tables.workbench import Workbench

pytestmark = pytest.mark.anyio
Row = dict[str, Any]
NAMES = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta")
# Values of each type as the API answers them; text is such that it may, or may not, be read as something else.
VALUES: dict[str, tuple[Any, ...]] = {
    "integer": (0, 1, 7, 42, 1999, -3, 123456789012),
    "number": (0.5, 2.25, -1.5, 7.125),
    "string": ("12", "7", "x", "true", "2024-02-29", "longer text"),
    "boolean": (True, False),
    "date": ("2024-02-29", "1999-12-31", "2000-01-01"),
    "datetime": ("2024-02-29T01:02:03Z", "1999-12-31T23:59:59Z"),
    "year": (1999, 2024, 1),
}


class Impossible(Exception):
    """The rows refuse it."""


def as_integer(text: str) -> int:
    if not text.lstrip("-").isdigit():
        raise Impossible
    return int(text)


def as_year(number: int) -> int:
    if not 1 <= number <= 9999:
        raise Impossible
    return number


def same(value: Any) -> Any:
    return value


# What a value becomes; pairs that are missing are not tried.
CONVERSIONS: dict[tuple[str, str], Callable[[Any], Any]] = {
    ("integer", "number"): same,
    ("integer", "string"): str,
    ("integer", "year"): as_year,
    ("number", "string"): str,
    ("string", "integer"): as_integer,
    ("boolean", "string"): lambda value: "true" if value else "false",
    ("boolean", "integer"): int,
    ("date", "datetime"): lambda value: f"{value}T00:00:00Z",
    ("date", "string"): same,
    ("datetime", "string"): same,
    ("year", "integer"): same,
    ("year", "number"): same,
    ("year", "string"): str,
}


def random_constraints(chance: random.Random, kind: str) -> Json:
    found: Json = {}
    if chance.random() < 0.25:
        found["required"] = True
    if chance.random() < 0.15 and kind != "boolean":
        found["unique"] = True
    if kind in ("integer", "number", "year") and chance.random() < 0.25:
        found["minimum"] = chance.choice((-10, 0, 1, 5)) if kind != "year" else chance.choice((1, 1990))
    if kind == "string" and chance.random() < 0.25:
        found[chance.choice(("maxLength", "minLength"))] = chance.choice((1, 2, 12))
    return found


def fits(kind: str, constraints: Json, value: Any) -> bool:
    if value is None:
        return not constraints.get("required")
    if kind == "string" and not constraints.get("minLength", 0) <= len(value) <= constraints.get(
        "maxLength", 99
    ):
        return False
    return "minimum" not in constraints or value >= constraints["minimum"]


def random_field(chance: random.Random, name: str) -> Json:
    kind = chance.choice(tuple(VALUES))
    constraints = random_constraints(chance, kind)
    field: Json = {"name": name, "type": kind}
    usable = [value for value in VALUES[kind] if fits(kind, constraints, value)]
    if usable and chance.random() < 0.3:
        field["default"] = chance.choice(usable)
    return {**field, "constraints": constraints} if constraints else field


def random_extras(chance: random.Random, fields: list[Json]) -> Json:
    extras: Json = {}
    names = [one["name"] for one in fields if one["type"] not in ("object", "array")]
    if names and chance.random() < 0.5:
        columns = chance.sample(names, min(len(names), chance.randint(1, 2)))
        extras["indexes"] = [{"name": "one", "fields": columns}]
    texts = [one["name"] for one in fields if one["type"] == "string"]
    if texts and chance.random() < 0.3:
        extras["search_fields"] = [texts[0]]
    if chance.random() < 0.3:
        extras["graph"] = {"types": ["next"]}
    return extras


def first_schema(chance: random.Random) -> Json:
    fields = [random_field(chance, name) for name in chance.sample(NAMES, chance.randint(1, 4))]
    return schema(*fields, **random_extras(chance, fields))


def rows_for(chance: random.Random, definition: Json) -> list[Row]:
    rows: list[Row] = []
    for _ in range(chance.randint(0, 4)):
        row: Row = {}
        for field in definition["fields"][1:]:
            constraints = field.get("constraints", {})
            usable = [one for one in VALUES[field["type"]] if fits(field["type"], constraints, one)]
            if constraints.get("unique"):
                usable = [one for one in usable if one not in [other[field["name"]] for other in rows]]
            if not constraints.get("required"):
                usable.append(None)
            if not usable:
                return rows
            row[field["name"]] = chance.choice(usable)
        rows.append(row)
    return rows


def next_schema(chance: random.Random, before: Json) -> Json:
    free = [name for name in NAMES if name not in [one["name"] for one in before["fields"]]]
    chance.shuffle(free)
    fields: list[Json] = []
    for field in before["fields"][1:]:
        if chance.random() < 0.15:
            continue
        new = {key: value for key, value in field.items() if key != "x-rename-from"}
        if chance.random() < 0.25 and free:
            new = {**new, "name": free.pop(), "x-rename-from": field["name"]}
        targets = [to for since, to in CONVERSIONS if since == field["type"]]
        if targets and chance.random() < 0.4:
            new["type"] = chance.choice(targets)
            new.pop("default", None)
            new.pop("constraints", None)
        if chance.random() < 0.4:
            new.pop("default", None)
            new["constraints"] = random_constraints(chance, new["type"])
        fields.append(new)
    while free and chance.random() < 0.4:
        fields.append(random_field(chance, free.pop()))
    chance.shuffle(fields)
    return schema(*fields, **random_extras(chance, fields))


def outcome(before: Json, after: Json, rows: list[Row]) -> list[Row]:
    """The rows under the next schema. Raises `Impossible`."""
    old = {one["name"]: one for one in before["fields"]}
    found: list[Row] = []
    for row in rows:
        new: Row = {}
        for field in after["fields"][1:]:
            source = old.get(field.get("x-rename-from", field["name"]))
            if source is None:
                new[field["name"]] = field.get("default")
                continue
            value = row[source["name"]]
            if value is not None and source["type"] != field["type"]:
                value = CONVERSIONS[source["type"], field["type"]](value)
            new[field["name"]] = value
        found.append(new)
    for field in after["fields"][1:]:
        constraints, values = field.get("constraints", {}), [row[field["name"]] for row in found]
        if not all(fits(field["type"], constraints, value) for value in values):
            raise Impossible
        filled = [value for value in values if value is not None]
        if constraints.get("unique") and len(set(filled)) < len(filled):
            raise Impossible
    return found


def dropped(before: Json, after: Json) -> list[Json]:
    kept = {one.get("x-rename-from", one["name"]) for one in after["fields"]}
    return [one for one in before["fields"] if one["name"] not in kept]


def returns(before: Json, after: Json, rows: list[Row]) -> bool:
    """Whether a rollback can bring the dropped fields back, empty or with their defaults."""
    for field in dropped(before, after):
        constraints = field.get("constraints", {})
        if rows and constraints.get("required") and "default" not in field:
            return False
        if len(rows) > 1 and constraints.get("unique") and "default" in field:
            return False
    return True


@pytest.fixture(params=["small", "large"])
def size(workbench: Workbench, request: pytest.FixtureRequest) -> Iterator[str]:
    sections = workbench.ctx.sections
    usual = sections[TablesSettings]
    if request.param == "large":
        sections[TablesSettings] = replace(usual, schema_small_rows=0)
    yield request.param
    sections[TablesSettings] = usual


def plain(rows: list[Row]) -> list[Row]:
    """Without keys, numbers as they compare."""

    def shown(value: Any) -> Any:
        return float(value) if isinstance(value, Decimal) else value

    return [{name: shown(value) for name, value in row.items() if name != "id"} for row in rows]


@pytest.mark.parametrize("seed", range(10))
async def test_one_schema_becomes_another(
    workbench: Workbench, module_database: TestDatabase, size: str, seed: int
) -> None:
    chance = random.Random(seed if size == "small" else seed + 1000)
    async with working(module_database):
        for _ in range(3):
            await one_change(workbench, chance)


async def one_change(workbench: Workbench, chance: random.Random) -> None:
    before = first_schema(chance)
    rows = rows_for(chance, before)
    table = await make(workbench, before, *rows)
    after = next_schema(chance, before)
    shape, stored = await physical(workbench, table), await table.rows(ordering="id")
    assert plain(stored) == rows
    nothing = (await change(workbench, table, before, dry_run="true")).json()
    assert (nothing["changes"], nothing["steps"]) == ([], [])
    try:
        expected = outcome(before, after, rows)
    except Impossible:
        expected = None
    done = await change(workbench, table, after, allow_data_loss="true")
    told = (before, after, rows, done.text)
    steps = await finished(workbench, table)
    if expected is None:
        # Of a large table, rows that a default makes alike are found afterwards.
        assert done.status_code == 400 or "failed" in {one["status"] for one in steps}, told
        if done.status_code == 400:
            assert await physical(workbench, table) == shape, told
            assert await table.rows(ordering="id") == stored, told
            assert (await workbench.details(table))["json_schema"] == before
        return
    assert done.status_code == 200, told
    assert {one["status"] for one in steps} == {"success"}, told
    assert plain(await table.rows(ordering="id")) == expected, told
    again = (await change(workbench, table, after, dry_run="true")).json()
    assert (again["changes"], again["steps"]) == ([], []), told
    fresh = await make(workbench, after)
    assert await physical(workbench, table) == await physical(workbench, fresh), told
    newest = (await history(workbench, table))[0]
    if newest["revision"] is None:
        return
    back = await roll_back(workbench, table, newest["id"])
    assert (back.status_code == 200) == returns(before, after, rows), (told, back.text)
    if back.status_code != 200:
        return
    await finished(workbench, table)
    assert await physical(workbench, table) == shape, told
    gone = {one["name"]: one.get("default") for one in dropped(before, after)}
    assert plain(await table.rows(ordering="id")) == [{**row, **gone} for row in rows], told
    assert (await workbench.details(table))["json_schema"] == before
