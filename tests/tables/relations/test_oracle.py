"""Random tables, references and rows, and random questions about what is related, answered as Python answers them.

The oracle walks lists of dictionaries; it shares nothing with the product but the request.
"""

from __future__ import annotations

import itertools
import json
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.tables.relations.conftest import integer, refers, text
from tests.tables.workbench import ID, Records, Workbench

pytestmark = pytest.mark.anyio

WORLDS = int(os.environ.get("PENSTOCK_TEST_WORLDS", "4"))
QUESTIONS = 60
WORDS = ("ant", "bee", "cat", None)
_numbers = itertools.count(1)
Row = dict[str, Any]
Follow = Callable[[Row], list[Row]]


@dataclass
class Way:
    """A relation as the oracle knows it: `follow` gives the related rows, by key."""

    token: str
    target: str
    is_many: bool
    follow: Follow
    replaces: bool = False


@dataclass
class World:
    """Tables `a`, `b`, … whose rows refer to each other at random, and a junction of two of them."""

    prefix: str
    rows: dict[str, list[Row]] = field(default_factory=dict)
    ways: dict[str, list[Way]] = field(default_factory=dict)
    records: dict[str, Records] = field(default_factory=dict)

    def related(self, name: str, tokens: tuple[str, ...]) -> Iterator[Way]:
        for token in tokens:
            way = next(one for one in self.ways[name] if one.token == token)
            yield way
            name = way.target


def seen(rows: list[Row]) -> list[Row]:
    return sorted((row for row in rows if not row.get("is_deleted")), key=lambda row: row["id"])


def forward(world: World, column: str, target: str) -> Follow:
    return lambda row: [one for one in seen(world.rows[target]) if one["id"] == row[column]]


def reverse(world: World, child: str, column: str) -> Follow:
    return lambda row: [one for one in seen(world.rows[child]) if one[column] == row["id"]]


def through(world: World, junction: str, near: str, far: str, target: str) -> Follow:
    def follow(row: Row) -> list[Row]:
        keys = {link[far] for link in world.rows[junction] if link[near] == row["id"]}
        return [one for one in seen(world.rows[target]) if one["id"] in keys]

    return follow


async def build(workbench: Workbench, chance: random.Random) -> World:
    world = World(f"w{next(_numbers)}_")
    names = [f"{world.prefix}{letter}" for letter in "abcd"[: chance.randint(2, 4)]]
    schemas: dict[str, Row] = {}
    for position, name in enumerate(names):
        fields, keys = [ID, text("word"), integer("size")], []
        if chance.random() < 0.4:
            fields.append({"name": "is_deleted", "type": "boolean"})
        # To tables before it and to itself, some of them twice.
        for number in range(chance.randint(0, 3)):
            target = chance.choice(names[: position + 1])
            column = f"{chance.choice(['up', 'peer'])}{number}" + chance.choice(["_id", ""])
            fields.append(integer(column))
            keys.append(refers(column, target))
        schemas[name] = {"fields": fields, "primaryKey": ["id"], "foreignKeys": keys}
    left, right = chance.sample(names, 2)
    schemas[f"{world.prefix}links"] = {
        "fields": [ID, integer("l"), integer("r")],
        "primaryKey": ["id"],
        "foreignKeys": [refers("l", left), refers("r", right)],
    }
    for name, schema in schemas.items():
        made = await workbench.define(schema, name)
        assert made.status_code == 201, made.text
        world.records[name] = Records(workbench.client, name)
        world.rows[name] = await fill(world, name, schema, chance)
    for name, schema in schemas.items():
        world.ways.setdefault(name, [])
        for key in schema["foreignKeys"]:
            connect(world, name, key["fields"], key["reference"]["resource"])
    for near, far, here, there in (("l", "r", left, right), ("r", "l", right, left)):
        junction = f"{world.prefix}links"
        follow = through(world, junction, near, far, there)
        world.ways[here].append(Way(f"{there}:{junction}", there, True, follow))
    return world


async def fill(world: World, name: str, schema: Row, chance: random.Random) -> list[Row]:
    rows: list[Row] = []
    targets = {key["fields"]: key["reference"]["resource"] for key in schema["foreignKeys"]}
    for number in range(1, chance.randint(2, 9)):
        row: Row = {}
        for one in schema["fields"]:
            column = one["name"]
            if column == "id":
                row[column] = number
            elif column in targets:
                known = rows if targets[column] == name else world.rows[targets[column]]
                row[column] = chance.choice([None, *(other["id"] for other in known)])
            elif column == "word":
                row[column] = chance.choice(WORDS)
            else:
                row[column] = (
                    chance.random() < 0.3 if column == "is_deleted" else chance.choice([None, 1, 2, 3])
                )
        rows.append(row)
    await world.records[name].add(*rows)
    return rows


def connect(world: World, child: str, column: str, parent: str) -> None:
    up, down = forward(world, column, parent), reverse(world, child, column)
    ways = [Way(column, parent, False, up, replaces=True), Way(f"{column}:{parent}", parent, False, up)]
    if column.endswith("_id"):
        ways.append(Way(column.removesuffix("_id"), parent, False, up))
    world.ways.setdefault(child, []).extend(ways)
    world.ways.setdefault(parent, []).append(Way(f"{child}:{column}", child, True, down))


def path(world: World, name: str, chance: random.Random) -> tuple[str, ...]:
    """One to three tokens, as far as relations lead."""
    tokens: list[str] = []
    for _ in range(chance.choice([1, 1, 2, 3])):
        ways = world.ways[name]
        if not ways:
            break
        way = chance.choice(ways)
        tokens.append(way.token)
        name = way.target
    return tuple(tokens)


def populated(world: World, name: str, row: Row, paths: list[tuple[str, ...]]) -> Row:
    found = dict(row)
    for token in dict.fromkeys(one[0] for one in paths if one):
        (way,) = world.related(name, (token,))
        below = [one[1:] for one in paths if one and one[0] == token]
        rows = [populated(world, way.target, other, below) for other in way.follow(row)]
        found[token] = rows if way.is_many else (rows[0] if rows else None)
    return found


CONDITIONS: list[tuple[str, Any, Callable[[Row], bool]]] = [
    ("word", "bee", lambda row: row["word"] == "bee"),
    ("word__contains", "A", lambda row: row["word"] is not None and "a" in row["word"]),
    ("word__null", True, lambda row: row["word"] is None),
    ("size__gte", 2, lambda row: row["size"] is not None and row["size"] >= 2),
    ("size__ne", 1, lambda row: row["size"] is not None and row["size"] != 1),
    ("id__in", [1, 2, 5], lambda row: row["id"] in (1, 2, 5)),
]


@dataclass
class Asked:
    """A filter tree, and what it means for a row."""

    tree: Any
    holds: Callable[[Row], bool]


def condition(world: World, name: str, chance: random.Random, ways: list[tuple[str, ...]]) -> Asked:
    """One or two conditions on the end of one path, which must hold for the same row."""
    tokens = chance.choice(ways)
    *_, last = [None, *world.related(name, tokens)]
    if last is not None and last.target.endswith("links"):
        tested: list[Any] = [CONDITIONS[-1]]
    else:
        tested = chance.sample(CONDITIONS, chance.choice([1, 1, 2]))
    steps = list(world.related(name, tokens))
    tree = {".".join((*tokens, key)): value for key, value, _ in tested}

    def holds(row: Row) -> bool:
        rows = [row]
        for step in steps:
            rows = [other for one in rows for other in step.follow(one)]
        return any(all(test(one) for _, _, test in tested) for one in rows)

    return Asked(tree, holds)


def question(
    world: World, name: str, chance: random.Random, ways: list[tuple[str, ...]], depth: int
) -> Asked:
    kind = chance.choice(["leaf", "leaf", "or", "not"]) if depth else "leaf"
    if kind == "leaf":
        return condition(world, name, chance, ways)
    if kind == "not":
        inner = question(world, name, chance, ways, depth - 1)
        return Asked({"not": inner.tree}, lambda row: not inner.holds(row))
    parts = [question(world, name, chance, ways, depth - 1) for _ in range(2)]
    return Asked({"or": [one.tree for one in parts]}, lambda row: any(one.holds(row) for one in parts))


@pytest.mark.parametrize("seed", range(WORLDS))
async def test_random_relations(workbench: Workbench, seed: int) -> None:
    chance = random.Random(seed)
    await ask(await build(workbench, chance), chance)


async def ask(world: World, chance: random.Random) -> None:
    names = [name for name in world.rows if world.ways[name] and not name.endswith("links")]
    matched = 0
    for _ in range(QUESTIONS):
        name = chance.choice(names)
        paths = [path(world, name, chance) for _ in range(chance.randint(0, 3))]
        ways = [one for one in (path(world, name, chance) for _ in range(3)) if one]
        asked = question(world, name, chance, ways, 2)
        params = {"filters": json.dumps(asked.tree), "populate": ",".join(map(".".join, paths))}
        expected = [row for row in seen(world.rows[name]) if asked.holds(row)]
        shown = [populated(world, name, row, paths) for row in expected]
        answer = await world.records[name].get(**params)
        assert answer.status_code == 200, (params, answer.text)
        body = answer.json()
        assert (body["data"], body["total"]) == (shown, len(expected)), params
        matched += len(expected)
    assert matched
