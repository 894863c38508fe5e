"""E-mail over encrypted connections: the certificate must be that of the name, whatever the address."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from penstock.kit.outbound import OutboundSettings
from penstock.notifications import Message, mail
from penstock.notifications.mail import MailServer, write
from penstock.notifications.sending import NotSent
from tests.notifications.destinations.conftest import Post, mail_server

pytestmark = pytest.mark.anyio
TOLD = Message(event="test", title="Title", text="Text", html="<p>Text</p>")
TO = ["jo@example.org"]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of `localhost`, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("certificate") / "localhost.pem"
    form = serialization.Encoding.PEM
    plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(key.private_bytes(form, *plain) + made.public_bytes(form))
    return path


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if an authority had signed it."""
    context = ssl.create_default_context(cafile=str(certificate))
    monkeypatch.setattr(mail, "_trusted", lambda: context)


@pytest.fixture(params=["starttls", "tls"])
def encrypted(request: pytest.FixtureRequest, certificate: Path) -> Iterator[tuple[str, Post]]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    given: dict[str, Any] = {"auth_require_tls": request.param == "starttls"}
    given["tls_context" if request.param == "starttls" else "ssl_context"] = context
    with mail_server(**given) as made:
        yield request.param, made


async def send(security: str, port: int, host: str = "localhost", password: str = "right") -> None:
    server = MailServer(host, port, "me", password, security, "penstock@example.org")
    letter = mail.write(TOLD, "msg_1", server.sender, TO)
    await mail.send(letter, TO, server, OutboundSettings(), 10)


async def test_it_arrives(encrypted: tuple[str, Post], trusted: None) -> None:
    security, post = encrypted
    await send(security, post.port)
    assert [recipients for recipients, _ in post.got] == [TO] and post.logins == [("me", "right")]


async def test_whom_nobody_vouches_for_gets_nothing(encrypted: tuple[str, Post]) -> None:
    security, post = encrypted
    with pytest.raises(NotSent):
        await send(security, post.port)
    assert not post.got and not post.logins


async def test_the_name_must_be_right(encrypted: tuple[str, Post], trusted: None) -> None:
    security, post = encrypted
    with pytest.raises(NotSent):
        await send(security, post.port, "127.0.0.1")
    assert not post.got and not post.logins


async def test_a_wrong_password(encrypted: tuple[str, Post], trusted: None) -> None:
    security, post = encrypted
    with pytest.raises(NotSent, match="answered 535"):
        await send(security, post.port, password="wrong")
    assert not post.got


@pytest.mark.parametrize(
    "title",
    [
        "=?utf-8?q?x=0D=0ABcc:_spy@example.com?= hi",
        "=?utf-8?b?DQpCY2M6IHNweUBleGFtcGxlLmNvbQ==?=",
        "a\r\nBcc: spy@example.com",
        "=\x01?utf-8?q?=0ABcc:_spy@example.com?=",
        "==??utf-8?q?=0ABcc:_spy@example.com?=",
    ],
)
def test_a_title_is_one_line(title: str) -> None:
    told = Message(event="e", title=title, text="x", html="<p>x</p>")
    raw = write(told, "msg_1", "penstock@example.com", ["jo@example.com"]).as_bytes()
    read = message_from_bytes(raw)
    assert read["Bcc"] is None and read["Date"] and "\n" not in read["Subject"]
    assert raw.split(b"\nFrom:")[0].count(b"\n") == 0
