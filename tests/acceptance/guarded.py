"""Two tables of items: one whose rules hide rows and fields, and one with what they leave alone."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from penstock.tables.models import ProviderType
from penstock.tables.providers import Feature, capabilities
from penstock_sdk import Client
from tests.conftest import RunningServer, running_server
from tests.databases import Databases, has_vectors

APP = "/api/apps/rules"
# What a restricted user may not know: values of theirs are in no answer.
SECRET = "sesame"
FIELDS: list[dict[str, Any]] = [
    {"name": "id", "type": "integer"},
    {"name": "title", "type": "string"},
    {"name": "grade", "type": "integer"},
    {"name": "owner", "type": "string"},
    {"name": "parent_id", "type": "integer"},
    {"name": "tags", "type": "array"},
    {"name": "day", "type": "date"},
]
HIDDEN: list[dict[str, Any]] = [{"name": "salary", "type": "integer"}, {"name": "note", "type": "string"}]
NEAR = {"name": "near", "type": "vector", "dimensions": 3}
NOTES: list[dict[str, Any]] = [
    {"name": "id", "type": "integer"},
    {"name": "item_id", "type": "integer"},
    {"name": "text", "type": "string"},
    {"name": "stars", "type": "integer"},
]
SECRETS = ("salary", "note", "likeness")
PROVIDERS = [ProviderType.FLAT_TABLE, ProviderType.JSONB, ProviderType.MONGODB]


def schema(features: frozenset[Feature], *, secret: bool) -> dict[str, Any]:
    vectors = [NEAR] if Feature.VECTORS in features else []
    hidden = [*HIDDEN, *({**NEAR, "name": "likeness"} for _ in vectors)] if secret else []
    found: dict[str, Any] = {
        "fields": [*FIELDS, *vectors, *hidden],
        "primaryKey": ["id"],
        "foreignKeys": [{"fields": "parent_id", "reference": {"resource": "", "fields": "id"}}],
        "graph": {"types": ["link"]},
    }
    if Feature.SEARCH in features:
        found["search_fields"] = ["title", *(["note"] if secret else [])]
    if Feature.CHANGES in features:
        found["changes"] = True
    return found


def notes(name: str, *, secret: bool) -> dict[str, Any]:
    """Records that refer to items, under a rule of their own."""
    return {
        "fields": [*NOTES, *([{"name": "mark", "type": "string"}] if secret else [])],
        "primaryKey": ["id"],
        "foreignKeys": [{"fields": "item_id", "reference": {"resource": name, "fields": "id"}}],
    }


@dataclass
class Pair:
    """The guarded table as the restricted user asks it, and the plain one as its owner does."""

    provider: ProviderType
    features: frozenset[Feature]
    user: httpx2.Client
    owner: httpx2.Client

    def both(self, path: str, params: dict[str, str]) -> tuple[httpx2.Response, httpx2.Response]:
        return (
            self.user.get(f"{APP}/datatables/items_guarded{path}", params=params),
            self.owner.get(f"{APP}/datatables/items_plain{path}", params=params),
        )

    def require(self, feature: Feature) -> None:
        if feature not in self.features:
            pytest.skip(f"{self.provider} has no {feature} here")

    def everything(self) -> list[dict[str, Any]]:
        params = {"page_size": "1000", "ordering": "id"}
        return self.owner.get(f"{APP}/datatables/items_guarded/data", params=params).json()["data"]


@pytest.fixture(scope="module", params=PROVIDERS)
def provider(request: pytest.FixtureRequest) -> ProviderType:
    return request.param


@pytest.fixture(scope="module")
def features(provider: ProviderType, databases: Databases) -> frozenset[Feature]:
    """What tables may have: what the provider can, on the PostgreSQL of this run."""
    offered = {one for one in Feature if capabilities(provider).can(one)}
    return frozenset(offered if has_vectors(databases) else offered - {Feature.VECTORS})


@pytest.fixture(scope="module")
def guarding(
    provider: ProviderType,
    databases: Databases,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[RunningServer]:
    with databases.clone() as cloned:
        environment = dict(cloned.environment)
        if provider is ProviderType.MONGODB:
            environment["PENSTOCK_MONGODB_URL"] = f"{request.getfixturevalue('replica_set')}rules"
        with running_server(tmp_path_factory.mktemp("server"), environment) as started:
            yield started


@pytest.fixture(scope="module")
def pair(provider: ProviderType, features: frozenset[Feature], guarding: RunningServer) -> Iterator[Pair]:
    server = guarding
    with Client(server.url, key=server.key) as client:
        client.apps.create("Rules")
        client.app("rules").sources.create("Main", provider_type=provider)
        tables = client.app("rules").tables
        tables.create("main", "items_guarded", schema(features, secret=True))
        tables.create("main", "items_plain", schema(features, secret=False))
        tables.create("main", "notes_guarded", notes("items_guarded", secret=True))
        tables.create("main", "notes_plain", notes("items_plain", secret=False))
        token = login(client, "mole")
        _fill(client, schema(features, secret=True))
        hidden = [one["name"] for one in schema(features, secret=True)["fields"] if one["name"] in SECRETS]
        rule = {
            "name": "own", "read": {"owner": "$user.email"},
            "write": {"and": [{"owner": "$user.email"}, {"grade__lt": 90}]},
            "hidden_fields": hidden,
        }  # fmt: skip
        client.request("POST", f"{APP}/datatables/items_guarded/rules", body=rule)
        kept = {"name": "few", "read": {"not": {"text__contains": SECRET}}, "hidden_fields": ["mark"]}
        client.request("POST", f"{APP}/datatables/notes_guarded/rules", body=kept)
    headers = {"Authorization": f"Bearer {token}"}
    with (
        httpx2.Client(base_url=server.url, headers=headers, timeout=60) as mole,
        httpx2.Client(
            base_url=server.url, headers={"Authorization": f"Key {server.key}"}, timeout=60
        ) as owner,
    ):
        yield Pair(provider, features, mole, owner)


def login(client: Client, name: str) -> str:
    password = "long enough for all"
    user = {"username": name, "email": f"{name}@x.org", "password": password, "role": "operator"}
    client.request("POST", "/api/users", body=user)
    answer = client.request("POST", "/api/auth/jwt/token", body={"username": name, "password": password})
    return answer["access"]


def _fill(client: Client, guarded: dict[str, Any]) -> None:
    chance = random.Random(7)
    rows: list[dict[str, Any]] = []
    known = {one["name"] for one in guarded["fields"]}
    for key in range(1, 61):
        mine = key % 3 != 0
        row = {
            "id": key,
            "title": chance.choice(["red apple", "green pear", "blue plum", "red plum"])
            + ("" if mine else f" {SECRET}"),
            "grade": chance.choice([None, *range(5)]),
            "owner": "mole@x.org" if mine else chance.choice(["other@x.org", None]),
            # A visible record has a visible parent, so that the plain table can have it, too.
            "parent_id": None,
            "tags": chance.sample(["a", "b", "c"], chance.randint(0, 3)),
            "day": f"2026-0{chance.randint(1, 9)}-11",
            "salary": chance.randint(1000, 9999),
            "note": f"{SECRET} {key}",
            "near": [chance.randint(-9, 9) or 1 for _ in range(3)],
            "likeness": [key, 1, 1],
        }
        rows.append({name: value for name, value in row.items() if name in known})
    for row in rows:
        if row["id"] > 6 and chance.random() < 0.7:
            near = [
                one for one in rows if one["id"] < row["id"] and (one["id"] % 3 != 0 or row["id"] % 3 == 0)
            ]
            row["parent_id"] = chance.choice(near)["id"]
    plain = [
        {name: value for name, value in row.items() if name not in SECRETS} for row in rows if row["id"] % 3
    ]
    client.app("rules").table("items_guarded").records.create(rows)
    client.app("rules").table("items_plain").records.create(plain)
    written: list[dict[str, Any]] = []
    for key in range(1, 91):
        kept = key % 4 == 0
        item = chance.choice([row for row in rows if kept or row["id"] % 3])
        text = f"{SECRET} of {key}" if kept else chance.choice(["good", "bad", "so so"])
        written.append(
            {"id": key, "item_id": item["id"], "text": text, "stars": chance.randint(0, 5), "mark": SECRET}
        )
    shown = [one["name"] for one in NOTES]
    plainly = [{name: row[name] for name in shown} for row in written if row["id"] % 4]
    client.app("rules").table("notes_guarded").records.create(written)
    client.app("rules").table("notes_plain").records.create(plainly)
    for table, few in (("items_guarded", rows), ("items_plain", plain)):
        ids = {row["id"] for row in few}
        edges = [
            {"from": a, "to": b, "type": "link"}
            for a, b in ((k, (k * 7) % 60 + 1) for k in range(1, 61))
            if a in ids and b in ids and a != b
        ]
        client.request("POST", f"{APP}/datatables/{table}/edges", body=edges)
