"""Letters to people about their accounts: the link in one is made when it is sent, so that none lies about before."""

from __future__ import annotations

import html
from typing import Final

import msgspec

from penstock import identity
from penstock.identity import Letter, LetterWanted, Purpose
from penstock.kit import errors, jobs
from penstock.kit.context import Context
from penstock.kit.db import Connection
from penstock.kit.events import Events
from penstock.kit.jobs import Handler, Job, Run
from penstock.kit.links import Links
from penstock.kit.outbound import OutboundSettings
from penstock.notifications.destinations.kinds.base import Envelope
from penstock.notifications.destinations.kinds.email import mail
from penstock.notifications.destinations.models import Message
from penstock.notifications.mail import server_of
from penstock.notifications.sending import NotSent
from penstock.notifications.settings import NotificationsSettings

# Title, what it says before the link, and after it.
_WORDS: Final = {
    Purpose.INVITE: (
        "You are invited to {org}",
        "You are invited to {org} on Penstock. Choose a password here:",
        "Whoever has this link can accept the invitation, once.",
    ),
    Purpose.RESET: (
        "Another password for {org}",
        "Somebody, perhaps you, has asked to set another password for your account in {org} on Penstock:",
        "If it was not you, there is nothing to do: without this link the password stays what it is.",
    ),
    Purpose.VERIFY: (
        "Confirm your address",
        "This is the address of your account in {org} on Penstock from now on. Confirm that you read it:",
        "If you know of no such account, pass this letter over.",
    ),
}


class Wanted(msgspec.Struct, omit_defaults=True):
    """The payload: to whom, and for what."""

    purpose: Purpose
    org_id: int | None = None
    user_id: int | None = None
    email: str | None = None


SEND: Final = Job("letters.send", Wanted, attempts=10, time_limit=120.0, first_delay=5.0, longest_delay=600.0)


def install(ctx: Context) -> None:
    """Where a mail server is known, letters that are wanted are sent."""
    if server_of(ctx.settings(NotificationsSettings)) is not None:
        ctx.get(Events).subscribe(LetterWanted, _send_soon)


async def _send_soon(conn: Connection, event: LetterWanted) -> None:
    # An address that is nobody's makes the same work for the request as one that is somebody's.
    wanted = Wanted(event.purpose, event.org_id, event.user_id, event.email)
    await jobs.defer(conn, SEND, wanted, org_id=event.org_id)


async def deliver(ctx: Context, run: Run[Wanted]) -> None:
    wanted = run.payload
    found = await identity.written(
        ctx, LetterWanted(wanted.purpose, wanted.org_id, wanted.user_id, wanted.email)
    )
    if found is None:
        return
    envelope = Envelope(
        _message(ctx, wanted.purpose, found),
        f"letter_{run.id}",
        ctx.settings(NotificationsSettings),
        ctx.settings(OutboundSettings),
    )
    try:
        await mail([found.email], envelope)
    except NotSent as error:
        raise (errors.Terminal if error.final else errors.Transient)(str(error)) from error


def _message(ctx: Context, purpose: Purpose, letter: Letter) -> Message:
    title, before, after = (text.format(org=letter.org) for text in _WORDS[purpose])
    link = ctx.get(Links).to(purpose.value, letter.token)
    hello = f"Hello {letter.name},"
    page = "".join(f"<p>{html.escape(line)}</p>" for line in (hello, before))
    page += f'<p><a href="{html.escape(link)}">{html.escape(link)}</a></p><p>{html.escape(after)}</p>'
    text = f"{hello}\n\n{before}\n\n{link}\n\n{after}\n"
    return Message(event=f"account.{purpose.value}", title=title, text=text, html=page)


HANDLERS: Final = (Handler(SEND, deliver),)
