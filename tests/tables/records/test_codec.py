"""What rows may hold: every value to the last digit, every fault named."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from typing import Any

import pytest

from penstock.kit import errors
from penstock.tables.records.codec import RowCodec
from penstock.tables.schema import parse_schema
from tests.tables.workbench import Workbench, exact

pytestmark = pytest.mark.anyio

TYPES = {
    "s": {"type": "string"},
    "n": {"type": "number"},
    "i": {"type": "integer"},
    "b": {"type": "boolean"},
    "d": {"type": "date"},
    "t": {"type": "time"},
    "ts": {"type": "datetime"},
    "y": {"type": "year"},
    "u": {"type": "uuid"},
    "o": {"type": "object"},
    "a": {"type": "array"},
    "x": {"type": "any"},
    "g": {"type": "geopoint"},
    "r": {"type": "range", "of": "number"},
}
FIELDS = [{"name": name, **kind} for name, kind in TYPES.items()]
DEEP = 3000


def codec(*fields: dict[str, Any]) -> RowCodec:
    return RowCodec(
        parse_schema({"fields": [{"name": "id", "type": "integer"}, *fields], "primaryKey": "id"})
    )


def refusal(body: str | bytes, *, limit: int = 10_000, rows: RowCodec | None = None) -> errors.PenstockError:
    raw = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
    with pytest.raises(errors.PenstockError) as caught:
        (rows or codec(*FIELDS)).decode_create(raw, limit)
    return caught.value


@pytest.mark.parametrize(
    "number",
    [
        "1234567890123456789012345678901234567890",
        "0.1234567890123456789012345678901234567891",
        "-12345678901234567890.123456789012345678901",
        "1.10",
        "0",
        "-0.0",
        "1e20",
        "1.5E-30",
        "9" * 1000,
    ],
)
async def test_numbers_keep_their_digits(workbench: Workbench, number: str) -> None:
    table = await workbench.table({"name": "n", "type": "number"}, {"name": "doc", "type": "object"})
    sent = f'{{"n": {number}, "doc": {{"n": {number}, "list": [{number}]}}}}'
    made = await table.post(sent)
    assert made.status_code == 201, made.text
    for answer in (made, await table.get("/1"), await table.patch(f'{{"n": {number}}}', "/1")):
        row = json.loads(answer.text, parse_float=Decimal, parse_int=Decimal)["data"]
        expected = Decimal(number)
        assert (row["n"], row["doc"]) == (expected, {"n": expected, "list": [expected]})
    assert await table.ids(n=number) == [1]


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63), 2**53 + 1, 0])
async def test_integers_of_64_bits_are_exact(workbench: Workbench, number: int) -> None:
    table = await workbench.table({"name": "i", "type": "integer"}, {"name": "doc", "type": "any"})
    (row,) = await table.add({"i": number, "doc": [number]})
    assert (row["i"], row["doc"]) == (number, [number])
    assert await table.ids(i=str(number)) == [1]


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        ("2024-02-29T12:30:00Z", "2024-02-29T12:30:00Z"),
        ("2024-02-29T12:30:00+05:45", "2024-02-29T06:45:00Z"),
        ("2024-02-29T12:30:00", "2024-02-29T12:30:00Z"),
        ("2024-02-29T12:30:00.123456Z", "2024-02-29T12:30:00.123456Z"),
        ("2024-02-29T12:30:00.5-00:30", "2024-02-29T13:00:00.5Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("0001-01-01T05:00:00+05:00", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
        ("9999-12-31T18:59:59-05:00", "9999-12-31T23:59:59Z"),
    ],
)
async def test_instants_come_back_in_utc(workbench: Workbench, sent: str, answered: str) -> None:
    table = await workbench.table({"name": "at", "type": "datetime"})
    assert (await table.add({"at": sent}))[0]["at"] == answered
    assert await table.ids(at=answered) == [1]


@pytest.mark.parametrize("sent", ["0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01"])
def test_an_offset_does_not_lead_out_of_the_calendar(sent: str) -> None:
    refused = refusal(json.dumps({"ts": sent}))
    assert refused.errors == {"ts": ["In UTC this instant lies outside the years 1 to 9999."]}


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("i", "1.5", "1.5 is not of type integer: expected `int`, got `float`."),
        ("i", '"1"', '"1" is not of type integer: expected `int`, got `str`.'),
        (
            "i",
            str(2**63),
            "9223372036854775808 is not of type integer: expected `int` <= 9223372036854775807.",
        ),
        (
            "i",
            str(-(2**63) - 1),
            "-9223372036854775809 is not of type integer: expected `int` >= -9223372036854775808.",
        ),
        ("i", "true", "true is not of type integer: expected `int`, got `bool`."),
        ("n", "true", "true is not of type number: expected `decimal`, got `bool`."),
        ("n", '"ten"', '"ten" is not of type number: invalid decimal string.'),
        ("n", '"NaN"', "NaN is not a number that JSON can carry."),
        ("n", '"-Infinity"', "-Infinity is not a number that JSON can carry."),
        ("n", "1e1000", "The number has more than 1000 digits."),
        ("n", "1e-1001", "The number has more than 1000 digits."),
        ("s", "1", "1 is not of type string: expected `str`, got `int`."),
        ("s", '"a\\u0000b"', "Text has no NUL character."),
        ("b", '"true"', '"true" is not of type boolean: expected `bool`, got `str`.'),
        ("d", '"2023-02-29"', '"2023-02-29" is not of type date: invalid RFC3339 encoded date.'),
        (
            "ts",
            '"2024-13-01T00:00:00Z"',
            '"2024-13-01T00:00:00Z" is not of type datetime: invalid RFC3339 encoded datetime.',
        ),
        ("t", '"09:30:00Z"', "A time of day has no time zone; write it like 09:30:00."),
        ("y", "0", "0 is not of type year: expected `int` >= 1."),
        ("u", '"x"', '"x" is not of type uuid: invalid UUID.'),
        ("o", "[]", "Expected an object."),
        ("o", "1", "Expected an object."),
        ("o", '{"a": "\\u0000"}', "Text has no NUL character."),
        ("o", '{"\\u0000": 1}', "Text has no NUL character."),
        ("a", "{}", "Expected an array."),
        ("g", "[200, 0]", "Expected [longitude, latitude] in degrees."),
        ("r", '{"lower": 2, "upper": 1}', "The lower bound of a range must not be above its upper bound."),
        ("r", '{"lower": "NaN"}', "NaN is not a number that JSON can carry."),
        ("r", '{"bottom": 1}', '{"bottom": 1} is not of type range: object contains unknown field `bottom`.'),
    ],
)
def test_a_value_of_the_wrong_kind_is_named(field: str, value: str, sentence: str) -> None:
    refused = refusal(f'{{"{field}": {value}}}')
    assert (refused.status, refused.errors) == (400, {field: [sentence]})


@pytest.mark.parametrize(
    "body",
    [
        "",
        "  ",
        "null",
        "1",
        '"text"',
        "{",
        "[{}",
        "{}{}",
        '{"n": NaN}',
        '{"n": Infinity}',
        '{"n": 01}',
        '{"o": {"a": NaN}}',
        '{"s": "\\ud800"}',
        '{"s": "\ud800"}',
        b'{"s": "\xff"}',
        b'{"o": {"a": "\xff"}}',
        b'{"o": {"a": "\xff"}, "wrong": 1}',
        '{"o": {"a": "\\udc00"}}',
        '{"o": {"a": "\\udc00"}, "wrong": 1}',
        '[{"wrong": 1}, {"g": ["\\ud800", 1]}]',
        '[{"s": "\\u0000"}, {"o": {"a": "\\u0000", "b": "\\ud800"}}]',
        '{"s": "a\nb"}',
        "[" * DEEP,
        '{"o": ' + '{"a":' * DEEP + "1" + "}" * DEEP + "}",
        '[{"wrong": ' + "[" * DEEP + "]" * DEEP + "}]",
        '[{"a": ' + "[" * DEEP + "]" * DEEP + '}, {"wrong": 1}]',
    ],
    ids=lambda body: ascii(body)[:40],
)
async def test_what_is_not_json_is_refused_and_nothing_is_written(
    workbench: Workbench, body: str | bytes
) -> None:
    table = await workbench.table(*FIELDS)
    raw = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
    answer = await table.post(raw)
    assert answer.status_code == 400, answer.text
    assert answer.json()["detail"]
    assert await table.total() == 0


async def test_what_looks_like_an_escape_is_text(workbench: Workbench) -> None:
    table = await workbench.table({"name": "s", "type": "string"}, {"name": "o", "type": "object"})
    texts = ["\\u0000", "\\", '"', "\x01", "\u2028", "😀", "e\u0301", "𝒳" * 10, "\ufffe", "a\u200db"]
    made = await table.add(*({"s": text, "o": {text: [text]}} for text in texts))
    assert [(row["s"], row["o"]) for row in made] == [(text, {text: [text]}) for text in texts]
    for position, text in enumerate(texts, 1):
        assert await table.ids(s=text) == [position]


async def test_null_is_null_in_every_type(workbench: Workbench) -> None:
    table = await workbench.table(*FIELDS)
    nulls = dict.fromkeys(TYPES)
    assert await table.add(nulls, {}) == [{"id": 1, **nulls}, {"id": 2, **nulls}]
    assert (await table.patch(nulls, "/1")).json()["data"] == {"id": 1, **nulls}
    assert await table.ids(x__null="true") == [1, 2]


@pytest.mark.parametrize("kind", TYPES.values(), ids=TYPES)
async def test_a_required_field_is_never_null(workbench: Workbench, kind: dict[str, Any]) -> None:
    table = await workbench.table({"name": "f", **kind, "constraints": {"required": True}})
    missing = await table.post({})
    assert (missing.status_code, missing.json()["errors"]) == (400, {"f": ["This field is required."]})
    for answer in (await table.post({"f": None}), await table.patch({"f": None}, "/1")):
        assert (answer.status_code, answer.json()["errors"]) == (400, {"f": ["This field may not be null."]})


def test_every_fault_of_an_object_is_told_by_field() -> None:
    refused = refusal(
        '{"i": "x", "n": true, "nam": 1, "s": null}',
        rows=codec(
            {"name": "i", "type": "integer"},
            {"name": "n", "type": "number"},
            {"name": "name", "type": "string"},
            {"name": "s", "type": "string", "constraints": {"required": True}},
            {"name": "t", "type": "string", "constraints": {"required": True}},
        ),
    )
    assert refused.errors == {
        "nam": ["There is no such field. Did you mean 'name'?"],
        "i": ['"x" is not of type integer: expected `int`, got `str`.'],
        "n": ["true is not of type number: expected `decimal`, got `bool`."],
        "s": ["This field may not be null."],
        "t": ["This field is required."],
    }


async def test_the_first_hundred_faulty_rows_are_listed(workbench: Workbench) -> None:
    table = await workbench.table({"name": "n", "type": "integer", "constraints": {"minimum": 0}})
    rows = [{"n": n if n % 3 else -1} for n in range(10_000)]
    answer = await table.post(rows)
    body = answer.json()
    assert (answer.status_code, body["code"]) == (400, "VALIDATION_ERROR")
    assert [row["index"] for row in body["rows"]] == list(range(0, 300, 3))
    assert body["rows"][0]["errors"] == {"n": ["-1 must be at least 0."]}
    assert body["errors"] == body["rows"]
    assert body["detail"].startswith(
        "3,334 of 10,000 rows are not valid and nothing was written; row 0: n: -1"
    )
    assert await table.total() == 0


def test_a_row_that_is_no_object() -> None:
    refused = refusal('[{"i": 1}, 7, null, [], {"i": 2}]')
    assert [(row.index, row.errors) for row in refused.rows or ()] == [
        (1, {"row": ["Expected an object."]}),
        (2, {"row": ["Expected an object."]}),
        (3, {"row": ["Expected an object."]}),
    ]


def test_too_many_rows_are_refused_before_they_are_looked_at() -> None:
    assert refusal('[{"wrong": 1}, {}, {}]', limit=2).status == 413
    assert refusal("[{}, {}, {}]", limit=2).status == 413


async def test_a_body_beyond_the_limit_is_413(workbench: Workbench) -> None:
    table = await workbench.table({"name": "s", "type": "string"})
    answer = await table.post(b'{"s": "' + b"x" * 70_000_000 + b'"}')
    assert answer.status_code == 413
    assert answer.json()["code"] == "PAYLOAD_TOO_LARGE"


async def test_the_content_type_does_not_matter(workbench: Workbench) -> None:
    table = await workbench.table({"name": "s", "type": "string"})
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-8", ""):
        answer = await table.post('{"s": "x"}', headers={"Content-Type": kind})
        assert (answer.status_code, exact(answer)["data"]["s"]) == (201, "x")


async def test_numbers_may_come_as_text(workbench: Workbench) -> None:
    """For callers whose own numbers are floats."""
    table = await workbench.table({"name": "n", "type": "number"})
    assert (await table.add({"n": "0.1234567890123456789"}))[0]["n"] == Decimal("0.1234567890123456789")


def test_many_unknown_fields_are_refused_in_little_time() -> None:
    fields = [{"name": f"value_of_channel_{n:03d}_in_volts", "type": "string"} for n in range(400)]
    row = {f"value_of_channel_{n:03d}_in_voltz": "x" for n in range(400)}
    before = time.process_time()
    refused = refusal(json.dumps([row] * 10), rows=codec(*fields))
    assert time.process_time() - before < 2
    assert refused.rows is not None
    first = refused.rows[0].errors
    assert first["value_of_channel_000_in_voltz"] == [
        "There is no such field. Did you mean 'value_of_channel_000_in_volts'?"
    ]
    assert first["value_of_channel_399_in_voltz"] == ["There is no such field."]
