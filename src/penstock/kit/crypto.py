"""Keys and what is done with them: encryption at rest (AES-256-GCM with key ids) and digests of secrets.

Signing of tokens lives in `identity`; this module only holds the key ring that both use.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_NONCE_BYTES = 12


class UnknownKey(ValueError):
    """The encryption key is not one this installation knows."""


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Named 256-bit keys; the first signs and encrypts, all of them verify and decrypt."""

    keys: tuple[tuple[str, bytes], ...]

    @property
    def current(self) -> tuple[str, bytes]:
        return self.keys[0]

    def get(self, key_id: str) -> bytes | None:
        return next((key for name, key in self.keys if name == key_id), None)

    def encrypt(self, text: str, *, context: str) -> str:
        """`key id.nonce.ciphertext`; `context` must be the same at decryption (it binds a value to its place)."""
        key_id, key = self.current
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = AESGCM(key).encrypt(nonce, text.encode(), context.encode())
        return f"{key_id}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def decrypt(self, sealed: str, *, context: str) -> str:
        """Raises `UnknownKey` when the key is unknown or the value was not sealed for this context."""
        key_id, _, body = sealed.partition(".")
        key = self.get(key_id)
        if key is None:
            raise UnknownKey(f"Encryption key '{key_id}' is not known to this installation.")
        raw = base64.urlsafe_b64decode(body)
        try:
            return AESGCM(key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], context.encode()).decode()
        except InvalidTag as error:
            raise UnknownKey(f"Encryption key '{key_id}' is not the one that sealed this value.") from error

    @classmethod
    def parse(cls, text: str) -> KeyRing:
        """`id:base64,id:base64`, newest first; raises ValueError with what is wrong."""
        keys: list[tuple[str, bytes]] = []
        for item in filter(None, (part.strip() for part in text.split(","))):
            key_id, _, encoded = item.partition(":")
            try:
                key = base64.b64decode(encoded, altchars=b"-_", validate=True)
            except ValueError:
                key = b""
            if not key_id or "." in key_id or len(key) != KEY_BYTES:
                raise ValueError(
                    "A key is written `id:key`, the key being 32 bytes in base64; several are separated by commas."
                )
            keys.append((key_id, key))
        if not keys:
            raise ValueError("At least one key is needed.")
        return cls(tuple(keys))

    def print(self) -> str:
        return ",".join(f"{key_id}:{base64.b64encode(key).decode()}" for key_id, key in self.keys)


@dataclass(frozen=True, slots=True)
class Keys:
    """The two rings of an installation."""

    signing: KeyRing
    encryption: KeyRing


def new_ring() -> KeyRing:
    return KeyRing(((secrets.token_hex(4), secrets.token_bytes(KEY_BYTES)),))


def load_keys(path: Path, signing: str | None = None, encryption: str | None = None) -> Keys:
    """Read the key file, making it (0600) on first use; text given by the environment takes its place."""
    if signing and encryption:
        return Keys(KeyRing.parse(signing), KeyRing.parse(encryption))
    if not path.exists():
        _write_new(path, {"signing": new_ring().print(), "encryption": new_ring().print()})
    stored = json.loads(path.read_text())
    return Keys(
        KeyRing.parse(signing or stored["signing"]), KeyRing.parse(encryption or stored["encryption"])
    )


def rotate_keys(path: Path) -> None:
    """Put a new key in front of each ring; the old ones stay for verifying and decrypting."""
    stored = json.loads(path.read_text())
    _replace(path, {name: f"{new_ring().print()},{text}" for name, text in stored.items()})


def digest(secret: str) -> bytes:
    """SHA-256 of a secret that is itself random, which is how keys are stored and looked up."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _write_new(path: Path, content: dict[str, str]) -> None:
    """Two servers may start at once: the first file linked into place wins and the other is read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = _draft(path, content)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _replace(path: Path, content: dict[str, str]) -> None:
    _draft(path, content).replace(path)


def _draft(path: Path, content: dict[str, str]) -> Path:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    return draft
