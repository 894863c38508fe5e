"""The few pieces of SQL text that setting up roles needs and that cannot be bound."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

_SCRAM_ROUNDS = 4096


def quote(name: str) -> str:
    """An identifier, quoted."""
    return '"' + name.replace('"', '""') + '"'


def scram(password: str) -> str:
    """The SCRAM-SHA-256 verifier PostgreSQL stores (RFC 5803); so no password passes through a statement or a log."""
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _SCRAM_ROUNDS)
    client = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")

    def text(raw: bytes) -> str:
        return base64.b64encode(raw).decode()

    return f"SCRAM-SHA-256${_SCRAM_ROUNDS}:{text(salt)}${text(client)}:{text(server)}"
