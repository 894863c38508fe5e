"""Every field type through a real table: its column, what it takes and gives, constraints, defaults, filters."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from penstock.tables.fields import BY_NAME, FIELDS, RANGE_OF
from tests.tables.workbench import Workbench, exact

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Case:
    """A type as a schema says it. `values` are pairs of what is sent and what is answered."""

    schema: dict[str, Any]
    column: str
    values: list[tuple[str, Any]]
    refused: list[str] = field(default_factory=list)
    constraints: list[tuple[dict[str, Any], str, str]] = field(default_factory=list)
    default: Any = None


def same(*texts: str) -> list[tuple[str, Any]]:
    return [(text, json.loads(text, parse_float=Decimal)) for text in texts]


UUID = "123e4567-e89b-12d3-a456-426614174000"
CASES: dict[str, Case] = {
    "string": Case(
        {"type": "string"},
        "text",
        same('""', '"a"', '"é😀"', '" a "', '"null"'),
        ["1", "true", "[]", "{}"],
        [
            ({"minLength": 2}, '"ab"', '"a"'),
            ({"maxLength": 2}, '"éé"', '"aaa"'),
            ({"pattern": "[a-z]+\\d?"}, '"ab1"', '"ab12"'),
            ({"pattern": "a|b"}, '"b"', '"ab"'),
            ({"enum": ["a'b", "c\\d"]}, '"c\\\\d"', '"c"'),
        ],
        "it's",
    ),
    "email": Case(
        {"type": "string", "format": "email"},
        "text",
        same('"a@b.co"', '"first.last+tag@sub.example.org"'),
        ['"a"', '"a@"', '"@b"', '"a b@c.d"', '"a@b..c"', '"a@b.c\\n"'],
        default="x@example.com",
    ),
    "uri": Case(
        {"type": "string", "format": "uri"},
        "text",
        same('"https://example.com/a?b=c#d"', '"urn:isbn:0451450523"', '"mailto:a@b.c"'),
        ['"example.com"', '"http://"', '"http://a b"', '"//x"', '"http://[::1"'],
    ),
    "base64": Case({"type": "string", "format": "binary"}, "text", same('""', '"aGk="'), ['"a"', '"a*=="']),
    "uuid text": Case(
        {"type": "string", "format": "uuid"},
        "uuid",
        [(f'"{UUID}"', UUID), (f'"{UUID.upper()}"', UUID)],
        ['"x"', f'"{UUID}0"', "1"],
        default=UUID,
    ),
    "uuid": Case(
        {"type": "uuid"},
        "uuid",
        [(f'"{UUID}"', UUID)],
        ['""', "{}"],
        [({"enum": [UUID]}, f'"{UUID}"', f'"{UUID[:-1]}1"')],
    ),
    "integer": Case(
        {"type": "integer"},
        "bigint",
        same("0", "-1", str(2**63 - 1), str(-(2**63))),
        ["1.5", '"1"', "true", str(2**63)],
        [({"minimum": -5, "maximum": 5}, "-5", "6"), ({"enum": [1, 2]}, "2", "3")],
        -(2**63),
    ),
    "number": Case(
        {"type": "number"},
        "numeric",
        same("0", "1.10", "-1e-30", "123456789012345678901234567890.5"),
        ['"x"', "true", "[]", "1e5000"],
        [
            ({"minimum": 0}, "0", "-0.1"),
            ({"maximum": 1.5}, "1.50", "1.51"),
            ({"enum": [0.1, 2]}, "2.0", "0.2"),
        ],
        0.1,
    ),
    "boolean": Case(
        {"type": "boolean"},
        "boolean",
        same("true", "false"),
        ["0", "1", '"true"'],
        [({"enum": [True]}, "true", "false")],
        False,
    ),
    "date": Case(
        {"type": "date"},
        "date",
        same('"0001-01-01"', '"2024-02-29"', '"9999-12-31"'),
        ['"2023-02-29"', '"2024-1-1"', '"2024-01-01T00:00:00Z"', "20240101"],
        [({"minimum": "2024-01-01", "maximum": "2024-12-31"}, '"2024-01-01"', '"2023-12-31"')],
        "2020-01-01",
    ),
    "time": Case(
        {"type": "time"},
        "time without time zone",
        [*same('"00:00:00"', '"23:59:59.999999"'), ('"09:30:00.500"', "09:30:00.5")],
        ['"24:00:00"', '"09:30:00Z"', '"9:30"', "930"],
        [({"minimum": "08:00:00"}, '"08:00:00"', '"07:59:59"')],
        "12:00:00",
    ),
    "datetime": Case(
        {"type": "datetime"},
        "timestamp with time zone",
        [
            ('"2024-01-01T02:00:00+02:00"', "2024-01-01T00:00:00Z"),
            ('"2024-01-01T00:00:00.10Z"', "2024-01-01T00:00:00.1Z"),
        ],
        ['"2024-01-01"', '"yesterday"', "0"],
        [({"minimum": "2024-01-01T00:00:00Z"}, '"2024-01-01T01:00:00+01:00"', '"2024-01-01T00:59:00+01:00"')],
        "2024-06-01T00:00:00+02:00",
    ),
    "year": Case(
        {"type": "year"},
        "smallint",
        same("1", "9999"),
        ["0", "10000", '"2024"'],
        [({"minimum": 2000}, "2000", "1999")],
        2024,
    ),
    "yearmonth": Case(
        {"type": "yearmonth"},
        "text",
        same('"2024-12"'),
        ['"2024-13"', '"0000-01"', '"2024-1"', "202401"],
        default="2024-01",
    ),
    "duration": Case(
        {"type": "duration"},
        "text",
        same('"PT15M"', '"P1Y2M3DT4H5M6.7S"', '"P2W"'),
        ['"P"', '"PT"', '"15M"', '"P1S"'],
        default="P1D",
    ),
    "object": Case(
        {"type": "object"},
        "jsonb",
        same("{}", '{"a": {"b": [1, null, 1.10]}}'),
        ["[]", '"{}"', "1"],
        default={"a": "it's"},
    ),
    "array": Case(
        {"type": "array"},
        "jsonb",
        same("[]", '[1, "a", null, [true]]'),
        ["{}", '"[]"', "1"],
        [({"minLength": 1, "maxLength": 2}, "[1, 2]", "[1, 2, 3]")],
        [1, 2.5, "x"],
    ),
    "any": Case({"type": "any"}, "jsonb", same("1", '"a"', "[]", "{}", "true", "1.10"), default="text"),
    "geopoint": Case(
        {"type": "geopoint"},
        "jsonb",
        same("[13.4, 52.5]", "[-180, 90]"),
        ["[181, 0]", "[1]", '"13,52"', "[1, true]"],
        default=[1, 2],
    ),
    "geojson": Case(
        {"type": "geojson"},
        "jsonb",
        same('{"type": "Point", "coordinates": [1, 2]}'),
        ["{}", '{"type": "Nothing"}', "[]"],
    ),
    "range of integers": Case(
        {"type": "range", "of": "integer"},
        "int8range",
        [
            ('{"lower": 1, "upper": 5}', {"lower": 1, "upper": 5, "bounds": "[)", "empty": False}),
            (
                '{"lower": 1, "upper": 5, "bounds": "(]"}',
                {"lower": 2, "upper": 6, "bounds": "[)", "empty": False},
            ),
            ('{"lower": null}', {"lower": None, "upper": None, "bounds": "()", "empty": False}),
            ('{"empty": true}', {"lower": None, "upper": None, "bounds": "()", "empty": True}),
        ],
        ['{"lower": 5, "upper": 1}', '{"lower": "1"}', "[1, 5]", '{"bounds": "[["}', '"[1,5)"'],
        default={"lower": 1, "upper": 2},
    ),
    "range of numbers": Case(
        {"type": "range", "of": "number"},
        "numrange",
        [
            (
                '{"lower": 0.10, "upper": 2, "bounds": "[]"}',
                {"lower": Decimal("0.10"), "upper": 2, "bounds": "[]", "empty": False},
            )
        ],
    ),
    "range of dates": Case(
        {"type": "range", "of": "date"},
        "daterange",
        [('{"lower": "2024-01-01"}', {"lower": "2024-01-01", "upper": None, "bounds": "[)", "empty": False})],
        ['{"lower": "x"}'],
    ),
    "range of instants": Case(
        {"type": "range", "of": "datetime"},
        "tstzrange",
        [
            (
                '{"lower": "2024-01-01T00:00:00", "upper": "2024-01-01T02:00:00+01:00"}',
                {
                    "lower": "2024-01-01T00:00:00Z",
                    "upper": "2024-01-01T01:00:00Z",
                    "bounds": "[)",
                    "empty": False,
                },
            )
        ],
        ['{"lower": "2024-01-01T00:00:00+01:00", "upper": "2023-12-31T22:00:00Z"}'],
    ),
}


def test_every_type_is_here() -> None:
    # Vectors have a file of their own: not every PostgreSQL has them.
    here = {case.schema["type"] for case in CASES.values()} | {"vector"}
    assert here == set(BY_NAME) == {one.name for one in FIELDS}
    assert {case.schema["of"] for case in CASES.values() if "of" in case.schema} == set(RANGE_OF)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_values_come_back(workbench: Workbench, case: Case) -> None:
    table = await workbench.table({"name": "f", **case.schema})
    for number, (sent, answered) in enumerate(case.values, 1):
        made = await table.post(f'{{"f": {sent}}}')
        assert made.status_code == 201, made.text
        assert exact(made)["data"] == {"id": number, "f": answered}
        assert exact(await table.get(f"/{number}"))["data"]["f"] == answered
        again = await table.patch(json_text(answered), f"/{number}")
        assert exact(again)["data"]["f"] == answered, again.text
    # One record and many are different statements.
    rows = ",".join(f'{{"f": {sent}}}' for sent, _ in case.values)
    many = await table.post(f"[{rows}]")
    assert [row["f"] for row in exact(many)["data"]] == [answered for _, answered in case.values], many.text
    physical = (await workbench.details(table))["physical_table_name"].rpartition(".")[2]
    # Of documents, the view has it.
    (column,) = await workbench.fetch(
        "SELECT format_type(atttypid, atttypmod) AS type FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid "
        "WHERE starts_with(relname, $1) AND relkind IN ('r', 'v') AND attname = 'f'",
        physical,
    )
    assert column["type"] == case.column


def json_text(value: Any) -> str:
    """A row with the value, its digits kept."""
    return json.dumps({"f": value}, default=lambda number: f"#{number}#").replace('"#', "").replace('#"', "")


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_what_does_not_fit_is_refused(workbench: Workbench, case: Case) -> None:
    table = await workbench.table({"name": "f", **case.schema})
    for text in case.refused:
        answer = await table.post(f'{{"f": {text}}}')
        assert (answer.status_code, list(answer.json().get("errors", {}))) == (400, ["f"]), (
            text,
            answer.text,
        )
    assert await table.total() == 0


CONSTRAINED = [
    (f"{name} {next(iter(constraints))}", case, constraints, good, bad)
    for name, case in CASES.items()
    for constraints, good, bad in case.constraints
]


@pytest.mark.parametrize(
    ("case", "constraints", "good", "bad"),
    [one[1:] for one in CONSTRAINED],
    ids=[one[0] for one in CONSTRAINED],
)
async def test_constraints(
    workbench: Workbench, case: Case, constraints: dict[str, Any], good: str, bad: str
) -> None:
    """They hold on the way in, and in the table itself."""
    table = await workbench.table({"name": "f", **case.schema, "constraints": constraints})
    assert (await table.post(f'{{"f": {good}}}')).status_code == 201
    assert (await table.post('{"f": null}')).status_code == 201
    for answer in (await table.post(f'{{"f": {bad}}}'), await table.patch(f'{{"f": {bad}}}', "/1")):
        assert (answer.status_code, list(answer.json()["errors"])) == (400, ["f"])
    physical = (await workbench.details(table))["physical_table_name"].rpartition(".")[2]
    checks = await workbench.fetch(
        "SELECT 1 FROM pg_constraint JOIN pg_class c ON c.oid = conrelid WHERE relname = $1 AND contype = 'c'",
        physical,
    )
    assert len(checks) == len(constraints)


@pytest.mark.parametrize("case", [case for case in CASES.values() if case.default is not None])
async def test_defaults(workbench: Workbench, case: Case) -> None:
    table = await workbench.table(
        {"name": "f", **case.schema, "default": case.default}, {"name": "n", "type": "integer"}
    )
    (made,) = await table.add({})
    (upserted,) = exact(await table.post([{"id": 9, "n": 1}], "/upsert"))["data"]
    assert made["f"] == upserted["f"]
    assert made["f"] is not None
    if case.schema["type"] not in ("range", "datetime"):
        assert made["f"] == json.loads(json.dumps(case.default), parse_float=Decimal)


MANY = ("object", "array", "any", "geopoint", "geojson", "range", "boolean")


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.schema["type"] not in MANY])
async def test_unique_values(workbench: Workbench, name: str) -> None:
    case = CASES[name]
    table = await workbench.table({"name": "f", **case.schema, "constraints": {"unique": True}})
    sent = case.values[0][0]
    assert (await table.post(f'{{"f": {sent}}}')).status_code == 201
    assert (await table.post(f'{{"f": {sent}}}')).status_code == 409
    upserted = await table.post(f'{{"f": {sent}}}', "/upsert?unique_fields=f")
    assert (upserted.status_code, upserted.json()["data"]["id"]) == (200, 1)
