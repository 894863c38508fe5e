"""Values of parameters: one canonical form each, or a refusal that names them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.queries import Joined, Parameter, ParameterType, ValuesInvalid, ValuesMissing, is_safe, names
from penstock.queries.days import RANGES, SINGLE
from penstock.queries.parameters import Form, canonical, number
from tests.queries.lab import Lab

NOW = datetime(2027, 1, 1, 3, 30, 15, tzinfo=UTC)
T = ParameterType


def given_values(*parameters: Parameter, zone: str = "UTC", **values: Any) -> dict[str, str]:
    return {name: one.text for name, one in canonical(parameters, values, zone, NOW).items()}


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (T.TEXT, "O'Brien", "O'Brien"),
        (T.TEXT, "", ""),
        (T.NUMBER, 100, "100"),
        (T.NUMBER, -1.5, "-1.5"),
        (T.NUMBER, " 7 ", "7"),
        (T.NUMBER, "1e3", "1000"),
        (T.NUMBER, "12345678901234567890.123", "12345678901234567890.123"),
        (T.NUMBER, Decimal("0.10"), "0.10"),
        (T.DATE, "2020-01-01", "2020-01-01"),
        (T.DATE, "2020-01-01T10:00:00Z", "2020-01-01"),
        (T.DATE, "d_yesterday", "2026-12-31"),
        (T.DATETIME, "2020-01-01 10:00:59", "2020-01-01 10:00"),
        (T.DATETIME, "d_now", "2027-01-01 03:30"),
        (T.DATETIME_SECONDS, "2020-01-01T10:00", "2020-01-01 10:00:00"),
    ],
)
def test_canonical_forms(kind: ParameterType, value: Any, expected: str) -> None:
    assert given_values(Parameter("p", kind), p=value) == {"p": expected}


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (T.TEXT, 5), (T.TEXT, None), (T.TEXT, ["x"]), (T.TEXT, "a\0"), (T.TEXT, "\ud800"), (T.TEXT, "x" * 100_001),
        (T.NUMBER, "nan"), (T.NUMBER, "inf"), (T.NUMBER, float("nan")), (T.NUMBER, "1_000"), (T.NUMBER, "１"),
        (T.NUMBER, True), (T.NUMBER, None), (T.NUMBER, "1; DROP"), (T.NUMBER, ""), (T.NUMBER, "1e9999"), (T.NUMBER, [1]),
        (T.NUMBER, "0x1F"), (T.NUMBER, "1 --"), (T.NUMBER, {"start": 1}),
        (T.DATE, "2020-01-01'"), (T.DATE, "2020-01-01 10:00' OR"), (T.DATE, "2020-01-01 -- "), (T.DATE, "yesterday"),
        (T.DATE, 20200101), (T.DATE, None), (T.DATE, "d_last_week"), (T.DATE, "0001-01-01"), (T.DATE, "2020-13-01"),
        (T.DATE_RANGE, "2020-01-01"), (T.DATE_RANGE, {"start": "2020-01-01"}), (T.DATE_RANGE, None), (T.DATE_RANGE, "d_now"),
        (T.DATE_RANGE, {"start": "2020-01-01", "end": "x"}), (T.DATE_RANGE, {"start": 1, "end": 2, "more": 3}),
        (T.ENUM, "c"), (T.ENUM, ["a"]), (T.ENUM, None), (T.ENUM, {}), (T.TEXT_PATTERN, "abc"), (T.TEXT_PATTERN, "12x"),
    ],
)  # fmt: skip
def test_what_does_not_fit(kind: ParameterType, value: Any) -> None:
    parameter = Parameter("p", kind, options=("a", "b"), pattern=r"\d+")
    with pytest.raises(ValuesInvalid, match=r"incompatible with their definitions: p$"):
        given_values(parameter, p=value)


def test_all_wrong_names_are_told() -> None:
    declared = (Parameter("a", T.NUMBER), Parameter("b", T.NUMBER), Parameter("c", T.NUMBER))
    with pytest.raises(ValuesInvalid) as found:
        given_values(*declared, a="x", b=1, c="y", d=1)
    assert found.value.message == (
        "The following parameter values are incompatible with their definitions: a, c, d"
    )


def test_ranges() -> None:
    day = Parameter("r", T.DATE_RANGE)
    expected = {"r.start": "2020-01-01", "r.end": "2020-12-31"}
    assert given_values(day, r={"start": "2020-01-01", "end": "2020-12-31"}) == expected
    assert given_values(day, r="2020-01-01--2020-12-31") == expected
    assert given_values(Parameter("r", T.DATETIME_RANGE_SECONDS), r="d_last_week") == {
        "r.start": "2026-12-21 00:00:00",
        "r.end": "2026-12-27 23:59:59",
    }


def test_lists_of_choices() -> None:
    one = Parameter("p", T.ENUM, options=("a", "b'c", "1"), joined=Joined(";", "<", ">"))
    found = canonical([one], {"p": ["b'c", 1]}, "UTC")["p"]
    assert (found.form, found.texts, found.text) == (Form.CHOICE, ("b'c", "1"), "<b'c>;<1>")
    with pytest.raises(ValuesInvalid):
        canonical([one], {"p": []}, "UTC")


def test_patterns_are_whole_and_harmless() -> None:
    assert given_values(Parameter("p", T.TEXT_PATTERN, pattern=r"\d+"), p="12") == {"p": "12"}
    for pattern in ("(", r"(a)\1", None):
        with pytest.raises(ValuesInvalid):
            given_values(Parameter("p", T.TEXT_PATTERN, pattern=pattern), p="aa")
    given_values(Parameter("p", T.TEXT_PATTERN, pattern="(a*)*b"), p="a" * 50_000 + "b")


def test_without_definitions_anything_plain_will_do() -> None:
    assert given_values(a="x", b=1.5, c={"start": "s", "end": "e"}) == {
        "a": "x",
        "b": "1.5",
        "c.start": "s",
        "c.end": "e",
    }
    for wrong in (None, True, ["x"], {"start": "x"}):
        with pytest.raises(ValuesInvalid):
            given_values(a=wrong)


@given(
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30) | st.integers()
)
def test_numbers_keep_their_value(value: Decimal | int) -> None:
    try:
        text = number(str(value))
    except ValueError:
        assert len(str(value)) > 100
    else:
        assert Decimal(text) == value and "e" not in text.lower()


@pytest.mark.parametrize(
    ("name", "zone", "start", "end"),
    [
        ("d_today", "UTC", "2027-01-01 00:00", "2027-01-01 23:59"),
        ("d_today", "America/New_York", "2026-12-31 00:00", "2026-12-31 23:59"),
        ("d_yesterday", "UTC", "2026-12-31 00:00", "2026-12-31 23:59"),
        ("d_this_week", "UTC", "2026-12-28 00:00", "2027-01-03 23:59"),
        ("d_this_month", "UTC", "2027-01-01 00:00", "2027-01-31 23:59"),
        ("d_this_year", "UTC", "2027-01-01 00:00", "2027-12-31 23:59"),
        ("d_last_month", "UTC", "2026-12-01 00:00", "2026-12-31 23:59"),
        ("d_last_year", "UTC", "2026-01-01 00:00", "2026-12-31 23:59"),
        ("d_last_hour", "UTC", "2027-01-01 02:30", "2027-01-01 03:30"),
        ("d_last_8_hours", "UTC", "2026-12-31 19:30", "2027-01-01 03:30"),
        ("d_last_24_hours", "UTC", "2026-12-31 03:30", "2027-01-01 03:30"),
        ("d_last_7_days", "UTC", "2026-12-25 00:00", "2027-01-01 03:30"),
        ("d_last_90_days", "UTC", "2026-10-03 00:00", "2027-01-01 03:30"),
        ("d_last_12_months", "UTC", "2026-01-01 00:00", "2027-01-01 03:30"),
        ("d_last_10_years", "UTC", "2017-01-01 00:00", "2027-01-01 03:30"),
    ],
)
def test_spans_around_new_year(name: str, zone: str, start: str, end: str) -> None:
    found = given_values(Parameter("r", T.DATETIME_RANGE), zone=zone, r=name)
    assert found == {"r.start": start, "r.end": end}


@given(st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)), st.sampled_from([*RANGES]))
def test_every_span_has_a_start_and_an_end(now: datetime, name: str) -> None:
    start, end = RANGES[name](now.replace(tzinfo=UTC))
    assert start <= end
    assert all(one(now.replace(tzinfo=UTC)) for one in SINGLE.values())


QUERY = "SELECT {{ n }} AS n, {{t}} AS t, '{{ t }}!' AS s, {{ d }} AS d, {{ r.start }} AS a, '{{ r.end }}'::date AS b"
DECLARED = (
    Parameter("n", T.NUMBER), Parameter("t", T.TEXT), Parameter("d", T.DATE), Parameter("r", T.DATE_RANGE),
    Parameter("e", T.ENUM, options=("UA", "AA", "x'y"), joined=Joined()), Parameter("m", T.DATETIME),
)  # fmt: skip
NASTY = "'; DROP TABLE x; -- {{ n }} \\ $1 \" %s"


@pytest.mark.anyio
async def test_values_in_a_query(lab: Lab) -> None:
    values = {"n": 100, "t": NASTY, "d": "2020-01-01", "r": {"start": "2020-01-01", "end": "2020-12-31"}}
    query = await lab.prepare(QUERY, parameters=DECLARED, values=values)
    expected = await lab.direct(
        "SELECT 100, ($1::text[])[1], ($1::text[])[1] || '!', date '2020-01-01', date '2020-01-01', date '2020-12-31'",
        values=[NASTY],
    )
    assert await lab.run(query) == expected
    assert await lab.run(query, bound=True) == expected
    assert query.arguments == ("100", NASTY, "2020-01-01", "2020-01-01")
    assert NASTY not in query.sql.replace("''", "'").replace(f"{NASTY}!", "")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("text", "values", "direct"),
    [
        ("SELECT count(*) FROM airlines WHERE carrier IN ({{ e }})", {"e": ["UA", "AA"]}, "SELECT 2"),
        ("SELECT count(*) FROM airlines WHERE carrier = {{ e }}", {"e": "UA"}, "SELECT 1"),
        ("SELECT carrier FROM airlines ORDER BY 1 LIMIT {{ n }} OFFSET {{n}}", {"n": 2}, "SELECT carrier FROM airlines ORDER BY 1 LIMIT 2 OFFSET 2"),
        ("SELECT 'a,{{ e }},b'", {"e": ["UA", "x'y"]}, "SELECT 'a,UA,x''y,b'"),
        ("SELECT left('abc', {{ n }}), {{ n }} / 2, -{{ n }}", {"n": -1}, "SELECT left('abc', -1), -1 / 2, 1"),
        ("SELECT count(*) FROM flights WHERE time_hour >= {{ m }} AND time_hour < '{{ m }}'::timestamptz + interval '1 day'", {"m": "2013-02-01T00:00"}, "SELECT count(*) FROM flights WHERE time_hour::date = '2013-02-01'"),
        ("SELECT 'it''s {{ t }}', E'{{ t }}\\n', $$ {{ t }} $$", {"t": "O'Brien \\"}, "SELECT 'it''s O''Brien \\', 'O''Brien \\' || chr(10), ' O''Brien \\ '"),
        ("SELECT {{{ n }}} + {{& n }} /* {{ unknown }} */", {"n": 1}, "SELECT 2"),
        ("SELECT abs({{ n }}), ARRAY[{{ e }}]", {"n": "-2.50", "e": ["UA", "AA"]}, "SELECT 2.50, ARRAY['UA', 'AA']"),
        ("SELECT {{ n }}", {"n": "123456789012345678901234567890"}, "SELECT 123456789012345678901234567890"),
    ],
)  # fmt: skip
async def test_places_of_values(lab: Lab, text: str, values: dict[str, Any], direct: str) -> None:
    query = await lab.prepare(text, parameters=DECLARED, values=values)
    expected = await lab.direct(direct)
    assert await lab.run(query) == expected
    assert await lab.run(query, bound=True) == expected


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('SELECT "{{ n }}" FROM airlines', "cannot be part of a name"),
        ("SELECT x.{{ n }} FROM airlines x", "name"),
        ("SELECT * FROM {{ n }}", "name"),
        ("SELECT 1 AS {{ n }}", "name"),
        ("SELECT {{ n }}.carrier FROM airlines", "name"),
        ("SELECT {{ n }}(1)", "not a function"),
        ("SELECT {{# n }} 1 {{/ n }}", "section of a template"),
        ("SELECT {{ n", "is not closed"),
        ("SELECT {{ }}", "does not name a parameter"),
        ("SELECT {{ n; }}", "does not name a parameter"),
        ("SELECT * FROM airlines WHERE carrier = {{ e }}", "Several values"),
        ("SELECT 1 {{ n }} 2", "understood"),
    ],
)
async def test_what_no_value_can_be(lab: Lab, text: str, reason: str) -> None:
    with pytest.raises(Exception, match=reason):
        await lab.prepare(text, parameters=DECLARED, values={"n": 1, "e": ["UA", "AA"]})


@pytest.mark.anyio
async def test_missing_values_are_named(lab: Lab) -> None:
    with pytest.raises(ValuesMissing, match=r"^Missing parameter value for: t, r.end$"):
        await lab.prepare("SELECT {{ t }}, '{{ r.end }}', {{ t }} -- {{ c }}")


def test_names_and_safety() -> None:
    assert names(QUERY + " -- {{ c }}") == ["n", "t", "d", "r.start", "r.end"]
    assert names("SELECT '") == []
    assert is_safe("SELECT {{ n }}, '{{ r.end }}'", DECLARED)
    assert is_safe("SELECT 1", ())
    for unsafe in (
        "SELECT {{ t }}",
        "SELECT {{ undeclared }}",
        "SELECT 1 -- {{ n }}",
        'SELECT "{{ n }}"',
        "SELECT '",
    ):
        assert not is_safe(unsafe, DECLARED)
