"""A real mail server in process, and a worker that sends without long pauses."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from penstock.kit.jobs import Handler, Worker
from penstock.notifications.destinations.jobs import deliver
from penstock.notifications.destinations.service import SEND
from penstock.notifications.settings import NotificationsSettings
from penstock.server.settings import Settings
from tests.conftest import free_port
from tests.databases import TestDatabase
from tests.kit.jobs.conftest import working
from tests.notifications.conftest import receiver
from tests.tables.conftest import callers, owner

__all__ = ["callers", "owner", "receiver"]
SENDING = Handler(replace(SEND, first_delay=0.05, longest_delay=0.1), deliver)
FROM = "Penstock <penstock@example.org>"


@dataclass
class Post:
    """What arrived, and what to answer: refusals by address, and how many letters to put off."""

    got: list[tuple[list[str], EmailMessage]] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    put_off: int = 0
    tried: int = 0
    logins: list[tuple[str, str]] = field(default_factory=list)
    port: int = 0

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.tried += 1
        if self.put_off:
            self.put_off -= 1
            return "451 Come again"
        letter = message_from_bytes(envelope.content, policy=default)
        assert isinstance(letter, EmailMessage)
        self.got.append((envelope.rcpt_tos, letter))
        return "250 Taken"

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=data.password == b"right", handled=False)


@contextmanager
def mail_server(**given: Any) -> Iterator[Post]:
    made = Post()
    controller = Controller(
        made,
        hostname="localhost",
        port=free_port(),
        authenticator=made.authenticate,
        **{"auth_require_tls": False, **given},
    )
    controller.start()
    made.port = controller.port
    yield made
    controller.stop()


@pytest.fixture
def post() -> Iterator[Post]:
    with mail_server() as made:
        yield made


def configured(database: TestDatabase, **given: Any) -> TestDatabase:
    section = NotificationsSettings(**given)
    return replace(
        database, settings=Settings({**database.settings.sections, NotificationsSettings: section})
    )


def mailing(post: Post, **more: Any) -> dict[str, Any]:
    return {
        "mail_host": "localhost",
        "mail_port": post.port,
        "mail_security": "none",
        "mail_from": FROM,
        **more,
    }


@asynccontextmanager
async def sending(database: TestDatabase, **settings: Any) -> AsyncIterator[Worker]:
    async with working(configured(database, **settings), (SENDING,)) as worker:
        yield worker
