"""E-mail: writing a letter, and handing it to a mail server in a thread, within a time and at an address looked at."""

from __future__ import annotations

import asyncio
import smtplib
import socket
import ssl
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, parseaddr
from functools import cache
from typing import Any, Final

from penstock.kit import errors, outbound
from penstock.kit.outbound import OutboundSettings
from penstock.notifications.destinations.models import Message
from penstock.notifications.sending import NotSent
from penstock.notifications.settings import NotificationsSettings

_STEP: Final = 10.0  # seconds that one answer may take
_TITLE: Final = 250
_threads: Final = ThreadPoolExecutor(8, thread_name_prefix="mail")


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed in. `security`: `starttls`, `tls` from the first byte, or `none`."""

    host: str
    port: int
    user: str | None
    password: str | None
    security: str
    sender: str


def server_of(settings: NotificationsSettings) -> MailServer | None:
    """The one of the settings; None when there is none."""
    if not settings.mail_host or not settings.mail_from:
        return None
    return MailServer(
        settings.mail_host,
        settings.mail_port,
        settings.mail_user,
        settings.mail_password,
        settings.mail_security,
        settings.mail_from,
    )


def write(message: Message, message_id: str, sender: str, recipients: Sequence[str]) -> EmailMessage:
    """As text, and as HTML for who reads that. The id is the same in every attempt."""
    letter = EmailMessage()
    letter["Subject"] = _subject(message.title)
    letter["From"] = sender
    letter["To"] = ", ".join(recipients)
    letter["Date"] = formatdate(localtime=False)
    letter["Message-ID"] = f"<{message_id}@{parseaddr(sender)[1].rpartition('@')[2] or 'localhost'}>"
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(message.text)
    letter.add_alternative(message.html, subtype="html")
    return letter


def _subject(title: str) -> str:
    """One line. What looks as if it were encoded would be decoded, line breaks included, and must not."""
    line = "".join(one if one.isprintable() else " " for one in title).replace("=?", "= ?")
    return " ".join(line.split())[:_TITLE]


async def send(
    letter: EmailMessage,
    recipients: Sequence[str],
    server: MailServer,
    limits: OutboundSettings | None,
    seconds: float,
) -> None:
    """`limits` say where it may go, for a server that a user has named. Raises `NotSent`."""
    address = server.host
    if limits is not None:
        try:
            address = (await outbound.addresses(server.host, server.port, limits))[0]
        except (errors.Transient, errors.Terminal) as error:
            raise NotSent(str(error)) from error
    session = _Session(server, address)
    work = asyncio.get_running_loop().run_in_executor(_threads, session.hand_in, letter, recipients)
    try:
        async with asyncio.timeout(seconds):
            await asyncio.shield(work)
    except TimeoutError as error:
        raise NotSent(f"The mail server did not take it within {seconds:g} seconds.") from error
    finally:
        # A thread cannot be stopped, but what it waits for can be ended.
        session.end()
        work.add_done_callback(_seen)


def _seen(work: asyncio.Future[None]) -> None:
    if not work.cancelled():
        work.exception()


class _Session:
    """A session with a mail server, in a thread of its own."""

    def __init__(self, server: MailServer, address: str) -> None:
        self._server = server
        self._address = address
        self._client: Any = None

    def hand_in(self, letter: EmailMessage, recipients: Sequence[str]) -> None:
        try:
            with self._open() as client:
                refused = client.send_message(letter, parseaddr(self._server.sender)[1], list(recipients))
        except smtplib.SMTPRecipientsRefused as error:
            final = all(code >= 500 for code, _ in error.recipients.values())
            sentence = f"The mail server refused the addresses: {_reasons(error.recipients)}."
            raise NotSent(sentence, final=final) from error
        except smtplib.SMTPResponseException as error:
            raise NotSent(f"The mail server answered {error.smtp_code}: {_text(error.smtp_error)}") from error
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise NotSent(f"The mail server could not be reached ({type(error).__name__}).") from error
        if refused:
            # It is on its way to the others, who must not get it twice.
            raise NotSent(f"The mail server refused some addresses: {_reasons(refused)}.", final=True)

    def _open(self) -> Any:
        server = self._server
        made = _AtAddressSsl if server.security == "tls" else _AtAddress
        given: dict[str, Any] = {"context": _trusted()} if server.security == "tls" else {}
        client = self._client = made(self._address, server.host, server.port, timeout=_STEP, **given)
        try:
            client.ehlo()
            if server.security == "starttls":
                client.starttls(context=_trusted())
            if server.user is not None:
                client.login(server.user, server.password or "")
        except BaseException:
            client.close()
            raise
        return client

    def end(self) -> None:
        found = getattr(self._client, "sock", None)
        if found is not None:
            with suppress(OSError):
                found.shutdown(socket.SHUT_RDWR)


class _AtAddress(smtplib.SMTP):
    """Connects to the address that was looked at; the name is that of the certificate."""

    def __init__(self, address: str, host: str, port: int, **given: Any) -> None:
        self._address = address
        super().__init__(host, port, **given)

    def _get_socket(self, host: str, port: int, timeout: Any) -> Any:
        return socket.create_connection((self._address, port), timeout)


class _AtAddressSsl(smtplib.SMTP_SSL):
    """As `_AtAddress`, encrypted from the first byte."""

    def __init__(self, address: str, host: str, port: int, **given: Any) -> None:
        self._address = address
        super().__init__(host, port, **given)

    def _get_socket(self, host: str, port: int, timeout: Any) -> Any:
        return self.context.wrap_socket(
            socket.create_connection((self._address, port), timeout), server_hostname=host
        )


@cache
def _trusted() -> ssl.SSLContext:
    return ssl.create_default_context()


def _reasons(refused: Any) -> str:
    return ", ".join(f"{address} ({code})" for address, (code, _) in dict(refused).items())[:300]


def _text(said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return " ".join(text.split())[:200]
