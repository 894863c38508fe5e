"""Alerts on fresh rows: how they stand, who is told and how often, and whose rows they look at."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx2
import msgspec
import pytest

from penstock.kit.context import Context
from penstock.queries.schedules import planning
from penstock.server.edge import Edge
from tests.conftest import client_of
from tests.kit.jobs.conftest import until
from tests.notifications.conftest import Receiver, receiver
from tests.notifications.destinations.conftest import Post
from tests.queries.alerts.conftest import ALERTS, QUERIES, alert_on, query_of, read, run
from tests.queries.routes.conftest import Asking
from tests.tables.conftest import Callers

__all__ = ["receiver"]
pytestmark = pytest.mark.anyio
PEOPLE = "/api/apps/shop/datatables/people"


async def looked(
    client: httpx2.AsyncClient, alert: dict[str, Any], before: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The alert, once it has looked again."""
    last = (before or alert)["evaluated_at"]
    found: dict[str, Any] = {}

    async def again() -> bool:
        found.update(await read(client, alert))
        return found["evaluated_at"] != last

    await until(again)
    return found


async def deliveries(client: httpx2.AsyncClient, alert: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await client.get(f"{ALERTS}/{alert['id']}/deliveries")
    assert answer.status_code == 200, answer.text
    return answer.json()["results"]


async def subscribe(client: httpx2.AsyncClient, alert: dict[str, Any], **body: Any) -> dict[str, Any]:
    answer = await client.post(f"{ALERTS}/{alert['id']}/subscriptions", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def hooked(client: httpx2.AsyncClient, receiver: Receiver) -> int:
    answer = await client.post(
        "/api/destinations", json={"name": "Hook", "type": "webhook", "options": {"url": receiver.url}}
    )
    return answer.json()["id"]


async def test_it_is_told_when_the_state_changes(asking: Asking, post: Post, receiver: Receiver) -> None:
    owner = asking.client
    query = await query_of(asking, "SELECT count(*) AS n FROM people WHERE id <= 10")
    alert = await alert_on(owner, query, op=">=")
    assert (alert["state"], alert["value"], alert["user"]["email"]) == ("unknown", None, "owner@example.org")
    assert alert["query"]["id"] == query["id"] and "no schedule" in alert["note"]
    await subscribe(owner, alert)
    await subscribe(owner, alert, destination_id=await hooked(owner, receiver))
    await run(asking, query)
    first = await looked(owner, alert)
    assert (first["state"], first["value"], first["reason"]) == ("triggered", "10", None)
    await until(lambda: len(post.got) == 1 and len(receiver.got) == 1)
    assert post.got[0][1]["Subject"] == "(TRIGGERED) Many"
    told = msgspec.json.decode(receiver.got[0][1])
    assert told["event"] == "alert_state_change" and told["alert"]["query_id"] == query["id"]
    assert (told["alert"]["state"], told["alert"]["title"]) == ("triggered", "(TRIGGERED) Many")
    # Once, while it stays so.
    await run(asking, query)
    second = await looked(owner, alert, first)
    assert second["last_triggered_at"] == first["last_triggered_at"]
    # And when it is over.
    assert (await owner.delete(f"{PEOPLE}/data/1")).status_code == 204
    await run(asking, query)
    third = await looked(owner, alert, second)
    assert (third["state"], third["value"]) == ("ok", "9")
    await until(lambda: len(post.got) == 2 and len(receiver.got) == 2)
    assert post.got[1][1]["Subject"] == "(OK) Many"
    await until_sent(owner, alert, 4)


async def until_sent(client: httpx2.AsyncClient, alert: dict[str, Any], number: int) -> list[dict[str, Any]]:
    async def sent() -> bool:
        found = await deliveries(client, alert)
        return len(found) == number and all(one["state"] != "pending" for one in found)

    await until(sent)
    return await deliveries(client, alert)


async def test_from_unknown_to_ok_nobody_is_told(asking: Asking, post: Post) -> None:
    query = await query_of(asking, "SELECT 1 AS n")
    alert = await alert_on(asking.client, query)
    await subscribe(asking.client, alert)
    await run(asking, query)
    assert (await looked(asking.client, alert))["state"] == "ok"
    assert await deliveries(asking.client, alert) == []


async def test_again_after_a_while_and_not_while_muted(asking: Asking, ctx: Context, post: Post) -> None:
    owner = asking.client
    query = await query_of(asking, "SELECT 99 AS n")
    alert = await alert_on(owner, query, rearm=3600)
    await subscribe(owner, alert)
    await run(asking, query)
    found = await looked(owner, alert)
    await until(lambda: len(post.got) == 1)
    await run(asking, query)
    found = await looked(owner, alert, found)
    async with ctx.db.control.transaction() as conn:
        await conn.execute("UPDATE penstock.alerts SET last_triggered_at = now() - interval '2 hours'")
    await run(asking, query)
    found = await looked(owner, alert, found)
    await until(lambda: len(post.got) == 2)
    assert (await owner.post(f"{ALERTS}/{alert['id']}/mute")).content == b"null\n"
    assert (await read(owner, alert))["options"]["muted"] is True
    async with ctx.db.control.transaction() as conn:
        await conn.execute("UPDATE penstock.alerts SET last_triggered_at = now() - interval '2 hours'")
    await run(asking, query)
    await looked(owner, alert, found)
    assert (await owner.delete(f"{ALERTS}/{alert['id']}/mute")).status_code == 200
    assert (await read(owner, alert))["options"]["muted"] is False
    assert len(post.got) == 2 and len(await deliveries(owner, alert)) == 2


async def test_values_of_its_own_and_a_schedule(asking: Asking, ctx: Context) -> None:
    """A scheduled run has the alert's own question asked, too; dates by name are those of the moment of asking."""
    options = {
        "parameters": [
            {"name": "least", "type": "number", "value": 1},
            {"name": "at", "type": "datetime-with-seconds", "value": "d_now"},
        ]
    }
    text = "SELECT count(*) AS n FROM people WHERE id >= {{ least }} AND seen_at < {{ at }}"
    query = await query_of(asking, text, options=options, schedule={"interval": 3600})
    plain = await alert_on(asking.client, query)
    own = await alert_on(asking.client, query, parameters={"least": 249})
    assert plain["note"] is None
    wrong = await asking.client.post(
        ALERTS,
        json={
            "name": "x",
            "query_id": query["id"],
            "options": {"column": "n", "op": ">", "value": 1, "parameters": {"least": "x"}},
        },
    )
    assert wrong.status_code == 400 and wrong.json()["message"].endswith("definitions: least")

    async def has_run() -> bool:
        plan = (await asking.client.get(f"{QUERIES}/{query['id']}/schedule")).json()
        return plan["state"] == "waiting" and plan["job"] is not None

    await until(has_run)
    async with ctx.db.control.transaction() as conn:
        await conn.execute("UPDATE penstock.query_schedules SET next_at = now()")
        await planning.call(conn, query["id"], 1, datetime.now(UTC))
    first, second = await looked(asking.client, plain), await looked(asking.client, own)
    assert (first["state"], first["value"]) == ("triggered", "250")
    assert (second["state"], second["value"]) == ("ok", "2")


async def test_each_looks_at_the_rows_of_its_owner(asking: Asking, callers: Callers, post: Post) -> None:
    """Row rules: another's run says nothing about mine, and nobody is sent rows that they would not get."""
    owner, reader = asking.client, callers["operator"]
    own = {"name": "own", "read": {"id__lte": 5}, "subjects": {"roles": ["operator"]}}
    rule = await owner.post(f"{PEOPLE}/rules", json=own)
    assert rule.status_code == 201, rule.text
    query = await query_of(asking, "SELECT count(*) AS n FROM people")
    mine, theirs = await alert_on(owner, query), await alert_on(reader, query)
    await subscribe(owner, mine)
    await subscribe(reader, mine)
    await run(asking, query)
    found = await looked(owner, mine)
    assert (found["state"], found["value"]) == ("triggered", "250")
    assert (await read(reader, theirs))["state"] == "unknown"
    # How mine stands is told from rows that they do not see.
    hidden = await read(reader, mine)
    assert (hidden["state"], hidden["value"], hidden["last_triggered_at"]) == ("unknown", None, None)
    listed = {one["id"]: one["state"] for one in (await reader.get(ALERTS)).json()}
    assert listed == {mine["id"]: "unknown", theirs["id"]: "unknown"}
    sent = await until_sent(owner, mine, 2)
    assert sorted((one["state"], one["error"]) for one in sent) == [
        ("failed", "Not sent: who subscribed would not get the same rows by asking."),
        ("succeeded", None),
    ]
    assert [recipients for recipients, _ in post.got] == [["owner@example.org"]]
    await run(asking, query, reader)
    found = await looked(reader, theirs)
    assert (found["state"], found["value"]) == ("ok", "5")


async def test_templates_of_its_own(asking: Asking, post: Post) -> None:
    query = await query_of(asking, "SELECT 12 AS n, '<i>' AS name UNION ALL SELECT 13, 'b' ORDER BY 1")
    alert = await alert_on(
        asking.client,
        query,
        selector="max",
        custom_subject="{{ALERT_NAME}}: {{QUERY_RESULT_VALUE}} {{ALERT_CONDITION}} {{ALERT_THRESHOLD}}",
        custom_body="{{#QUERY_RESULT_ROWS}}{{name}};{{/QUERY_RESULT_ROWS}} {{{QUERY_RESULT_TABLE}}} {{ALERT_URL}}",
    )
    await subscribe(asking.client, alert)
    await run(asking, query)
    await looked(asking.client, alert)
    await until(lambda: len(post.got) == 1)
    letter = post.got[0][1]
    assert letter["Subject"] == "Many: 13 > 10"
    text, page = letter.get_body(("plain",)), letter.get_body(("html",))
    assert text is not None and page is not None
    assert text.get_content().replace("\r", "").startswith("<i>;b; n | name\n12 | <i>\n13 | b ")
    assert "&lt;i&gt;;b; <table>" in page.get_content() and "<td>&lt;i&gt;</td>" in page.get_content()


async def test_looking_now(asking: Asking, post: Post) -> None:
    owner = asking.client
    query = await query_of(asking, "SELECT 12 AS n")
    alert = await alert_on(owner, query)
    path = f"{ALERTS}/{alert['id']}"
    assert (await owner.post(f"{path}/eval")).content == b"null\n"
    found = await read(owner, alert)
    assert (found["state"], found["reason"]) == ("unknown", "The query has not been run for its owner yet.")
    await run(asking, query)
    await looked(owner, alert, found)
    # What it watches for has changed: it looks at the same rows once more.
    changed = await owner.post(path, json={"options": {"column": "n", "op": "<", "value": 5}})
    assert changed.json()["state"] == "unknown"
    assert (await owner.post(f"{path}/eval")).status_code == 200
    assert (await read(owner, alert))["state"] == "ok"
    await owner.post(path, json={"options": {"column": "x", "op": "<", "value": 5}})
    await owner.post(f"{path}/eval")
    found = await read(owner, alert)
    assert (found["state"], found["reason"]) == ("unknown", "The result has no column 'x'.")


async def test_an_archived_query_has_none(asking: Asking) -> None:
    query = await query_of(asking, "SELECT 12 AS n")
    alert = await alert_on(asking.client, query)
    await asking.client.delete(f"{QUERIES}/{query['id']}")
    assert (await asking.client.get(f"{ALERTS}/{alert['id']}")).status_code == 404
    again = await asking.client.post(
        ALERTS, json={"name": "x", "query_id": query["id"], "options": alert["options"]}
    )
    assert again.status_code == 400


async def test_a_key_that_holds_less_than_its_user(asking: Asking, app: Edge) -> None:
    """What it makes looks with its own eyes, and what its user made tells it nothing of their rows."""
    owner = asking.client
    own = {"name": "own", "read": {"id__lte": 5}, "subjects": {"roles": ["operator"]}}
    assert (await owner.post(f"{PEOPLE}/rules", json=own)).status_code == 201
    made = await owner.post("/api/keys", json={"name": "k", "kind": "user", "role": "operator"})
    query = await query_of(asking, "SELECT count(*) AS n FROM people")
    mine = await alert_on(owner, query)
    async with client_of(app, made.json()["key"]) as narrow:
        theirs = await alert_on(narrow, query)
        await run(asking, query)
        assert (await looked(owner, mine))["value"] == "250"
        hidden = await read(narrow, mine)
        assert (hidden["state"], hidden["value"]) == ("unknown", None)
        assert (await narrow.post(f"{ALERTS}/{mine['id']}", json={"rearm": 1})).status_code == 403
        assert (await read(narrow, theirs))["value"] is None
        await run(asking, query, narrow)
        assert (await looked(narrow, theirs))["value"] == "5"
        assert (await owner.post(f"{ALERTS}/{theirs['id']}/mute")).status_code == 200
