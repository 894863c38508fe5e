"""The same requests to tables under each provider: the same answers, whole, but for times and versions."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.acceptance.test_oracle import EXAMPLES, Question, Table, questions, tables, text_of, written
from tests.conftest import RunningServer

PROVIDERS = ("flat_table", "jsonb")
COUNTER = itertools.count(1)
Request = tuple[str, str, dict[str, str], Any]


def slug(provider: str) -> str:
    return provider.replace("_", "-")


@pytest.fixture(scope="module")
def client(server: RunningServer) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=server.url, headers={"X-Api-Key": server.key}, timeout=60) as opened:
        for provider in PROVIDERS:
            assert opened.post("/api/apps", json={"name": slug(provider)}).status_code == 201
            source = {"name": "Main", "provider_type": provider}
            made = opened.post(f"/api/apps/{slug(provider)}/datasources", json=source)
            assert made.status_code == 201, made.text
        yield opened


def asked(question: Question) -> Request:
    window = {"limit": str(question.size), "offset": str(question.skip)}
    return ("GET", "", {**question.params, **window}, None)


@st.composite
def aggregates(draw: st.DrawFn, table: Table, question: Question) -> Request:
    """Counts and extremes of a field, by another one."""
    plain = [one.name for one in table.fields if re.fullmatch(r"[A-Za-z]\w*", one.name) and one.kind.ordered]
    if not plain:
        return ("GET", "", {"_aggregate": "count(*)"}, None)
    one, by = draw(st.sampled_from(plain)), draw(st.sampled_from(plain))
    params = {key: value for key, value in question.params.items() if key == "filters"}
    params["_aggregate"] = f"count(*) as n,count(distinct {one}) as d"
    if draw(st.booleans()):
        params["_group_by"] = by
    return ("GET", "", params, None)


@st.composite
def writes(draw: st.DrawFn, table: Table) -> Request:
    """A change of some row: sound, of another type, or of a record that is not there."""
    if not table.rows:
        # A new record may have a key that each server makes up.
        return ("POST", "", {}, {"unknown": 1})
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
    return draw(
        st.sampled_from(
            [
                ("PATCH", "", {}, [{**picked, **key}]),
                ("PATCH", "", {}, [{**picked, **wrong, **key}]),
                ("POST", "/upsert", {}, {**fields, **key}),
                ("POST", "/upsert", {}, [{**picked, **key}]),
                ("POST", "", {}, [{**sent, **key}]),
                ("POST", "", {}, [sent, {"unknown": 1}]),
                (
                    "DELETE",
                    "",
                    {"filter": text_of({f"{name}": value for name, value in list(picked.items())[:1]})},
                    None,
                ),
            ]
        )
    )


@st.composite
def sessions(draw: st.DrawFn) -> tuple[Table, list[Request]]:
    table = draw(tables())
    found: list[Request] = []
    for question in draw(st.lists(questions(table), min_size=1, max_size=5)):
        found.append(asked(question))
        found.append(draw(aggregates(table, question)))
        found.append(draw(writes(table)))
    found.append(("GET", "", {"page_size": "100"}, None))
    return table, found


def shown(answer: httpx2.Response) -> tuple[int, Any]:
    body = json.loads(answer.text, parse_float=Decimal) if answer.content else None
    if isinstance(body, dict):
        body.pop("request_id", None)
    return answer.status_code, body


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
@given(sessions())
def test_answers_are_the_same(client: httpx2.Client, session: tuple[Table, list[Request]]) -> None:
    table, requests = session
    name = f"t{next(COUNTER)}"
    for provider in PROVIDERS:
        body = {"name": name, "json_schema": table.schema}
        made = client.post(f"/api/apps/{slug(provider)}/datasources/main/datatables", json=body)
        assert made.status_code == 201, made.text
    rows = [written(table, row) for row in table.rows]
    for method, path, params, body in [("POST", "", {}, rows), *requests]:
        answers: list[tuple[int, Any]] = []
        for provider in PROVIDERS:
            url = f"/api/apps/{slug(provider)}/datatables/{name}/data{path}"
            content = None if body is None else text_of(body).encode()
            answers.append(shown(client.request(method, url, params=params, content=content)))
        assert all(one == answers[0] for one in answers), (method, path, params, body, answers)
        assert answers[0][0] < 500, answers
