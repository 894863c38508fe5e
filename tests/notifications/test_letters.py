"""Letters to people about their accounts, by a real mail server in process."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from penstock.kit.jobs import Handler
from penstock.notifications.letters import SEND, deliver
from penstock.server.app import create_app
from penstock.server.worker import build_context, close_context, open_context
from tests.conftest import client_of
from tests.databases import TestDatabase
from tests.kit.jobs.conftest import working
from tests.notifications.destinations import conftest as destinations
from tests.notifications.destinations.conftest import Post, configured, mailing

pytestmark = pytest.mark.anyio
post = destinations.post
SENDING = Handler(replace(SEND, first_delay=0.05, longest_delay=0.1), deliver)
NEW = "another password of theirs"


@asynccontextmanager
async def served(
    database: TestDatabase, post: Post
) -> AsyncIterator[tuple[httpx2.AsyncClient, httpx2.AsyncClient]]:
    """The owner and nobody, of a server that sends mail."""
    mails = configured(database, **mailing(post))
    context = build_context(mails.logins, mails.keys, mails.settings)
    await open_context(context)
    edge = create_app(context)
    await edge.start()
    try:
        async with working(mails, (SENDING,)), client_of(edge) as owner, client_of(edge, None) as nobody:
            yield owner, nobody
    finally:
        await edge.stop()
        await close_context(context)


async def letter(post: Post, number: int) -> tuple[str, str, str]:
    """To whom, the title, and the path of the link."""
    async with asyncio.timeout(20):
        while len(post.got) < number:
            await asyncio.sleep(0.02)
    (to,), found = post.got[number - 1]
    body = found.get_body(("plain",))
    assert body is not None
    text = body.get_content()
    link = re.search(r"http://[^/]+(/\S+)", text)
    assert link, text
    return to, found["subject"], link[1]


async def test_letters(database: TestDatabase, post: Post) -> None:
    async with served(database, post) as (owner, nobody):
        invited: dict[str, Any] = {"name": "Grace Hopper", "email": "grace@example.org"}
        made = (await owner.post("/api/users", json=invited)).json()
        assert "invite_link" not in made and made["is_email_verified"] is False
        to, title, path = await letter(post, 1)
        assert (to, title.startswith("You are invited to"), path[:8]) == (
            "grace@example.org",
            True,
            "/invite/",
        )
        assert "invite_link" not in (await owner.post(f"/api/users/{made['id']}/invite")).json()
        _, _, again = await letter(post, 2)
        signed = (await nobody.post(again, json={"password": NEW})).json()
        assert (await nobody.post(path, json={"password": NEW})).status_code == 400
        by_letter = {"Authorization": f"Bearer {signed['access']}"}
        user = (await nobody.get(f"/api/users/{made['id']}", headers=by_letter)).json()
        assert user["is_email_verified"] is True and user["is_invitation_pending"] is False

        # Whether or not somebody has the address, the answer is the same, and so is what it does at first.
        answers = [
            await nobody.post("/forgot", json={"email": email})
            for email in ("none@example.org", "GRACE@example.org")
        ]
        assert [one.status_code for one in answers] == [200, 200] and answers[0].content == answers[1].content
        to, _, path = await letter(post, 3)
        assert (to, path[:7]) == ("grace@example.org", "/reset/")
        assert (await nobody.post(path, json={"password": NEW})).status_code == 200

        # Another address is to be confirmed.
        changed = await owner.post(f"/api/users/{made['id']}", json={"email": "new@example.org"})
        assert changed.json()["is_email_verified"] is False
        key = {"Authorization": f"Key {made['api_key']}"}
        assert (await nobody.get("/api/session", headers=key)).json()["messages"] == ["email-not-verified"]
        to, _, path = await letter(post, 4)
        assert (to, path[:8]) == ("new@example.org", "/verify/")
        for _ in range(2):
            assert (await nobody.get(path)).json()["email"] == "new@example.org"
        assert (await nobody.get("/api/session", headers=key)).json()["messages"] == []

        # Others may have somebody's key, and are not to have the letters that open the account.
        mine = f"/api/users/{made['id']}"
        for method, body in (
            ("POST", {"email": "x@example.org"}),
            ("POST", {"email": "x@example.org", "old_password": "wrong"}),
            ("PATCH", {"email": "x@example.org"}),
        ):
            assert (await nobody.request(method, mine, json=body, headers=key)).status_code == 403
        me = (await owner.get("/api/users/me")).json()["id"]
        assert (await owner.patch(f"/api/users/{me}", json={"email": "x@example.org"})).status_code == 403
        by_it = {"email": "mine@example.org", "old_password": NEW}
        assert (await nobody.post(mine, json=by_it, headers=key)).status_code == 200
        assert (await letter(post, 5))[0] == "mine@example.org"

        # Naming the same address again confirms nothing, and letters to strangers are few.
        await owner.post(f"/api/users/{made['id']}", json={"email": "newer@example.org"})
        await letter(post, 6)
        await owner.patch(f"/api/users/{made['id']}", json={"email": "newer@example.org"})
        assert (await nobody.get("/api/session", headers=key)).json()["messages"] == ["email-not-verified"]
        moved = [
            (await owner.patch(f"/api/users/{made['id']}", json={"email": f"n{n}@example.org"})).status_code
            for n in range(10)
        ]
        assert (moved[0], moved[-1]) == (200, 429)
        before = 6 + moved.count(200)
        await letter(post, before)

        # With `no_invite` the link is in the answer, and no letter is sent.
        other = {"name": "Ada", "email": "ada@example.org"}
        ada = (await owner.post("/api/users", params={"no_invite": "1"}, json=other)).json()
        assert ada["invite_link"] and ada["is_email_verified"] is True
        reset = (await owner.post(f"/api/users/{ada['id']}/reset_password")).json()["reset_link"]
        to, _, path = await letter(post, before + 1)
        assert to == "ada@example.org" and reset
        # Who is disabled gets none.
        await owner.post(f"/api/users/{ada['id']}/disable")
        assert (await nobody.post("/forgot", json={"email": "ada@example.org"})).status_code == 200
        statuses = [
            (await nobody.post("/forgot", json={"email": "so@example.org"})).status_code for _ in range(8)
        ]
        assert statuses[0] == 200 and statuses[-1] == 429
    assert len(post.got) == before + 1
