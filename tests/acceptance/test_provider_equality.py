"""The same requests to tables under each provider: the same answers, whole, but for times and versions.

What a provider refuses with the reason that it declares is counted and not compared; the test prints the count.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable, Iterator

import httpx2
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.acceptance.asked import Request, Side, Tally, ask
from tests.acceptance.providers import PROVIDERS, server_for, slug
from tests.acceptance.test_oracle import Question, Table, questions, tables, text_of, written
from tests.acceptance.test_oracle_mongodb import HELD
from tests.acceptance.themes import THEMES, Theme, sessions
from tests.databases import Databases
from tests.mongodb import MONGOD, replica_set

__all__ = ["replica_set"]

EXAMPLES = int(os.environ.get("PENSTOCK_TEST_EXAMPLES", "12"))
COMPARED = PROVIDERS if MONGOD.exists() else PROVIDERS[:2]
COUNTER = itertools.count(1)
NAME = "rows"
SETTINGS = settings(
    max_examples=EXAMPLES,
    deadline=None,
    print_blob=True,
    # What fails names its request; to shrink a session over HTTP takes longer than to look at that.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
Begin = Callable[[], list[Side]]


@pytest.fixture(scope="module")
def begin(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Begin]:
    """Makes an app under each provider, with the data source `main`."""
    with (
        server_for(COMPARED[-1], databases, tmp_path_factory.mktemp("equality"), request) as server,
        httpx2.Client(base_url=server.url, headers={"X-Api-Key": server.key}, timeout=60) as client,
    ):

        def make() -> list[Side]:
            number = next(COUNTER)
            made = [Side(provider, client, f"{slug(provider)}-{number}") for provider in COMPARED]
            for side in made:
                assert client.post("/api/apps", json={"name": side.app}).status_code == 201
                source = {"name": "Main", "provider_type": side.provider}
                answer = client.post(f"/api/apps/{side.app}/datasources", json=source)
                assert answer.status_code == 201, answer.text
            return made

        yield make


def define(sides: list[Side], name: str, schema: object) -> None:
    for side in sides:
        body = {"name": name, "json_schema": schema}
        made = side.client.post(f"/api/apps/{side.app}/datasources/main/datatables", json=body)
        assert made.status_code == 201, made.text


def asked(question: Question) -> Request:
    window = {"limit": str(question.size), "offset": str(question.skip)}
    if question.by_cursor:
        window = {"page_size": str(question.size), "after": ""}
    return Request("GET", NAME, params=[*question.params.items(), *window.items()])


@st.composite
def aggregates(draw: st.DrawFn, table: Table, question: Question) -> Request:
    """Counts and extremes of a field, by another one."""
    plain = [one.name for one in table.fields if re.fullmatch(r"[A-Za-z]\w*", one.name) and one.kind.ordered]
    if not plain:
        return Request("GET", NAME, params=[("_aggregate", "count(*)")])
    one, by = draw(st.sampled_from(plain)), draw(st.sampled_from(plain))
    params = {key: value for key, value in question.params.items() if key == "filters"}
    params["_aggregate"] = f"count(*) as n,count(distinct {one}) as d"
    if draw(st.booleans()):
        params["_group_by"] = by
    return Request("GET", NAME, params=list(params.items()))


@st.composite
def writes(draw: st.DrawFn, table: Table) -> Request:
    """A change of some row: sound, of another type, or of a record that is not there."""
    if not table.rows:
        # A new record may have a key that each server makes up.
        return Request("POST", NAME, body={"unknown": 1})
    row, other = draw(st.sampled_from(list(table.rows))), draw(st.sampled_from(list(table.rows)))
    sent = written(table, other)
    given = {one.name: one.kind for one in table.fields}
    key = {name: given[name].write(row[name]) for name in table.key}
    fields = {name: value for name, value in sent.items() if name not in table.key}
    picked = (
        {name: fields[name] for name in draw(st.lists(st.sampled_from(sorted(fields)), max_size=3))}
        if fields
        else {}
    )
    broken = draw(st.lists(st.sampled_from(sorted(fields) or ["id"]), max_size=1))
    wrong = {name: {"no": ["such"]} for name in broken}
    some = {f"{name}": value for name, value in list(picked.items())[:1]}
    return draw(
        st.sampled_from(
            [
                Request("PATCH", NAME, body=[{**picked, **key}]),
                Request("PATCH", NAME, body=[{**picked, **wrong, **key}]),
                Request("POST", NAME, "/data/upsert", body={**fields, **key}),
                Request("POST", NAME, "/data/upsert", body=[{**picked, **key}]),
                Request("POST", NAME, body=[{**sent, **key}]),
                Request("POST", NAME, body=[sent, {"unknown": 1}]),
                Request("DELETE", NAME, params=[("filter", text_of(some))]),
            ]
        )
    )


@st.composite
def oracles(draw: st.DrawFn) -> tuple[Table, list[Request]]:
    """A table of the oracle, of values that every provider can keep, and its questions."""
    table = draw(tables(HELD))
    found: list[Request] = []
    if table.rows:
        found.append(Request("POST", NAME, body=[written(table, row) for row in table.rows]))
    for question in draw(st.lists(questions(table), min_size=1, max_size=5)):
        found.append(asked(question))
        found.append(draw(aggregates(table, question)))
        found.append(draw(writes(table)))
    found.append(Request("GET", NAME, params=[("page_size", "100")]))
    return table, found


def test_answers_to_the_oracle_are_the_same(begin: Begin) -> None:
    tally = Tally()

    @SETTINGS
    @given(oracles())
    def run(session: tuple[Table, list[Request]]) -> None:
        table, requests = session
        sides = begin()
        define(sides, NAME, table.schema)
        for request in requests:
            sides = ask(sides, request, tally)

    run()
    print(tally)


@pytest.mark.parametrize("theme", THEMES.values(), ids=list(THEMES))
def test_answers_are_the_same(begin: Begin, theme: Theme) -> None:
    tally = Tally()

    @SETTINGS
    @given(sessions(theme))
    def run(requests: list[Request]) -> None:
        sides = begin()
        for name, shape in theme.tables.items():
            define(sides, name, shape.schema)
        for request in requests:
            sides = ask(sides, request, tally)

    run()
    print(tally)
