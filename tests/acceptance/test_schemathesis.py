"""The generated documents against a running server: nothing fails, answers fit, every operation works.

First every operation is called once as it is meant to be, on real objects; then schemathesis makes thousands of
requests of its own, valid and invalid ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from tests.acceptance.calls import FILES, QUERIES, SIGNED_IN, body_of, places
from tests.acceptance.world import World
from tests.conftest import RunningServer, running_server
from tests.databases import Databases
from tests.notifications.destinations.conftest import Post, mail_server, mailing

CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
# Requests for each operation, and how many there must be of each document: more than 2,000 in all.
CASES = {"server": (5, 4), "app": (10, 7)}
LEAST = {"server": 1750, "app": 450}
# What these are done to does not answer any more.
STOPPING = {"pauseDataSource"}


@pytest.fixture(scope="module")
def post() -> Iterator[Post]:
    with mail_server() as made:
        yield made


@pytest.fixture(scope="module")
def server(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory, post: Post
) -> Iterator[RunningServer]:
    """One that sends mail."""
    mail = {f"PENSTOCK_{name.upper()}": str(value) for name, value in mailing(post).items()}
    with (
        databases.clone() as cloned,
        running_server(tmp_path_factory.mktemp("server"), {**cloned.environment, **mail}) as started,
    ):
        yield started


@pytest.fixture(scope="module")
def world(server: RunningServer, post: Post) -> Iterator[World]:
    made = World(server.url, server.key, post)
    yield made
    made.client.close()
    made.session.close()


def documents(world: World) -> dict[str, Any]:
    return {
        "server": schemathesis.openapi.from_dict(world.send("GET", "/openapi.json")),
        "app": schemathesis.openapi.from_dict(
            world.send("GET", "/api/apps/shop/openapi.json?tables=products,parts,things,pair,reviews")
        ),
    }


def operations(schema: Any) -> Iterator[tuple[str, Any]]:
    for result in schema.get_all_operations():
        operation = result.ok()
        yield operation.definition.raw["operationId"], operation


@pytest.mark.parametrize("which", ["server", "app"])
def test_every_operation_works(world: World, which: str) -> None:
    failed: list[str] = []
    answered: Counter[int] = Counter()
    for name, operation in operations(documents(world)[which]):
        case = operation.Case(
            path_parameters=places(world, operation, name),
            query=QUERIES[name](world) if name in QUERIES else {},
            headers={"Authorization": f"Key {world.key}"},
        )
        if name in ("takeAppAccess", "takeSourceAccess", "takeTableAccess"):
            shared = operation.path.format(**case.path_parameters)
            world.post(shared, org=True, role="operator")
        if name in SIGNED_IN:
            case.headers["Authorization"] = f"Bearer {world.login()['access']}"
        body = body_of(world, name, operation)
        if body is not None:
            case.body, case.media_type = body, FILES.get(name, "application/json")
        if name == "exchangeKey":
            case.headers["Authorization"] = f"Basic {world.key}"
        answer = case.call(base_url=world.url, session=world.session)
        if not 200 <= answer.status_code < 300:
            failed.append(f"{name}: {answer.status_code} {answer.text[:300]}")
            continue
        answered[answer.status_code] += 1
        case.validate_response(answer, checks=CHECKS)
    print(f"{which}: {answered.total()} operations answered {dict(sorted(answered.items()))}")
    assert not failed, "\n".join(failed)


@pytest.mark.parametrize("which", ["server", "app"])
def test_groups_fit_the_document(world: World, which: str) -> None:
    """The examples of aggregates, which no request above combines."""
    tried = 0
    for name, operation in operations(documents(world)[which]):
        listed = operation.definition.raw.get("parameters", ())
        given = {one["name"]: one.get("schema", {}) for one in listed if one.get("in") == "query"}
        if "_aggregate" not in given or which == "server":
            # What the general document shows is of a table that is not there.
            queries = [{"_aggregate": "count(*)", "_group_by": "name"}] if "_aggregate" in given else []
        else:
            everything = {"_aggregate": ",".join(given["_aggregate"]["examples"])}
            by = [{"_group_by": one} for one in given["_group_by"]["examples"]]
            queries = [everything | one | {"_having": "count > 0"} for one in ({}, *by)]
        for query in queries:
            case = operation.Case(
                path_parameters=places(world, operation, name),
                query=query,
                headers={"Authorization": f"Key {world.key}"},
            )
            answer = case.call(base_url=world.url, session=world.session)
            assert answer.status_code == 200, (query, answer.text)
            case.validate_response(answer, checks=CHECKS)
            tried += 1
    assert tried >= (1 if which == "server" else 6)


def test_related_records_fit_the_document(world: World) -> None:
    product = world.record("products")
    world.send("POST", "/api/apps/shop/datatables/reviews/data", json={"name": "R", "product_id": product})
    tried: set[str] = set()
    for name, operation in operations(documents(world)["app"]):
        given = {one.name: one.definition.get("schema", {}) for one in operation.query}
        if "populate" not in given:
            continue
        for token in given["populate"]["items"]["enum"]:
            case = operation.Case(
                path_parameters=places(world, operation, name),
                query={"populate": token},
                headers={"Authorization": f"Key {world.key}"},
            )
            answer = case.call(base_url=world.url, session=world.session)
            assert answer.status_code == 200, (token, answer.text)
            case.validate_response(answer, checks=CHECKS)
            tried.add(f"{name} {token}")
    assert tried == {
        *(
            "listReviews product_id",
            "listReviews product",
            "listReviews *",
            "listProducts *",
            "listProducts reviews",
        ),
        *("readReviewsRecord product_id", "readReviewsRecord product", "readReviewsRecord *"),
        *("readProductsRecord *", "readProductsRecord reviews"),
    }


@schemathesis.serializer("text/csv", "application/x-ndjson", "application/vnd.apache.parquet")
def sent_as_it_is(_: Any, value: Any) -> bytes:
    data = getattr(value, "data", value)
    return data if isinstance(data, bytes) else str(data).encode()


@pytest.mark.parametrize("which", ["server", "app"])
def test_whatever_is_sent(world: World, which: str, record_property: Callable[[str, object], None]) -> None:
    sent: Counter[str] = Counter()
    statuses: Counter[int] = Counter()
    failures: dict[str, str] = {}
    for name, operation in operations(documents(world)[which]):
        for mode, cases in zip((GenerationMode.POSITIVE, GenerationMode.NEGATIVE), CASES[which], strict=True):
            attack(world, name, operation, mode, cases, sent, statuses, failures)
    record_property("cases", sent.total())
    print(f"{which}: {sent.total()} cases on {len(sent)} operations, {dict(sorted(statuses.items()))}")
    assert not failures, "\n\n".join(failures.values())
    assert sent.total() >= LEAST[which]


def attack(
    world: World,
    name: str,
    operation: Any,
    mode: GenerationMode,
    cases: int,
    sent: Counter[str],
    statuses: Counter[int],
    failures: dict[str, str],
) -> None:
    """Requests for one operation, always the same ones; what they find wrong goes to `failures`."""

    # Looking uses nothing up.
    looked_at = places(world, operation, name) if operation.method.lower() == "get" else None

    @hypothesis.seed(20250301)
    @hypothesis.settings(
        max_examples=cases,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def one(case: Any) -> None:
        sent[name] += 1
        # A request that may use something up is always given something to use up.
        uses_up = case.method == "DELETE" or name in STOPPING
        if operation.path_parameters and (mode is GenerationMode.POSITIVE or uses_up):
            case.path_parameters = looked_at or places(world, operation, name)
        case.headers["Authorization"] = f"Key {world.key}"
        answer = case.call(base_url=world.url, session=world.session, allow_redirects=False)
        statuses[answer.status_code] += 1
        if answer.status_code == 414:
            # The address is longer than the web server reads; ours never hears of it.
            return
        case.validate_response(answer, checks=CHECKS)

    try:
        one()
    except hypothesis.errors.Unsatisfiable:
        # An operation without parameters has nothing that could be wrong.
        assert mode is GenerationMode.NEGATIVE
    except BaseException as error:  # schemathesis raises groups of failures
        failures[f"{name} {mode}"] = f"{name} {mode}: {describe(error)}"


def describe(error: BaseException) -> str:
    parts = [str(error)]
    for one in getattr(error, "exceptions", ()):
        parts.append(describe(one))
    return "\n".join(parts)[:3000]
