"""What the fields of a table decide about an aggregate, and what has no meaning beside one."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from typing import Any

import pytest

from penstock.identity.models import Grant, Principal, PrincipalKind, Role
from penstock.kit import errors
from penstock.kit.filters import Compare, bind
from penstock.tables.aggregates import plan
from penstock.tables.aggregates.bound import Call, Term
from penstock.tables.aggregates.compile import compile_aggregate
from penstock.tables.aggregates.plan import AggregatePlan, plan_aggregate
from penstock.tables.aggregates.tree import Function
from penstock.tables.records.reach import Reach
from penstock.tables.records.request import parse_list
from tests.tables.openapi.test_conditions import TABLE

OWNER = Principal(1, "main", PrincipalKind.USER, 1, None, "owner", None, Role.OWNER)
GRANT = Grant(OWNER, "record.read", Role.OWNER)


def planned(**given: str) -> AggregatePlan:
    names = {"aggregate": "_aggregate", "by": "_group_by", "having": "_having"}
    asked = parse_list([(names.get(name, name), text) for name, text in given.items()], TABLE.columns)
    assert asked.aggregation is not None
    return plan_aggregate(asked, asked.aggregation, TABLE, GRANT)


def refused(**given: str) -> tuple[str, str]:
    with pytest.raises(errors.Invalid) as caught:
        planned(**given)
    ((name, (sentence,)),) = (caught.value.errors or {}).items()
    return name, sentence


@pytest.mark.parametrize(
    ("aggregate", "sentence"),
    [
        ("sum(pric)", "There is no field 'pric'."),
        ("count(search_vector)", "There is no field 'search_vector'."),
        ("sum(code)", "sum takes numbers; 'code' is of type string."),
        ("avg(at)", "avg takes numbers; 'at' is of type datetime."),
        ("stddev(ok)", "stddev takes numbers; 'ok' is of type boolean."),
        ("variance(date_trunc('day', at)) as x", "variance takes numbers, and the expression gives none."),
        ("min(doc)", "min takes what has an order; 'doc' is of type object."),
        ("max(ok)", "max takes what has an order; 'ok' is of type boolean."),
        ("max(span)", "max takes what has an order; 'span' is of type duration."),
        ("max(ints)", "max takes what has an order; 'ints' is of type range."),
        ("string_agg(tags)", "string_agg joins single values; 'tags' is of type array."),
        ("count(distinct doc)", "'doc' is of type object; records cannot be told apart by it."),
        ("sum(price + code) as x", "Arithmetic takes numbers; 'code' is not one."),
        ("sum(date_trunc('day', at) - 1) as x", "Arithmetic takes numbers; a period is none."),
        ("sum(price * 2)", "The sum of an expression needs a name: sum(…) as name."),
        ("count(1) as n", "count(…) names no field; the number of records is count(*)."),
        ("max(extract(year from price)) as y",
         "extract takes fields of type date, datetime, time; 'price' is of type number."),
        ("max(extract(hour from day)) as y", "extract of a date has no unit 'hour'; there are year, isoyear, quarter, "
                                             "month, week, day, dow, isodow, doy, epoch."),
        ("max(date_trunc('day', clock)) as y",
         "date_trunc takes fields of type date, datetime; 'clock' is of type time."),
        ("max(date_trunc('hour', day)) as y",
         "date_trunc of a date has no unit 'hour'; there are year, quarter, month, week, day."),
        ("max(date_trunc('day', day at time zone 'UTC')) as y",
         "'day' has no time zone; only a datetime is moved into one."),
        ("max(date_trunc('day', at at time zone 'Mars/Base')) as y",
         "There is no time zone 'Mars/Base'; write a name of the IANA list, such as 'Europe/Berlin'."),
        ("max(date_trunc('day', at at time zone 'XYZ+3')) as y",
         "There is no time zone 'XYZ+3'; write a name of the IANA list, such as 'Europe/Berlin'."),
        ("max(extract(epoch from at at time zone 'UTC')) as y",
         "The epoch is the same in every time zone; leave the zone out."),
        ("sum(price),sum(price)", "Two outputs are called 'sum_price'; give one another name with 'as'."),
        ("sum(price) as a,avg(price) as a", "Two outputs are called 'a'; give one another name with 'as'."),
    ],
)  # fmt: skip
def test_what_the_fields_refuse(aggregate: str, sentence: str) -> None:
    assert refused(aggregate=aggregate) == ("_aggregate", sentence)


@pytest.mark.parametrize(
    ("by", "sentence"),
    [
        ("x", "There is no field 'x'."),
        ("doc", "'doc' is of type object; records cannot be grouped by it."),
        ("ints", "'ints' is of type range; records cannot be grouped by it."),
        ("code,code", "Two outputs are called 'code'; give one another name with 'as'."),
        ("date_trunc('day',day),date_trunc('day',day)",
         "Two outputs are called 'day_day'; give one another name with 'as'."),
        ("date_trunc('decade',day)",
         "date_trunc of a date has no unit 'decade'; there are year, quarter, month, week, day."),
    ],
)  # fmt: skip
def test_what_is_no_key(by: str, sentence: str) -> None:
    assert refused(aggregate="count(*)", by=by) == ("_group_by", sentence)


def test_keys_and_outputs_share_their_names() -> None:
    assert refused(aggregate="count(*) as code", by="code")[0] == "_aggregate"


@pytest.mark.parametrize(
    ("having", "sentence"),
    [
        ("sum > 1", "There is no output 'sum'; there are code, count, max_at, ids."),
        ("max_at > 1", "'max_at' is not a number; '_having' compares numbers."),
        ("code > 1", "'code' is not a number; '_having' compares numbers."),
        ("ids > 1", "'ids' is not a number; '_having' compares numbers."),
        ("max(day) > 1", "max(…) is not a number; '_having' compares numbers."),
        ("sum(code) > 1", "sum takes numbers; 'code' is of type string."),
        ("sum(x) > 1", "There is no field 'x'."),
    ],
)
def test_conditions_that_have_no_meaning(having: str, sentence: str) -> None:
    found = refused(aggregate="count(*),max(at),array_agg(id) as ids", by="code", having=having)
    assert found == ("_having", sentence)


def test_orders_that_have_no_meaning() -> None:
    given = {"aggregate": "count(*),array_agg(id) as ids", "by": "code"}
    sentence = "There is no output 'price' to order by; there are code, count, ids."
    assert refused(**given, ordering="-price") == ("ordering", sentence)
    assert refused(**given, ordering="ids") == ("ordering", "'ids' is a collection, which has no order.")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("after", ""),
        ("fields", "code"),
        ("select", "code"),
        ("format", "tree"),
        ("_nothing", "1"),
        ("include", "both"),
        ("depth", "2"),
        ("relationship_type", "x"),
        ("types", "x"),
        ("allowed_actions", "update"),
    ],
)
def test_parameters_without_meaning(name: str, text: str) -> None:
    assert refused(aggregate="count(*)", **{name: text})[0] == name


def test_conditions_on_related_records() -> None:
    name, sentence = refused(aggregate="count(*)", **{"author.name__contains": "x"})
    assert name.startswith("author.name")
    assert sentence == "Conditions on related records cannot be combined with aggregates."


def test_names_that_are_too_long() -> None:
    with pytest.raises(errors.Invalid) as caught:
        plan._names((), (Term("x" * 64, Call(Function.COUNT, None, False)),))
    assert "too long a name" in caught.value.message


def test_constants_are_no_part_of_the_shape() -> None:
    one = planned(aggregate="sum(price*2) as x", by="date_trunc('day',at at time zone 'UTC')", having="x > 3")
    other = planned(
        aggregate="sum(price*5) as x", by="date_trunc('day',at at time zone 'Asia/Tokyo')", having="x > 7"
    )
    assert one.grouping == other.grouping
    assert one.values == ("UTC", Decimal(2), Decimal(3))
    assert compile_aggregate(one, 10).sql == compile_aggregate(other, 10).sql
    assert "Tokyo" not in compile_aggregate(other, 10).sql


def test_repeated_parameters_are_one_list() -> None:
    pairs = [
        ("_aggregate", "count(*)"),
        ("_aggregate", "sum(price)"),
        ("_having", "count>1"),
        ("_having", "count<9"),
    ]
    asked = parse_list(pairs, TABLE.columns)
    assert asked.aggregation is not None
    assert len(asked.aggregation.outputs) == 2
    assert plan_aggregate(asked, asked.aggregation, TABLE, GRANT).values == (Decimal(1), Decimal(9))


class Narrow:
    """Who may read a few fields, and of the rows some."""

    def __init__(self, hidden: Collection[str]) -> None:
        self.hidden = hidden

    def __call__(self, table: Any, grant: Any) -> Reach:
        fields = tuple(name for name in table.schema.names if name not in self.hidden)
        rows = bind(Compare("stock", "gt", "41"), table.columns.get)
        return Reach(table, fields, rows)


def test_rows_and_fields_come_from_what_is_in_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "reach", Narrow({"price", "code"}))
    found = planned(aggregate="count(*)", ok="true", search="x")
    statement = compile_aggregate(found, 10)
    assert '"stock" > $2' in statement.sql
    assert statement.values[:2] == [True, 41]
    assert "search_vector" not in statement.sql, "what the vector says of a hidden field stays hidden"
    assert '"code"' not in statement.sql
    for given in (
        {"aggregate": "sum(price)"},
        {"aggregate": "count(*)", "by": "code"},
        {"aggregate": "count(*)", "having": "max(price) > 1"},
        {"aggregate": "count(*)", "code": "x"},
        {"aggregate": "count(*)", "search_vector__search": "x"},
    ):
        assert "There is no field" in refused(**given)[1]
