"""Messages that really arrive: by e-mail, at webhooks and chats; and what is written down of those that do not."""

from __future__ import annotations

import base64
from typing import Any

import httpx2
import msgspec
import pytest

from penstock.kit.context import Context
from penstock.kit.outbound import OutboundSettings
from penstock.notifications import Message, Mood, notify
from tests.conftest import free_port
from tests.databases import TestDatabase
from tests.kit.jobs.conftest import until
from tests.notifications.conftest import Receiver
from tests.notifications.destinations.conftest import FROM, Post, mailing, sending
from tests.notifications.test_deliveries import configured, verify

pytestmark = pytest.mark.anyio
ALL = "/api/destinations"
TOLD = Message(
    event="alert_state_change",
    title="(TRIGGERED) Many\r\nerrors <b>",
    text="The value is 12 <!channel>.",
    html="<p>The value is <b>12</b>.</p>",
    link="https://penstock.example.org/api/alerts/1",
    mood=Mood.BAD,
    data={"event": "alert_state_change", "alert": {"id": 1, "n": 12}, "url_base": "x", "metadata": {}},
)

CHAT = f"*(TRIGGERED) Many\r\nerrors &lt;b&gt;*\nThe value is 12 &lt;!channel&gt;.\n{TOLD.link}"


async def create(owner: httpx2.AsyncClient, kind: str, **options: Any) -> dict[str, Any]:
    answer = await owner.post(ALL, json={"name": f"To {kind}", "type": kind, "options": options})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def tell(ctx: Context, **to: int) -> None:
    async with ctx.db.control.transaction() as conn:
        org_id = await conn.value("SELECT id FROM penstock.orgs WHERE slug = 'main'")
        await notify(conn, org_id, TOLD, about="alert:1", **to)


async def deliveries(owner: httpx2.AsyncClient, made: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await owner.get(f"{ALL}/{made['id']}/deliveries")
    assert answer.status_code == 200, answer.text
    return answer.json()["results"]


async def settled(owner: httpx2.AsyncClient, made: dict[str, Any]) -> dict[str, Any]:
    async def done() -> bool:
        found = await deliveries(owner, made)
        return bool(found) and all(one["state"] != "pending" for one in found)

    await until(done)
    (found,) = await deliveries(owner, made)
    return found


async def test_a_letter(owner: httpx2.AsyncClient, ctx: Context, database: TestDatabase, post: Post) -> None:
    made = await create(owner, "email", addresses="jo@example.org, al@example.org")
    await tell(ctx, destination_id=made["id"])
    async with sending(database, **mailing(post)):
        found = await settled(owner, made)
    assert (found["state"], found["attempts"], found["error"]) == ("succeeded", 1, None)
    ((recipients, letter),) = post.got
    assert recipients == ["jo@example.org", "al@example.org"] and letter["From"] == FROM
    assert letter["Subject"] == "(TRIGGERED) Many errors <b>"
    assert letter["Message-ID"] == f"<{found['message_id']}@example.org>"
    text, page = letter.get_body(("plain",)), letter.get_body(("html",))
    assert text is not None and text.get_content().strip() == TOLD.text
    assert page is not None and page.get_content().strip() == TOLD.html
    # What it said is not kept.
    async with ctx.db.control.transaction() as conn:
        assert await conn.value("SELECT message FROM penstock.destination_messages") is None


async def test_a_mail_server_of_its_own(
    owner: httpx2.AsyncClient, ctx: Context, database: TestDatabase, post: Post
) -> None:
    made = await create(
        owner,
        "email",
        addresses="jo@example.org",
        smtp_host="localhost",
        smtp_port=post.port,
        smtp_security="none",
        smtp_username="me",
        smtp_password="right",
    )
    assert made["options"]["smtp_password"] == "--------"
    await tell(ctx, destination_id=made["id"])
    async with sending(database):
        assert (await settled(owner, made))["state"] == "succeeded"
    assert post.logins == [("me", "right")] and post.got[0][1]["From"] == "jo@example.org"


async def test_it_may_not_be_a_private_address(
    owner: httpx2.AsyncClient, ctx: Context, database: TestDatabase, post: Post, receiver: Receiver
) -> None:
    mine = {"smtp_host": "localhost", "smtp_port": post.port, "smtp_security": "none"}
    made = [
        await create(owner, "email", addresses="jo@example.org", **mine),
        await create(owner, "webhook", url=receiver.url),
        await create(owner, "slack", url=receiver.url),
    ]
    for one in made:
        await tell(ctx, destination_id=one["id"])
    strict = configured(database, OutboundSettings(outbound_private_addresses="forbid"))
    async with sending(strict, webhook_attempts=1):
        for one in made:
            found = await settled(owner, one)
            assert found["state"] == "failed" and "may not go to" in found["error"]
    assert not post.got and not receiver.got


async def test_letters_that_are_put_off_or_refused(
    owner: httpx2.AsyncClient, ctx: Context, database: TestDatabase, post: Post
) -> None:
    post.put_off = 2
    made = await create(owner, "email", addresses="jo@example.org")
    await tell(ctx, destination_id=made["id"])
    async with sending(database, **mailing(post)):
        assert (await settled(owner, made))["attempts"] == 3
    assert post.tried == 3 and len(post.got) == 1
    post.refused = {"gone@example.org": "550 No such person"}
    some = await owner.post(
        ALL,
        json={"name": "Some", "type": "email", "options": {"addresses": "gone@example.org jo@example.org"}},
    )
    none = await owner.post(
        ALL, json={"name": "None", "type": "email", "options": {"addresses": "gone@example.org"}}
    )
    for one in (some, none):
        await tell(ctx, destination_id=one.json()["id"])
    async with sending(database, **mailing(post)):
        for one in (some, none):
            found = await settled(owner, one.json())
            assert (found["state"], found["attempts"]) == ("failed", 1) and "gone@example.org (550)" in found[
                "error"
            ]
    assert len(post.got) == 2, "the other one has it, once"


async def test_to_a_person(
    owner: httpx2.AsyncClient, ctx: Context, database: TestDatabase, post: Post
) -> None:
    user = (await owner.get("/api/session")).json()["user"]
    await tell(ctx, user_id=user["id"])
    async with sending(database, **mailing(post)):
        await until(lambda: len(post.got) == 1)
    assert post.got[0][0] == [user["email"]]


async def test_without_a_mail_server(owner: httpx2.AsyncClient, ctx: Context, database: TestDatabase) -> None:
    made = await create(owner, "email", addresses="jo@example.org")
    await tell(ctx, destination_id=made["id"])
    async with sending(database, webhook_attempts=2):
        found = await settled(owner, made)
    assert (found["state"], found["attempts"]) == ("failed", 2) and "`mail_host`" in found["error"]


async def test_a_webhook(
    owner: httpx2.AsyncClient, ctx: Context, database: TestDatabase, receiver: Receiver
) -> None:
    receiver.statuses = [500, 204]
    made = await create(owner, "webhook", url=receiver.url, username="me", password="mine")
    assert made["options"] == {
        "url": receiver.url, "username": "me", "password": "--------", "secret": "--------",
    }  # fmt: skip
    await tell(ctx, destination_id=made["id"])
    async with sending(database):
        found = await settled(owner, made)
    assert (found["state"], found["attempts"], found["status_code"]) == ("succeeded", 2, 204)
    for headers, body, _ in receiver.got:
        assert verify(made["secret"], headers, body) and headers["webhook-id"] == found["message_id"]
        assert headers["authorization"] == f"Basic {base64.b64encode(b'me:mine').decode()}"
        assert msgspec.json.decode(body) == TOLD.data


@pytest.mark.parametrize(
    ("kind", "options", "path", "shown"),
    [
        ("slack", {}, "attachments.0.text", "The value is 12 &lt;!channel&gt;."),
        ("mattermost", {"channel": "ops"}, "channel", "ops"),
        ("discord", {}, "allowed_mentions.parse", []),
        ("microsoft_teams_webhook", {}, "attachments.0.content.body.1.text", TOLD.text),
        ("hangouts_chat", {}, "text", CHAT),
    ],
)  # fmt: skip
async def test_chats(
    owner: httpx2.AsyncClient,
    ctx: Context,
    database: TestDatabase,
    receiver: Receiver,
    kind: str,
    options: dict[str, Any],
    path: str,
    shown: Any,
) -> None:
    made = await create(owner, kind, url=receiver.url, **options)
    assert made["options"] == {"url": "--------", **options}
    await tell(ctx, destination_id=made["id"])
    async with sending(database):
        assert (await settled(owner, made))["state"] == "succeeded"
    found = msgspec.json.decode(receiver.got[0][1])
    for step in path.split("."):
        found = found[int(step)] if step.isdigit() else found[step]
    assert found == shown


async def test_a_test_tells_at_once(owner: httpx2.AsyncClient, receiver: Receiver) -> None:
    made = await create(owner, "webhook", url=receiver.url)
    answer = await owner.post(f"{ALL}/{made['id']}/test")
    assert answer.json() == {"ok": True, "message": "success"} and len(receiver.got) == 1
    receiver.statuses = [404]
    answer = await owner.post(f"{ALL}/{made['id']}/test")
    assert answer.json() == {"ok": False, "message": "The receiver answered 404."}
    nobody = await owner.post(
        ALL,
        json={"name": "x", "type": "webhook", "options": {"url": f"http://localhost:{free_port()}/"}},
    )
    answer = await owner.post(f"{ALL}/{nobody.json()['id']}/test")
    assert answer.json() == {"ok": False, "message": "No connection came about."}


async def test_gone_is_the_end(
    owner: httpx2.AsyncClient, ctx: Context, database: TestDatabase, receiver: Receiver
) -> None:
    receiver.statuses = [410]
    made = await create(owner, "discord", url=receiver.url)
    await tell(ctx, destination_id=made["id"])
    async with sending(database):
        found = await settled(owner, made)
    assert (found["state"], found["attempts"], found["status_code"]) == ("failed", 1, 410)
