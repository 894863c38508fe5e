"""The grammar of aggregates: what it reads, what it refuses, and that printing is its inverse."""

from __future__ import annotations

import string
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from penstock.kit import errors
from penstock.kit.filters import And, Or
from penstock.tables.aggregates.parse import SIGNS, parse, parse_having, parse_keys, parse_outputs
from penstock.tables.aggregates.text import print_having, print_keys, print_outputs
from penstock.tables.aggregates.tree import (
    MAX_NODES,
    Aggregate,
    Aggregation,
    Arithmetic,
    Function,
    Key,
    Name,
    Negative,
    Number,
    Output,
    Part,
    Period,
    Threshold,
    key_name,
    output_name,
)

COUNT = Aggregate(Function.COUNT, None)
A, B, C = Name("a"), Name("b"), Name("c")
OVER_A, OVER_B, OVER_C = (Threshold(name, ">", Decimal(n)) for n, name in enumerate("abc", 1))


def refused(**given: str) -> tuple[str, str]:
    """The parameter that is named, and the sentence."""
    with pytest.raises(errors.Invalid) as caught:
        parse({f"_{name}": text for name, text in given.items()})
    ((name, (sentence,)),) = (caught.value.errors or {}).items()
    return name, sentence


@pytest.mark.parametrize(
    ("text", "outputs"),
    [
        ("count(*)", [Output(COUNT)]),
        (" COUNT ( * )  AS  n ", [Output(COUNT, "n")]),
        ("count(distinct a)", [Output(Aggregate(Function.COUNT, A, distinct=True))]),
        ("count(distinct)", [Output(Aggregate(Function.COUNT, Name("distinct")))]),
        ("count(distinct + a)", [Output(Aggregate(Function.COUNT, Arithmetic("+", Name("distinct"), A)))]),
        ("sum(count)", [Output(Aggregate(Function.SUM, Name("count")))]),
        ("max(at),sum(a)", [Output(Aggregate(Function.MAX, Name("at"))), Output(Aggregate(Function.SUM, A))]),
        ('sum("a ""b"" c")', [Output(Aggregate(Function.SUM, Name('a "b" c')))]),
        ("sum(größe)", [Output(Aggregate(Function.SUM, Name("größe")))]),
        ("sum(a-b-c)", [Output(Aggregate(Function.SUM, Arithmetic("-", Arithmetic("-", A, B), C)))]),
        ("sum(a-(b-c))", [Output(Aggregate(Function.SUM, Arithmetic("-", A, Arithmetic("-", B, C))))]),
        ("sum(a+b*c)", [Output(Aggregate(Function.SUM, Arithmetic("+", A, Arithmetic("*", B, C))))]),
        ("sum((a+b)*c)", [Output(Aggregate(Function.SUM, Arithmetic("*", Arithmetic("+", A, B), C)))]),
        ("sum(-a*b)", [Output(Aggregate(Function.SUM, Arithmetic("*", Negative(A), B)))]),
        ("sum(a*1.50)", [Output(Aggregate(Function.SUM, Arithmetic("*", A, Number(Decimal("1.50")))))]),
        ("sum(a*.5e2)", [Output(Aggregate(Function.SUM, Arithmetic("*", A, Number(Decimal("50")))))]),
        ("max(extract(Year from a)) as y", [Output(Aggregate(Function.MAX, Part("year", "a")), "y")]),
        ("min(date_trunc('Month', a)) as m", [Output(Aggregate(Function.MIN, Period("month", "a")), "m")]),
        (
            "array_agg(date_trunc('day', at at time zone 'Europe/Berlin')) as d",
            [Output(Aggregate(Function.ARRAY_AGG, Period("day", "at", "Europe/Berlin")), "d")],
        ),
    ],
)  # fmt: skip
def test_outputs(text: str, outputs: list[Output]) -> None:
    assert parse_outputs(text) == tuple(outputs)


def test_names_of_outputs() -> None:
    named = parse_outputs("count(*),count(distinct a),sum(b) as total,string_agg(c),sum(a+b)")
    assert [output_name(one) for one in named] == ["count", "count_a", "total", "string_agg_c", None]
    keys = parse_keys("a,date_trunc('month',b),extract(dow from c),a as x")
    assert [key_name(one) for one in keys] == ["a", "b_month", "c_dow", "x"]


@pytest.mark.parametrize(
    ("text", "having"),
    [
        ("count__gte=10", Threshold("count", ">=", Decimal(10))),
        (
            "count__gte=10,sum_total__gte=5000",
            And((Threshold("count", ">=", Decimal(10)), Threshold("sum_total", ">=", Decimal(5000)))),
        ),
        ("count(*) > 5", Threshold(COUNT, ">", Decimal(5))),
        ("count(*)<>5", Threshold(COUNT, "!=", Decimal(5))),
        ("n = -1.5", Threshold("n", "=", Decimal("-1.5"))),
        ("known__gte=5", Threshold("known__gte", "=", Decimal(5))),
        ("other__gte=5", Threshold("other", ">=", Decimal(5))),
        (
            "a > 1 and b > 2 or c > 3",
            Or((And((OVER_A, OVER_B)), OVER_C)),
        ),
        (
            "a > 1 AND (b > 2 OR c > 3)",
            And((OVER_A, Or((OVER_B, OVER_C)))),
        ),
        (
            "a > 1, b > 2 or c > 3",
            And((OVER_A, Or((OVER_B, OVER_C)))),
        ),
        ("sum(distinct a*2) >= 1e2", Threshold(
            Aggregate(Function.SUM, Arithmetic("*", A, Number(Decimal(2))), distinct=True), ">=", Decimal(100)
        )),
    ],
)  # fmt: skip
def test_conditions(text: str, having: Any) -> None:
    assert parse_having(text, ("known__gte",)) == having


def test_the_three_together() -> None:
    found = parse({"_aggregate": "count(*) as x__gt", "_group_by": "a", "_having": "x__gt=5"})
    assert found == Aggregation((Output(COUNT, "x__gt"),), (Key(A),), Threshold("x__gt", "=", Decimal(5)))


@pytest.mark.parametrize("name", ["group_by", "having"])
def test_an_aggregate_is_needed(name: str) -> None:
    found = refused(**{name: "a"})
    assert found == (f"_{name}", "It needs an '_aggregate' that says what to compute, such as count(*).")
    assert refused(aggregate=" ", **{name: "a"})[0] == f"_{name}"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "It needs an '_aggregate' that says what to compute, such as count(*)."),
        ("a", "Character 1: expected an aggregate such as sum(field), not 'a'."),
        ("median(a)", "Character 1: there is no aggregate 'median'. There are count, sum, avg, min, max, array_agg, "
                      "string_agg, json_agg, stddev, variance."),
        ("sum(*)", "Character 5: expected a field, not '*'."),
        ("count(distinct *)", "Character 17: expected a field, not ')'."),
        ("sum(a", "Character 6: expected ')', not the end."),
        ("sum(a b)", "Character 7: expected ')', not 'b'."),
        ("sum(a))", "Character 7: expected a comma or the end, not ')'."),
        ("sum(a),", "Character 8: expected an aggregate such as sum(field), not the end."),
        ("sum(a) total", "Character 8: expected a comma or the end, not 'total'."),
        ("sum(a) as", "Character 10: expected a name for the output, not the end."),
        ("sum(a) as 'x'", "Character 11: expected a name for the output, not 'x'."),
        ("sum(sum(a))", "Character 5: expected a field, extract(…) or date_trunc(…), not 'sum'."),
        ("sum(a.b)", "Character 6: '.b)' is not understood."),
        ("sum(a); drop table x", "Character 7: '; drop table x' is not understood."),
        ("sum(a)--", "Character 7: expected a comma or the end, not '-'."),
        ("sum(a/*x*/)", "Character 7: expected a field, not '*'."),
        ("sum('a')", "Character 5: expected a field, not 'a'."),
        ('sum("a)', "Character 5: '\"a)' is not understood."),
        ("sum(1x)", "Character 5: '1x)' is not understood."),
        ("sum($1)", "Character 5: '$1)' is not understood."),
        ("sum(a)\0", "It contains a NUL character."),
        ("sum(extract(year a))", "Character 18: expected 'from', not 'a'."),
        ("sum(date_trunc(day, a)) as x", "Character 16: expected a unit such as month in single quotes, not 'day'."),
        ("max(date_trunc('day', a at zone 'x')) as x", "Character 28: expected 'time', not 'zone'."),
        ("max(date_trunc('day', a at time zone x))", "Character 38: expected a time zone in single quotes, not 'x'."),
        ('sum(a) as "x y"', "'x y' cannot name an output: a name begins with a letter or underscore, has letters, "
                            "digits and underscores, and at most 63 bytes."),
        ("sum(a*1e1000)", "'1e1000' is not a finite number of at most 1000 digits."),
        (",".join(["count(*)"] * 51), "It has more than 50 terms."),
        (f"sum({'+'.join(['a'] * MAX_NODES)})", "An expression has at most 50 operands and operators."),
        (f"sum({'(' * 21}a{')' * 21})", "Expressions nest at most 20 levels deep."),
        (f"sum({'-' * 21}a)", "Expressions nest at most 20 levels deep."),
        ("sum(" + "a" * 4_000, "It has 4,004 characters; at most 4,000 are read."),
    ],
)  # fmt: skip
def test_what_is_no_aggregate(text: str, sentence: str) -> None:
    assert refused(aggregate=text) == ("_aggregate", sentence)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "count",
            "count >",
            "> 5",
            "count > 'x'",
            "count > a",
            "count in (1)",
            "count(*) > 5 and",
            "a>1 b>2",
        ),
        *(
            "not count > 5",
            "count > 5;",
            "a__between=1",
            "a__=1",
            "(a > 1",
            "a > 1)",
            "count like 5",
            "a > 1 > 2",
        ),
        *(
            "a > --1",
            "a > 1e1000",
            "extract(year from a) > 5",
            "a.b > 5",
            "a > 5 or",
            ",",
            "a == 5",
            "a > 1,",
        ),
        *(" and ".join(["a > 1"] * 51), "(" * 21 + "a > 1" + ")" * 21),
    ],
)
def test_what_is_no_condition(text: str) -> None:
    name, sentence = refused(aggregate="count(*)", having=text)
    assert (name, sentence.endswith(".")) == ("_having", True)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            ",",
            "a,",
            "a b",
            "1",
            "a+b",
            "count(*)",
            "a as",
            "'a'",
            "(a)",
            "date_trunc(a)",
            "extract(a)",
            "*",
        ),
        *(
            "date_trunc('month')",
            "date_trunc('month', a",
            "date_trunc('month', a+b)",
            "a;",
            ",".join("abc" * 7),
        ),
    ],
)
def test_what_is_no_key(text: str) -> None:
    assert refused(aggregate="count(*)", group_by=text)[0] == "_group_by"


# --- parse(print(tree)) == tree

NAMES = st.one_of(
    st.sampled_from(["a", "distinct", "as", "at", "from", "and", "or", "count", "extract", "a b", 'q"q', "x-y"]),
    st.from_regex(r"[^\W\d][\w \-$]{0,9}", fullmatch=True),
)  # fmt: skip
ALIASES = st.none() | st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,9}", fullmatch=True)
NUMBERS = st.decimals(min_value=0, max_value=10**9, allow_nan=False, places=3) | st.integers(0, 10**20).map(
    Decimal
)
TEXTS = st.text(string.ascii_letters + "'/_ ", max_size=12)
UNITS = st.sampled_from(["year", "month", "dow"]) | st.text(string.ascii_lowercase + "' ", max_size=5)
MOMENTS = st.builds(Part, UNITS, NAMES, st.none() | TEXTS) | st.builds(
    Period, UNITS, NAMES, st.none() | TEXTS
)
LEAVES = st.builds(Name, NAMES) | st.builds(Number, NUMBERS) | MOMENTS
EXPRESSIONS = st.recursive(
    LEAVES,
    lambda inner: st.builds(Negative, inner) | st.builds(Arithmetic, st.sampled_from("+-*/"), inner, inner),
    max_leaves=8,
)
AGGREGATES = st.just(COUNT) | st.builds(Aggregate, st.sampled_from(Function), EXPRESSIONS, st.booleans())
OUTPUTS = st.lists(st.builds(Output, AGGREGATES, ALIASES), min_size=1, max_size=5).map(tuple)
KEYS = st.lists(st.builds(Key, st.builds(Name, NAMES) | MOMENTS, ALIASES), min_size=1, max_size=5).map(tuple)
SIGNED = st.tuples(NUMBERS, st.booleans()).map(lambda pair: -pair[0] if pair[1] else pair[0])
THRESHOLDS = st.builds(
    Threshold,
    NAMES.filter(lambda name: "__" not in name) | AGGREGATES,
    st.sampled_from([*SIGNS.values()]),
    SIGNED,
)
HAVINGS = st.recursive(
    THRESHOLDS,
    lambda inner: (
        st.lists(inner, min_size=2, max_size=3).map(lambda items: And(tuple(items)))
        | st.lists(inner, min_size=2, max_size=3).map(lambda items: Or(tuple(items)))
    ),
    max_leaves=6,
)


@given(OUTPUTS)
@example((Output(Aggregate(Function.COUNT, Negative(A), distinct=True)),))
def test_outputs_are_printed_as_they_are_read(outputs: tuple[Output, ...]) -> None:
    assert parse_outputs(print_outputs(outputs)) == outputs


@given(KEYS)
def test_keys_are_printed_as_they_are_read(keys: tuple[Key, ...]) -> None:
    assert parse_keys(print_keys(keys)) == keys


@given(HAVINGS)
def test_conditions_are_printed_as_they_are_read(having: Any) -> None:
    assert parse_having(print_having(having), ()) == having


@given(st.text(max_size=60) | st.text("count(sumdistinct*)a_,.'\"<>=!1 and or as-+/;$\0\ud800", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (parse_outputs, parse_keys, lambda text: parse_having(text, ())):
        try:
            read(text)
        except errors.Invalid as error:
            error.message.encode()
