"""`Idempotency-Key`: a write that is sent again is answered again, and done once.

The answer is kept in the transaction of the write, so it exists exactly when the write does
(https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/).
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from penstock.identity import Principal
from penstock.kit import errors
from penstock.kit.db import Connection
from penstock.tables.records.shape import Answer

MAX_LENGTH = 255
USED_OTHERWISE = "This Idempotency-Key was used for another request."
_A_FEW = 20  # kept answers that each request clears away, so that none need wait for the hourly job

_CLAIM = """
INSERT INTO penstock.idempotency_keys (org_id, principal, key, request, fingerprint, status, body)
VALUES ($1, $2, $3, $4, $5, 0, '') ON CONFLICT DO NOTHING RETURNING true
"""
_STORED = """
SELECT request, fingerprint, status, body, etag FROM penstock.idempotency_keys
WHERE org_id = $1 AND principal = $2 AND key = $3
"""
_KEEP = """
UPDATE penstock.idempotency_keys SET status = $4, body = $5, etag = $6
WHERE org_id = $1 AND principal = $2 AND key = $3
"""
_FORGET = """
DELETE FROM penstock.idempotency_keys WHERE ctid IN (
    SELECT ctid FROM penstock.idempotency_keys WHERE created_at < now() - make_interval(secs => $1)
    ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED)
"""


@dataclass(frozen=True, slots=True)
class Once:
    """A request that names itself. `fingerprint` is the digest of its query and body."""

    org_id: int
    principal: str
    key: str
    request: str
    fingerprint: bytes


def identify(principal: Principal, key: str, request: str, query: bytes, body: bytes) -> Once:
    """Raises `Invalid` for a key that is empty or longer than 255 characters."""
    if not 0 < len(key) <= MAX_LENGTH or "\0" in key:
        raise errors.Invalid({"Idempotency-Key": [f"A key has 1 to {MAX_LENGTH} characters."]})
    holder = f"key:{principal.key_id}" if principal.key_id else f"user:{principal.user_id}"
    digest = hashlib.sha256(query + b"\0" + body).digest()
    return Once(principal.org_id, holder, key, request, digest)


async def forget(conn: Connection, keep_seconds: int, most: int) -> int:
    """Delete answers that have been kept long enough."""
    return await conn.execute(_FORGET, keep_seconds, most)


async def perform(
    conn: Connection, once: Once, keep_seconds: int, work: Callable[[], Awaitable[Answer]]
) -> Answer:
    """The answer of `work`, or the one it gave before. Raises `Conflict` when the key was used for something else.

    A second request with the same key waits here until the first has committed.
    """
    identity = (once.org_id, once.principal, once.key)
    await forget(conn, keep_seconds, _A_FEW)
    claimed = await conn.value(_CLAIM, *identity, once.request, once.fingerprint)
    if not claimed:
        stored = await conn.row(_STORED, *identity)
        if stored is None or stored["request"] != once.request or stored["fingerprint"] != once.fingerprint:
            raise errors.Conflict(
                USED_OTHERWISE,
                hint="Give every request a key of its own.",
            )
        return Answer(stored["status"], zlib.decompress(stored["body"]), stored["etag"])
    answer = await work()
    await conn.execute(_KEEP, *identity, answer.status, zlib.compress(answer.body, 1), answer.etag)
    return answer
