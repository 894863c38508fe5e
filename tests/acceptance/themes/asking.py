"""Random requests to a table: lists, groups, writes, files, and batches over several."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from tests.acceptance.asked import Request
from tests.acceptance.test_oracle import text_of
from tests.acceptance.themes.shape import Pairs, Shape, pool, texts

SIZES = st.sampled_from(
    [[], [], [("page_size", "3")], [("page", "2"), ("page_size", "2")], [("limit", "2"), ("offset", "3")],
     [("page", "0")], [("limit", "0")], [("page_size", "5000")], [("count", "none")], [("limit", "2"), ("page", "1")]]
)  # fmt: skip


@st.composite
def ordering(draw: st.DrawFn, names: Sequence[str]) -> Pairs:
    found = draw(st.lists(st.sampled_from([*names, "nothing"]), min_size=1, max_size=3))
    return [("ordering", ",".join(draw(pool("", "-")) + name for name in found))]


@st.composite
def conditions(draw: st.DrawFn, shape: Shape) -> Pairs:
    found: Pairs = []
    for name, values in draw(st.lists(st.sampled_from(shape.conditions or [("id", texts("1"))]), max_size=2)):
        found.append((name, draw(values)))
    return found


@st.composite
def leaves(draw: st.DrawFn, shape: Shape) -> dict[str, Any]:
    name, values = draw(st.sampled_from(shape.conditions or [("id", texts("1"))]))
    value = draw(values)
    try:
        return {name: json.loads(value, parse_float=Decimal)}
    except json.JSONDecodeError:
        return {name: value.split(",") if name.endswith(("__in", "__nin", "__ina", "__between")) else value}


def composed(shape: Shape) -> st.SearchStrategy[Any]:
    """Trees of the conditions of a table."""

    def joined(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        some = st.lists(inner, min_size=1, max_size=3)
        return (
            some.map(lambda one: {"and": one})
            | some.map(lambda one: {"or": one})
            | inner.map(lambda one: {"not": one})
        )

    return st.recursive(leaves(shape), joined, max_leaves=4)


@st.composite
def lists(draw: st.DrawFn, name: str, shape: Shape, trees: Sequence[Any] = ()) -> Request:
    params = draw(conditions(shape))
    if draw(pool(True, False)):
        tree = st.sampled_from(trees) | composed(shape) if trees else composed(shape)
        params.append(("filters", text_of(draw(tree))))
    if draw(pool(True, False)):
        params += draw(ordering(shape.names))
    if draw(st.integers(0, 4)) == 0:
        params.append(("search", draw(pool("red", "fox", "FOX", '"quick fox"', "red -fox", "%", ""))))
    if shape.relations and draw(pool(True, False)):
        params.append(
            ("populate", ",".join(draw(st.lists(st.sampled_from(shape.relations), min_size=1, max_size=2))))
        )
    match draw(st.integers(0, 9)):
        case 0:
            chosen = draw(st.lists(st.sampled_from([*shape.names, "nothing"]), min_size=1, max_size=3))
            params.append(("fields", ",".join(chosen)))
        case 1:
            params.append(("allowed_actions", "read,update,delete"))
        case 2:
            return Request("GET", name, params=[*params, ("after", ""), ("page_size", "2")])
        case _:
            pass
    return Request("GET", name, params=[*params, *draw(SIZES)])


@st.composite
def groups(draw: st.DrawFn, name: str, shape: Shape, trees: Sequence[Any] = ()) -> Request:
    outputs = draw(st.lists(st.sampled_from(shape.outputs), min_size=1, max_size=3))
    params: Pairs = [("_aggregate", ",".join(outputs))]
    if shape.groups and draw(st.integers(0, 3)):
        keys = draw(st.lists(st.sampled_from(shape.groups), min_size=1, max_size=2))
        params.append(("_group_by", ",".join(keys)))
    having = [
        "count(*) > 1",
        "n__gte=2",
        "sum(age) < 40 or count(*) = 1",
        "avg(score) > 0.5",
        "n > x",
        "nothing > 1",
    ]
    if draw(st.integers(0, 3)) == 0:
        params.append(("_having", draw(st.sampled_from(having))))
    if draw(st.integers(0, 2)) == 0:
        params.append(("ordering", draw(pool("-n", "n", "team", "-seen_month", "-sum_age", "nothing"))))
    params += draw(conditions(shape))
    if draw(st.integers(0, 3)) == 0:
        tree = st.sampled_from(trees) | composed(shape) if trees else composed(shape)
        params.append(("filters", text_of(draw(tree))))
    return Request("GET", name, params=[*params, *draw(SIZES)])


@st.composite
def rows(draw: st.DrawFn, shape: Shape, *, whole: bool = True) -> dict[str, Any]:
    row = {name: draw(values) for name, values in shape.values.items() if whole or draw(pool(True, False))}
    for name in shape.key:
        row[name] = draw(shape.values[name])
    match draw(st.integers(0, 14)):
        case 0:
            row[draw(st.sampled_from(sorted(row)))] = draw(pool({"no": "such"}, "x", [1], True, 1.5, None))
        case 1:
            row["nothing"] = 1
        case 2:
            row.pop(draw(st.sampled_from(sorted(row))))
        case _:
            pass
    return row


def path_of(shape: Shape, row: dict[str, Any]) -> str:
    return "/data/" + ",".join(str(row.get(name)) for name in shape.key)


@st.composite
def writes(draw: st.DrawFn, name: str, shape: Shape) -> Request:
    several = st.lists(rows(shape), min_size=1, max_size=4)
    changes = st.lists(rows(shape, whole=False), min_size=1, max_size=3)
    row = draw(rows(shape, whole=False))
    path, kept = path_of(shape, row), {field: value for field, value in row.items() if field not in shape.key}
    match draw(st.integers(0, 9)):
        case 0:
            return Request("POST", name, body=draw(rows(shape)))
        case 1:
            return Request("POST", name, body=draw(several))
        case 2:
            unique = [("unique_fields", draw(st.sampled_from(shape.unique)))]
            return Request("POST", name, "/data/upsert", unique, draw(rows(shape) | several))
        case 3:
            return Request("PATCH", name, path, body=kept)
        case 4:
            return Request("PATCH", name, path, body=kept, if_match=draw(pool("current", '"0"', "*")))
        case 5:
            return Request("PATCH", name, body=draw(changes))
        case 6:
            return Request("DELETE", name, path, if_match=draw(pool(None, "current", '"0"')))
        case 7:
            keys = [path_of(shape, one).removeprefix("/data/") for one in draw(changes)]
            return Request("DELETE", name, params=[("ids", ",".join(keys))])
        case 8:
            chosen = draw(conditions(shape))
            return Request("DELETE", name, params=[("filter", json.dumps(dict(chosen)))])
        case _:
            if "is_deleted" in shape.names and draw(pool(True, True, False)):
                return Request("PATCH", name, path, body={"is_deleted": draw(pool(False, False, True, None))})
            return Request("GET", name, f"{path}{draw(pool('', '/allowed_actions'))}")


@st.composite
def batches(draw: st.DrawFn, tables: dict[str, Shape]) -> Request:
    steps: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(1, 3))):
        name = draw(st.sampled_from(sorted(tables)))
        shape = tables[name]
        row = draw(rows(shape, whole=False))
        match draw(st.integers(0, 3)):
            case 0:
                steps.append({"op": "create", "table": name, "data": draw(rows(shape))})
            case 1:
                steps.append({"op": "update", "table": name, "data": [row]})
            case 2:
                steps.append({"op": "upsert", "table": name, "data": draw(rows(shape))})
            case _:
                steps.append({"op": "delete", "table": name, "ids": [row.get(shape.key[0])]})
    return Request("POST", path="/batch", body={"steps": steps})


@st.composite
def files(draw: st.DrawFn, name: str, shape: Shape) -> Request:
    if draw(pool(True, False)):
        params = [*draw(conditions(shape)), ("format", draw(pool("csv", "ndjson")))]
        return Request("GET", name, "/data/export", [*params, ("ordering", ",".join(shape.key))])
    lines = "\n".join(map(text_of, draw(st.lists(rows(shape), min_size=1, max_size=4))))
    params = [("format", "ndjson"), ("on_error", draw(pool("abort", "skip")))]
    if draw(pool(True, False)):
        params += [("mode", "upsert"), ("unique_fields", draw(st.sampled_from(shape.unique)))]
    return Request("POST", name, "/data/import", params, text=lines)


def of_tables(tables: dict[str, Shape], trees: dict[str, Sequence[Any]]) -> st.SearchStrategy[Request]:
    found: list[st.SearchStrategy[Request]] = []
    for name, shape in tables.items():
        asked = trees.get(name, ())
        found += [
            lists(name, shape, asked),
            lists(name, shape, asked),
            writes(name, shape),
            writes(name, shape),
        ]
        found += [groups(name, shape, asked), files(name, shape)]
        if shape.relations:
            found.append(details(name, shape))
    return st.one_of([*found, batches(tables)])


@st.composite
def details(draw: st.DrawFn, name: str, shape: Shape) -> Request:
    path = path_of(shape, {field: draw(shape.values[field]) for field in shape.key})
    params = [("populate", draw(st.sampled_from(shape.relations)))]
    if draw(pool(True, False)):
        params = [("fields", ",".join(draw(st.lists(st.sampled_from(shape.names), min_size=1, max_size=3))))]
    return Request("GET", name, path, params)
