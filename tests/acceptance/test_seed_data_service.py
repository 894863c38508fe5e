"""Every request of the Data Service's endpoint reference, in one session on each provider: status and keys."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from tests.acceptance.providers import PROVIDERS, server_for
from tests.acceptance.reference import GRAPH, RELATED, STEPS, Step
from tests.conftest import RunningServer
from tests.databases import ADMIN_EMAIL, ADMIN_PASSWORD, Databases
from tests.mongodb import replica_set

__all__ = ["replica_set"]


@pytest.fixture(scope="module", params=PROVIDERS)
def provider(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def server(
    databases: Databases,
    tmp_path_factory: pytest.TempPathFactory,
    provider: str,
    request: pytest.FixtureRequest,
) -> Iterator[RunningServer]:
    """A server for each provider, since the reference names its apps."""
    with server_for(provider, databases, tmp_path_factory.mktemp(provider), request) as started:
        yield started


@pytest.fixture
def client(server: RunningServer) -> Iterator[httpx2.Client]:
    """A client with the access token of a login."""
    login = httpx2.post(
        f"{server.url}/_allauth/app/v1/auth/login", json={"email": ADMIN_EMAIL, "password": ADMIN_PASSWORD}
    )
    assert login.status_code == 200, login.text
    token = login.json()["meta"]["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    with httpx2.Client(base_url=server.url, headers=headers, timeout=60) as opened:
        yield opened


def under(provider: str, value: Any) -> Any:
    """The same with this provider where the reference has ordinary tables."""
    if isinstance(value, dict):
        return {name: under(provider, item) for name, item in value.items()}
    if isinstance(value, list):
        return [under(provider, item) for item in value]
    return provider if value == "flat_table" else value


def on(provider: str, step: Step) -> Step:
    """The step as this provider answers it."""
    step = replace(step, body=under(provider, step.body), expected=under(provider, step.expected))
    if step.body == {"name": "Main"}:
        step = replace(step, body={"name": "Main", "provider_type": provider})
    return step


@pytest.mark.parametrize("steps", [STEPS, RELATED, GRAPH], ids=["everything", "related records", "graphs"])
def test_the_reference(client: httpx2.Client, steps: tuple[Step, ...], provider: str) -> None:
    for step in (on(provider, one) for one in steps):
        sent = {"json": step.body} if step.body is not None else {}
        answer = client.request(step.method, step.path, **sent)
        told = f"{step.method} {step.path}\n{answer.status_code} {answer.text}"
        assert answer.status_code == step.status, told
        if step.status == 204:
            assert answer.content == b"", told
        elif step.expected is not None:
            found = "\n".join(differences(step.expected, answer.json()))
            assert not found, f"{found}\n{told}"


def test_without_a_token(server: RunningServer) -> None:
    """Every one of the requests needs credentials."""
    for method, path in sorted({(step.method, step.path) for step in (*STEPS, *RELATED, *GRAPH)}):
        answer = httpx2.request(method, server.url + path)
        assert (method, path, answer.status_code) == (method, path, 401)
        assert "detail" in answer.json()


def differences(expected: Any, actual: Any, at: str = "$") -> Iterator[str]:
    """Where an answer lacks something. Of a list, each expected element must match some element."""
    if isinstance(expected, dict):
        if not isinstance(actual, dict):
            yield f"{at} is no object"
            return
        for name, value in expected.items():
            if name not in actual:
                yield f"{at}.{name} is missing"
            else:
                yield from differences(value, actual[name], f"{at}.{name}")
    elif isinstance(expected, list) and expected and isinstance(expected[0], (dict, re.Pattern)):
        for n, one in enumerate(expected):
            if not any(not list(differences(one, other)) for other in actual):
                yield f"{at}: no element is like the {n}. expected one"
    elif isinstance(expected, re.Pattern):
        if not isinstance(actual, str) or not expected.fullmatch(actual):
            yield f"{at} does not read like {expected.pattern}"
    elif isinstance(expected, (type, tuple)):
        if not isinstance(actual, expected) or isinstance(actual, bool):
            yield f"{at} is not of type {expected}"
    elif expected != actual:
        yield f"{at} is not {expected!r}"
