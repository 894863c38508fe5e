"""Compiled filters: text and parameters, and what a real PostgreSQL answers, against plain Python."""

from __future__ import annotations

import itertools
import json
import string
import unicodedata
from datetime import date
from random import Random
from typing import Any

import asyncpg
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.kit.filters import (
    Column,
    ValueType,
    bind,
    compile_postgres,
    conjunction,
    parse_json,
    parse_pairs,
    shape,
    values,
)
from penstock.kit.folding import fold
from penstock.kit.operators import BY_NAME, OPERATORS, Arity
from tests.kit.filters import oracle, samples
from tests.kit.filters.conftest import Probe

COLUMNS = {
    name: Column(name, f'"{name}"', ValueType(kind), ValueType(item) if item else None)
    for name, (kind, _, item) in samples.COLUMNS.items()
}
COLUMNS["sv"] = Column("sv", '"sv"', ValueType.TSVECTOR, config="simple")


def compiled(tree: Any, before: tuple[Any, ...] = ()) -> tuple[str, list[Any]]:
    params = list(before)
    return compile_postgres(bind(tree, COLUMNS.get, COLUMNS), params), params


def sql(*pairs: tuple[str, str]) -> tuple[str, list[Any]]:
    return compiled(parse_pairs(pairs, COLUMNS))


FOLDED = "penstock.fold(v) FROM unnest($1::text[]) AS v"
OVERLAP = (
    "CASE WHEN jsonb_typeof(\"a\") = 'array' THEN EXISTS "
    '(SELECT FROM jsonb_array_elements("a") AS pst__e WHERE pst__e = ANY($1::jsonb[])) END'
)
TEXTS = [
    (("i", "5"), '"i" = $1::bigint', [5]),
    (("i__eq", "5"), '"i" = $1::bigint', [5]),
    (("t__ne", "x,y"), '"t" <> $1::text', ["x,y"]),
    (("i__gt", "5"), '"i" > $1::bigint', [5]),
    (("y__gte", "5"), '"y" >= $1::smallint', [5]),
    (("du__lt", "P1D"), '"du" < $1::text::interval', ["P1D"]),
    (("i__lte", "-5"), '"i" <= $1::bigint', [-5]),
    (("i__in", "1, 2"), '"i" = ANY($1::bigint[])', [[1, 2]]),
    (("t__in", '["a,b", "c"]'), '"t" = ANY($1::text[])', [["a,b", "c"]]),
    (("t__nin", "a, b"), '"t" <> ALL($1::text[])', [["a", " b"]]),
    (("du__in", "P1D,P2D"), '"du" = ANY($1::text[]::interval[])', [["P1D", "P2D"]]),
    (("t__ina", "A"), f'penstock.fold("t") = ANY(ARRAY(SELECT {FOLDED}))', [["A"]]),
    (("t__nina", "A"), f'penstock.fold("t") <> ALL(ARRAY(SELECT {FOLDED}))', [["A"]]),
    (("t__contains", "a%_\\"), 'penstock.fold("t") LIKE penstock.fold($1::text)', ["%a\\%\\_\\\\%"]),
    (("t__nicontains", "a"), 'penstock.fold("t") NOT LIKE penstock.fold($1::text)', ["%a%"]),
    (("t__containss", "a"), '"t" LIKE $1::text', ["%a%"]),
    (("t__ncontainss", "a"), '"t" NOT LIKE $1::text', ["%a%"]),
    (("t__istartswith", "a"), 'penstock.fold("t") LIKE penstock.fold($1::text)', ["a%"]),
    (("t__nstartswiths", "a"), '"t" NOT LIKE $1::text', ["a%"]),
    (("t__endswith", "a"), 'penstock.fold("t") LIKE penstock.fold($1::text)', ["%a"]),
    (("t__nendswiths", "a"), '"t" NOT LIKE $1::text', ["%a"]),
    (("o__containss", "a"), '("o")::text LIKE $1::text', ["%a%"]),
    (("t__like", "a_%"), '"t" LIKE $1::text', ["a_%"]),
    (("t__ilike", "a_%"), 'penstock.fold("t") LIKE penstock.fold($1::text)', ["a_%"]),
    (("i__between", "1,2"), '"i" BETWEEN $1::bigint AND $2::bigint', [1, 2]),
    (("i__nbetween", "1,2"), '"i" NOT BETWEEN $1::bigint AND $2::bigint', [1, 2]),
    (("i__null", "true"), '"i" IS NULL', []),
    (("i__null", "False"), '"i" IS NOT NULL', []),
    (("i__nnull", "1"), '"i" IS NOT NULL', []),
    (
        ("sv__search", "a -b"),
        '"sv" @@ websearch_to_tsquery($2::text::regconfig, $1::text)',
        ["a -b", "simple"],
    ),
    (("o", '{"k": 1.50}'), '"o" = $1::jsonb', ['{"k":1.50}']),
    (("a__acontains", '["x", 1]'), '"a" @> $1::jsonb', ['["x",1]']),
    (("a__nacontainedby", "x,1"), 'NOT ("a" <@ $1::jsonb)', ['["x",1,"1"]']),
    (("a__aoverlap", "x"), OVERLAP, [['"x"']]),
    (("a__naoverlap", "x"), f"NOT ({OVERLAP})", [['"x"']]),
    (("a__aelement", "x,y"), '"a" @> $1::jsonb', ['["x,y"]']),
    (("a__aelement", "5"), OVERLAP, [["5", '"5"']]),
    (("ai__aelement", "5"), OVERLAP.replace('"a"', '"ai"'), [["5"]]),
    (("ri__rcontains", "5"), '"ri" @> int8range($1::bigint, $2::bigint, $3::text)', [5, 6, "[)"]),
    (("ri__rcontainedby", "5,"), '"ri" <@ int8range($1::bigint, $2::bigint, $3::text)', [5, None, "[)"]),
    (("ri__roverlaps", "(1,2]"), '"ri" && int8range($1::bigint, $2::bigint, $3::text)', [2, 3, "[)"]),
    (("ri__radjacent", "empty"), '"ri" -|- int8range($1::bigint, $2::bigint, $3::text)', [0, 0, "()"]),
    (("ri__rstrictleft", "1,2"), '"ri" << int8range($1::bigint, $2::bigint, $3::text)', [1, 2, "[)"]),
    (("ri__rstrictright", "1,2"), '"ri" >> int8range($1::bigint, $2::bigint, $3::text)', [1, 2, "[)"]),
]


@pytest.mark.parametrize(
    ("pair", "text", "params"), TEXTS, ids=lambda value: "=".join(value) if isinstance(value, tuple) else ""
)
def test_text_and_parameters(pair: tuple[str, str], text: str, params: list[Any]) -> None:
    assert sql(pair) == (text, params)


def test_trees() -> None:
    tree = parse_json('{"or": [{"i": 1, "t": "x"}, {"not": {"i__between": [2, 3]}}, {"and": [{"b": true}]}]}')
    text, params = compiled(tree, before=("kept",))
    assert (
        text == '(("i" = $2::bigint AND "t" = $3::text) OR '
        'NOT ("i" BETWEEN $4::bigint AND $5::bigint) OR "b" = $6::boolean)'
    )
    assert params == ["kept", 1, "x", 2, 3, True]
    assert compiled(parse_json('{"and": []}')) == ("TRUE", [])
    assert compiled(parse_json('{"or": []}')) == ("FALSE", [])
    assert compiled(parse_pairs([])) == ("TRUE", [])


def test_the_shape_leaves_out_the_values() -> None:
    first, second = (
        bind(parse_json(text), COLUMNS.get)
        for text in (
            '{"i__in": [1], "t": "x", "ri__rcontains": 5}',
            '{"i__in": [], "t": "yy", "ri__rcontains": [1, 2]}',
        )
    )
    assert shape(first) == shape(second)
    assert hash(shape(first)) == hash(shape(second))
    params: list[Any] = []
    compile_postgres(first, params)
    assert params == values(first) == [[1], "x", 5, 6, "[)"]


def test_a_column_with_braces_or_an_odd_name() -> None:
    columns = {"x": Column("x", '"{0}%s""$1"', ValueType.INTEGER)}
    params: list[Any] = []
    assert (
        compile_postgres(bind(parse_pairs([("x", "1")]), columns.get), params) == '"{0}%s""$1" = $1::bigint'
    )


@pytest.fixture(scope="module")
def rows(postgres: Probe) -> list[samples.Row]:
    found = samples.random_rows(Random(20_26), 120)
    columns = ", ".join(f"{name} {kind}" for name, (_, kind, _) in samples.COLUMNS.items())
    postgres.execute(f"CREATE TABLE probe (id integer PRIMARY KEY, {columns})")
    # As text, since the driver takes the ends of Python's calendar for infinity.
    textual = ("interval", "date", "timestamptz", "daterange", "tstzrange")
    places = [
        f"${place}::text::{kind}" if kind in textual else f"${place}"
        for place, (_, kind, _) in enumerate(samples.COLUMNS.values(), 2)
    ]
    statement = f"INSERT INTO probe VALUES ($1, {', '.join(places)})"
    for row in found:
        postgres.fetch(statement, row["id"], *[stored(name, row[name]) for name in samples.COLUMNS])
    return found


def stored(name: str, value: Any) -> Any:
    if value is None:
        return None
    if samples.COLUMNS[name][1] == "jsonb":
        return json.dumps(value)
    if name in samples.ENDS:
        low, high, bounds = value
        if samples.COLUMNS[name][1] in ("daterange", "tstzrange"):
            ends = ["" if end is None else end.isoformat() for end in (low, high)]
            return f"{bounds[0]}{','.join(ends)}{bounds[1]}"
        return asyncpg.Range(low, high, lower_inc=bounds[0] == "[", upper_inc=bounds[1] == "]")
    return value.isoformat() if isinstance(value, date) else value


def answer(postgres: Probe, tree: Any) -> list[int]:
    text, params = compiled(tree)
    return [row["id"] for row in postgres.fetch(f"SELECT id FROM probe WHERE {text} ORDER BY id", *params)]


def ids(rows: list[samples.Row], holds: oracle.Holds) -> list[int]:
    return [row["id"] for row in rows if holds(row) is True]


APPLICATIONS = [(op, name) for op, (_, names) in oracle.MAKERS.items() for name in names]


@pytest.mark.parametrize(("op", "name"), APPLICATIONS, ids=lambda value: value)
def test_every_operator_on_every_type(postgres: Probe, rows: list[samples.Row], op: str, name: str) -> None:
    rnd = Random(f"{op} {name}")
    for _ in range(15):
        case = oracle.MAKERS[op][0](rnd, name, op)
        wanted = ids(rows, case.holds)
        if case.text is not None:
            assert answer(postgres, parse_pairs([(case.key, case.text)], COLUMNS)) == wanted, case
        if case.value is not oracle.NOTHING:
            assert answer(postgres, parse_json({case.key: case.value}, COLUMNS)) == wanted, case


def test_the_oracle_knows_every_operator() -> None:
    tested = {(BY_NAME[op].name, COLUMNS[name].type) for op, name in APPLICATIONS}
    apart = (ValueType.TSVECTOR, ValueType.VECTOR)
    declared = {(row.name, kind) for row in OPERATORS for kind in row.types if kind not in apart}
    assert tested == declared
    assert {row.name for row in OPERATORS if ValueType.VECTOR in row.types} == {"null", "nnull"}
    assert {row for row in OPERATORS if ValueType.TSVECTOR in row.types} == {
        BY_NAME["null"],
        BY_NAME["nnull"],
        BY_NAME["search"],
    }


def random_tree(rnd: Random, depth: int) -> tuple[Any, oracle.Holds]:
    kind = rnd.choice(["leaf", "leaf", "and", "or", "not"]) if depth else "leaf"
    if kind == "leaf":
        while True:
            op, name = rnd.choice(APPLICATIONS)
            case = oracle.MAKERS[op][0](rnd, name, op)
            if case.value is not oracle.NOTHING:
                break
        if rnd.random() < 0.3:
            path, _, op = case.key.partition("__")
            return {"field": path, "operator": op or "eq", "value": case.value}, case.holds
        return {case.key: case.value}, case.holds
    if kind == "not":
        node, holds = random_tree(rnd, depth - 1)
        return {"not": node}, lambda row: None if (truth := holds(row)) is None else not truth
    children = [random_tree(rnd, depth - 1) for _ in range(rnd.randint(0, 3))]
    nodes, tests = [node for node, _ in children], [holds for _, holds in children]
    form = {"operator": kind, "value": nodes} if rnd.random() < 0.3 else {kind: nodes}
    return form, lambda row: combine([holds(row) for holds in tests], kind == "or")


def combine(truths: list[bool | None], decisive: bool) -> bool | None:
    if decisive in truths:
        return decisive
    return None if None in truths else not decisive


@pytest.mark.parametrize("seed", range(300))
def test_random_trees(postgres: Probe, rows: list[samples.Row], seed: int) -> None:
    node, holds = random_tree(Random(seed), 4)
    text = msgspec.json.Encoder(decimal_format="number").encode(node)
    assert answer(postgres, parse_json(text, COLUMNS)) == ids(rows, holds), node


def test_conditions_are_anded(postgres: Probe, rows: list[samples.Row]) -> None:
    pairs = [("i__ne", "1"), ("i__ne", "2"), ("i__in", "1,2,3,5"), ("i__in", "3,5,10")]
    assert answer(postgres, parse_pairs(pairs, COLUMNS)) == ids(rows, lambda row: row["i"] in (3, 5))
    both = conjunction([parse_pairs(pairs[:2]), parse_json({"i__lt": 3})])
    assert answer(postgres, both) == ids(
        rows, lambda row: row["i"] is not None and row["i"] < 3 and row["i"] not in (1, 2)
    )


def test_search(postgres: Probe) -> None:
    postgres.execute("CREATE TABLE texts (id integer, sv tsvector)")
    for key, words in [(1, "the red fox"), (2, "a red hen"), (3, None)]:
        postgres.fetch("INSERT INTO texts VALUES ($1, to_tsvector('simple', $2))", key, words)
    for words, wanted in [
        ("red", [1, 2]),
        ("red -fox", [2]),
        ('"red fox"', [1]),
        ("fox or hen", [1, 2]),
        ("' & |", []),
    ]:
        text, params = sql(("sv__search", words))
        found = postgres.fetch(f"SELECT id FROM texts WHERE {text} ORDER BY id", *params)
        assert [row["id"] for row in found] == wanted


MARK = st.text(string.ascii_letters + "'\"\\;-%_$ é", min_size=6, max_size=20).map(lambda text: f"zq{text}qz")


@given(MARK, st.sampled_from([row for row in OPERATORS if row.types]), st.sampled_from(sorted(COLUMNS)))
@settings(max_examples=400, deadline=None)
def test_a_value_is_never_in_the_text(mark: str, operator: Any, name: str) -> None:
    column = COLUMNS[name]
    if column.type not in operator.types or column.type not in (
        ValueType.TEXT, ValueType.JSON, ValueType.JSON_ARRAY, ValueType.JSON_OBJECT, ValueType.TSVECTOR
    ) or column.item is ValueType.INTEGER or operator.arity is Arity.BOOLEAN:  # fmt: skip
        return
    value: Any = mark.rstrip("\\")
    if operator.arity in (Arity.LIST, Arity.PAIR):
        value = [value, value]
    elif operator.name in ("eq", "ne") and column.type is ValueType.JSON_OBJECT:
        value = {value: value}
    elif operator.name in ("eq", "ne") and column.type is ValueType.JSON_ARRAY:
        value = [value]
    text, params = compiled(parse_json({f"{name}__{operator.name}": value}, COLUMNS))
    assert mark not in text
    assert "zq" not in text
    assert params
    same, _ = compiled(
        parse_json(json.loads(json.dumps({f"{name}__{operator.name}": value}).replace("zq", "xy")), COLUMNS)
    )
    assert same == text


def test_placeholders_are_numbered_without_gaps() -> None:
    rnd = Random(7)
    for _ in range(100):
        node, _ = random_tree(rnd, 3)
        text, params = compiled(parse_json(node, COLUMNS))
        numbers = [int("".join(itertools.takewhile(str.isdigit, part))) for part in text.split("$")[1:]]
        assert set(numbers) == set(range(1, len(params) + 1))


def test_folding_is_the_same_in_the_database(postgres: Probe) -> None:
    letters = [
        chr(code) for code in range(1, 0x110000) if unicodedata.category(chr(code)) not in ("Cs", "Cn", "Co")
    ]
    found = postgres.fetch(
        "SELECT penstock.fold(c) AS f FROM unnest($1::text[]) WITH ORDINALITY AS t (c, n) ORDER BY n", letters
    )
    assert [letter for letter, row in zip(letters, found, strict=True) if fold(letter) != row["f"]] == []
    for word in samples.WORDS:
        assert postgres.fetch("SELECT penstock.fold($1) AS f", word)[0]["f"] == fold(word)
