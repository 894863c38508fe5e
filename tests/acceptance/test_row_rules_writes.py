"""Writes of whoever is held to rules change nothing hidden; their answers and the change feed tell nothing of it."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from penstock.tables.models import ProviderType
from penstock.tables.providers import Feature
from penstock_sdk import Client
from tests.acceptance.guarded import APP, SECRET, SECRETS, Pair, features, guarding, login, pair, provider
from tests.conftest import RunningServer
from tests.mongodb import replica_set

__all__ = ["features", "guarding", "pair", "provider", "replica_set"]


def test_writes_tell_nothing_and_change_nothing_hidden(pair: Pair) -> None:
    data = f"{APP}/datatables/items_guarded/data"
    before = pair.everything()
    hidden = [row for row in before if row["id"] % 3 == 0]
    step = {"table": "items_guarded"}
    tries: list[tuple[str, str, Any, dict[str, str]]] = [
        ("PATCH", f"{data}/3", {"title": "x"}, {}),
        ("PATCH", f"{data}/3", {"title": "x"}, {"If-Match": "*"}),
        ("DELETE", f"{data}/3", None, {}),
        ("PATCH", data, [{"id": 3, "title": "x"}], {}),
        ("PATCH", data, [{"id": 1, "title": "x"}, {"id": 3, "title": "x"}], {}),
        ("POST", f"{data}/upsert", [{"id": 3, "title": "x", "owner": "mole@x.org"}], {}),
        ("POST", f"{data}/upsert?unique_fields=salary", [{"salary": 3, "title": "x"}], {}),
        ("DELETE", f"{data}?ids=3,6,9", None, {}),
        ("DELETE", f'{data}?filter={{"owner__ne":"mole@x.org"}}', None, {}),
        ("DELETE", f'{data}?filter={{"salary__gt":1}}', None, {}),
        ("PATCH", f"{data}/1", {"salary": 1}, {}),
        ("POST", data, {"title": "x", "owner": "other@x.org"}, {}),
        ("PATCH", f"{data}/1", {"owner": "other@x.org"}, {}),
        ("PATCH", f"{data}/1", {"grade": 95}, {}),
        ("POST", f"{APP}/batch", {"steps": [{**step, "op": "delete", "filter": {"owner": "other@x.org"}}]}, {}),
        ("POST", f"{APP}/batch", {"steps": [{**step, "op": "update", "key": 3, "data": {"title": "x"}}]}, {}),
        ("POST", f"{APP}/datatables/items_guarded/edges", {"from": 1, "to": 3, "type": "link"}, {}),
        ("DELETE", f"{APP}/datatables/items_guarded/edges", {"edge_ids": list(range(1, 200))[::3]}, {}),
    ]  # fmt: skip
    edges = pair.owner.get(f"{APP}/datatables/items_guarded/edges", params={"page_size": "1000"}).json()[
        "total"
    ]
    for method, path, body, headers in tries[:-1]:
        answer = pair.user.request(method, path, json=body, headers=headers)
        assert answer.status_code in (200, 400, 403, 404), (method, path, answer.text)
        assert SECRET not in answer.text
        if answer.status_code == 200:
            assert (
                answer.json().get(
                    "deleted", answer.json().get("steps", [{}])[0].get("body", {}).get("deleted")
                )
                == 0
            )
    after = pair.everything()
    assert [row for row in after if row["id"] % 3 == 0] == hidden
    assert after == before
    assert (
        pair.owner.get(f"{APP}/datatables/items_guarded/edges", params={"page_size": "1000"}).json()["total"]
        == edges
    )


def write(chance: random.Random, rows: dict[int, Any], edges: dict[int, Any]) -> tuple[str, str, Any]:
    """A write of any kind, of any records: method, path below the table or the app, and body."""

    def key() -> int:
        return chance.choice([*rows, chance.randint(61, 70)])

    def values() -> dict[str, Any]:
        found: dict[str, Any] = {
            "title": chance.choice(["red", "blue"]),
            "owner": chance.choice(["mole@x.org"] * 4 + ["other@x.org", None]),
            "grade": chance.choice([1, 2, 95, None]),
            "parent_id": chance.choice([None, key()]),
            "salary": 1,
            "is_admin": True,
        }
        picked = chance.sample(sorted(found)[1:5], chance.randint(1, 4))
        return {name: found[name] for name in picked} | ({"salary": 1} if chance.random() < 0.05 else {})

    def row() -> dict[str, Any]:
        return {"id": key(), **values()}

    data, name = "/datatables/items_guarded/data", "items_guarded"
    condition = chance.choice(
        [{"grade__gte": 1}, {"owner": "other@x.org"}, {"id__in": [3, 4]}, {"title": "red"}]
    )
    edge = {"from": key(), "to": key(), "type": "link"}
    known = [*edges] or [1]
    return chance.choice(
        [
            ("POST", data, {"owner": "mole@x.org", "grade": 1, **values()}),
            ("POST", data, [{"owner": "mole@x.org", "grade": 1, **values()}, row()]),
            ("PATCH", f"{data}/{key()}", values()),
            ("PATCH", data, [row(), row()]),
            ("POST", f"{data}/upsert", row()),
            ("POST", f"{data}/upsert", [{**row(), "owner": "mole@x.org", "grade": 2}, row()]),
            ("POST", f"{data}/upsert?unique_fields=title", {"title": "blue", **values()}),
            ("DELETE", f"{data}/{key()}", None),
            ("DELETE", f"{data}?ids={key()},{key()}", None),
            ("DELETE", f"{data}?filter={json.dumps(condition)}", None),
            ("POST", f"{data}/import?format=ndjson&mode=upsert&on_error=skip", [row(), row(), row()]),
            ("POST", f"{data}/import?format=ndjson&on_error=skip", [row(), row()]),
            ("POST", "/batch", {"steps": [{"op": "upsert", "table": name, "data": row()}]}),
            ("POST", "/batch", {"steps": [{"op": "update", "table": name, "key": key(), "data": values()}]}),
            ("POST", "/batch", {"steps": [{"op": "delete", "table": name, "filter": condition}]}),
            ("POST", "/datatables/items_guarded/edges", edge),
            ("PATCH", f"/datatables/items_guarded/edges/{chance.choice(known)}", {"to": key()}),
            ("PATCH", f"/datatables/items_guarded/edges/{chance.choice(known)}", {"from": key()}),
            ("DELETE", "/datatables/items_guarded/edges", {"edge_ids": [chance.choice(known)]}),
            ("POST", "/datatables/items_guarded_edges/data", edge),
        ]
    )


def is_writable(row: dict[str, Any] | None) -> bool:
    return row is not None and row["owner"] == "mole@x.org" and row["grade"] is not None and row["grade"] < 90


def may_differ(before: dict[str, Any] | None, after: dict[str, Any] | None) -> bool:
    """Whether somebody under the rule may have made the one the other."""
    if before is not None and not is_writable(before):
        return False
    if after is not None and not is_writable(after):
        return False
    return all((before or {}).get(name) == (after or {}).get(name) for name in SECRETS) or after is None


@pytest.mark.parametrize("seed", range(3))
def test_writes_of_any_kind_stay_within_the_rules(pair: Pair, seed: int) -> None:
    chance = random.Random(seed)
    statuses: set[int] = set()
    for _ in range(40):
        rows = {row["id"]: row for row in pair.everything()}
        edges = _edges(pair)
        method, path, body = write(chance, rows, edges)
        sent = "\n".join(map(json.dumps, body)) if "/import" in path else json.dumps(body)
        answer = pair.user.request(method, f"{APP}{path}", content=None if body is None else sent)
        statuses.add(answer.status_code)
        assert answer.status_code < 500, (method, path, body, answer.text)
        assert SECRET not in answer.text and "other@x.org" not in answer.text.replace(sent, "")
        now, links = {row["id"]: row for row in pair.everything()}, _edges(pair)
        for key in rows.keys() | now.keys():
            old, new = rows.get(key), now.get(key)
            assert old == new or may_differ(old, new), (method, path, body, old, new)
        for key in edges.keys() | links.keys():
            old, new = edges.get(key), links.get(key)
            # An edge goes with the records at its ends.
            gone = old is not None and new is None and not {old["from_id"], old["to_id"]} <= now.keys()
            for one in () if old == new or gone else (old, new):
                ends = (
                    [rows.get(one[end]) or now.get(one[end]) for end in ("from_id", "to_id")] if one else []
                )
                assert all(end and end["owner"] == "mole@x.org" for end in ends), (method, path, body, one)
                assert not ends or is_writable(ends[0]), (method, path, body, one)
    if pair.provider is not ProviderType.MONGODB:
        assert statuses & {200, 201, 204} and statuses & {403, 404}


def _edges(pair: Pair) -> dict[int, Any]:
    found = pair.owner.get(f"{APP}/datatables/items_guarded/edges", params={"page_size": "1000"})
    return {one["id"]: one for one in found.json()["data"]}


def imports() -> Iterator[tuple[dict[str, str], list[dict[str, Any]]]]:
    """Files that reach for what is hidden, in every mode."""
    mine = {"owner": "mole@x.org", "grade": 1}
    files: list[list[dict[str, Any]]] = [
        [{"id": 3, "title": "x", **mine}],
        [{"id": 3, "title": "x"}, {"id": 6, "title": "y", **mine}],
        [{"id": 9, "title": "x", "owner": "other@x.org"}],
        [{"id": 1, "title": "x", "owner": "other@x.org", "grade": 1}],
        [{"title": "x", "owner": None}],
        [{"id": 3, "salary": 1}],
        [{"salary": 5000, "title": "x"}],
        [{"id": 1, "parent_id": 999, **mine}],
    ]
    for rows in files:
        for on_error in ("abort", "skip", "quarantine"):
            yield {"on_error": on_error}, rows
            for unique in ("id", "title", "salary", "note", "owner"):
                yield {"on_error": on_error, "mode": "upsert", "unique_fields": unique}, rows


def test_imports_tell_nothing_and_change_nothing_hidden(pair: Pair) -> None:
    data = f"{APP}/datatables/items_guarded/data"
    before = pair.everything()
    hidden = [row for row in before if row["id"] % 3 == 0]
    numbers: set[int] = set()
    for params, rows in imports():
        lines = "\n".join(map(json.dumps, rows))
        answer = pair.user.post(f"{data}/import", params={"format": "ndjson", **params}, content=lines)
        assert answer.status_code in (200, 400, 403, 409), answer.text
        assert SECRET not in answer.text and "other@x.org" not in answer.text
        for name in ("salary", "note"):
            asked = name in str(rows) or name in str(params)
            assert asked or name not in answer.text, (params, rows, answer.text)
        if answer.status_code == 200 and answer.json()["quarantine"]:
            numbers.add(answer.json()["quarantine"])
    after = pair.everything()
    assert [row for row in after if row["id"] % 3 == 0 and row["id"] <= 60] == hidden
    assert [row for row in after if row["id"] in {1, 2, 4}] == [
        row for row in before if row["id"] in {1, 2, 4}
    ]
    for number in numbers:
        found = pair.user.get(f"{APP}/datatables/items_guarded/quarantine/{number}")
        assert found.status_code == 200
        assert SECRET not in found.text


def test_quarantine_is_for_who_filled_it(pair: Pair, guarding: RunningServer) -> None:
    pair.require(Feature.FILES)
    data, place = f"{APP}/datatables/items_guarded/data", f"{APP}/datatables/items_guarded/quarantine"
    line = json.dumps({"id": 3, "title": "mine alone", "owner": "mole@x.org"})
    options = {"format": "ndjson", "on_error": "quarantine"}
    number = pair.user.post(f"{data}/import", params=options, content=line).json()["quarantine"]
    assert number
    with Client(guarding.url, key=guarding.key) as client:
        token = login(client, "badger")
    with httpx2.Client(base_url=guarding.url, headers={"Authorization": f"Bearer {token}"}) as badger:
        assert badger.get(place).json()["count"] == 0
        for method, path in (("GET", ""), ("GET", "?format=ndjson"), ("DELETE", "")):
            assert badger.request(method, f"{place}/{number}{path}").status_code == 404
    assert "mine alone" in pair.user.get(f"{place}/{number}").text


def test_a_feed_tells_what_becomes_of_visible_records(pair: Pair) -> None:
    """Whoever applies it has what they see, at any time, and is told of nothing else."""
    pair.require(Feature.CHANGES)
    data = f"{APP}/datatables/items_guarded/data"
    chance = random.Random(3)
    state: dict[int, Any] = {}
    cursor = "start"
    for _ in range(25):
        for _ in range(chance.randint(0, 6)):
            _change(pair, data, chance)
        while True:
            page = pair.user.get(f"{data}/changes", params={"since": cursor, "limit": "7"})
            assert page.status_code == 200, page.text
            assert SECRET not in page.text
            body = page.json()
            for one in body["data"]:
                assert one["op"] == ("update" if one["key"] in state else "insert") or one["record"] is None
                if one["record"] is None:
                    assert state.pop(one["key"])
                    continue
                assert state.get(one["key"]) != one["record"], "a change of nothing that is seen"
                state[one["key"]] = one["record"]
            cursor = body["next_cursor"]
            if not body["has_more"]:
                break
        seen = pair.user.get(data, params={"page_size": "1000"}).json()["data"]
        assert state == {row["id"]: row for row in seen}


def _change(pair: Pair, data: str, chance: random.Random) -> None:
    """Some record gets another value, or another owner, or goes."""
    key = chance.choice([row["id"] for row in pair.everything() if row["parent_id"] is None])
    changes: list[dict[str, Any]] = [
        {"salary": chance.randint(1, 9)},
        {"note": f"{SECRET} again"},
        {"grade": chance.randint(0, 4)},
        {"owner": "mole@x.org", "title": "given"},
        {"owner": "other@x.org", "title": SECRET},
    ]
    if chance.random() < 0.2:
        title = chance.choice(["late", SECRET])
        owner = "mole@x.org" if title == "late" else None
        made = pair.owner.post(data, json={"title": title, "owner": owner, "note": SECRET})
        assert made.status_code == 201, made.text
    elif chance.random() < 0.2:
        pair.owner.delete(f"{data}/{key}")
    else:
        changed = pair.owner.patch(f"{data}/{key}", json=chance.choice(changes))
        assert changed.status_code == 200, changed.text
