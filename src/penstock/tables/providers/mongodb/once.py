"""`Idempotency-Key`: the answer is kept in the transaction of the write, so it exists exactly when the write does."""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo.errors import DuplicateKeyError

from penstock.kit import errors
from penstock.tables.providers.mongodb.failures import translated
from penstock.tables.providers.mongodb.servers import Place
from penstock.tables.providers.mongodb.writing import Writes
from penstock.tables.records.idempotency import USED_OTHERWISE, Once
from penstock.tables.records.shape import Answer

ANSWERS = "#answers"


async def prepare(place: Place) -> None:
    """MongoDB itself forgets the answers that have been kept long enough."""
    mark = (place.database.name, ANSWERS, "")
    if mark in place.server.ready:
        return
    with translated():
        await place.make(ANSWERS)
        await place.collection(ANSWERS).create_index("expires", expireAfterSeconds=0)
    place.server.ready.add(mark)


async def perform(
    writes: Writes, once: Once, keep_seconds: int, work: Callable[[Writes], Awaitable[Answer]]
) -> Answer:
    """The answer of `work`, or the one it gave before. Raises `Conflict` when the key was used for something else."""
    await prepare(writes.place)
    answers = writes.place.collection(ANSWERS)
    name = {"org": once.org_id, "principal": once.principal, "key": once.key}

    async def attempt(inner: Writes) -> Answer:
        claim: dict[str, Any] = {"_id": name, "request": once.request, "fingerprint": once.fingerprint}
        try:
            await answers.insert_one(claim, session=inner.session)
        except DuplicateKeyError as error:
            raise _Answered from error
        answer = await work(inner)
        kept = {
            "status": answer.status,
            "body": zlib.compress(answer.body, 1),
            "etag": answer.etag,
            "expires": datetime.now(UTC) + timedelta(seconds=keep_seconds),
        }
        await answers.update_one({"_id": name}, {"$set": kept}, session=inner.session)
        return answer

    try:
        return await writes.together(attempt)
    except _Answered:
        with translated():
            stored = await answers.find_one({"_id": name})
        if stored is None:
            raise errors.Contended from None
        if stored["request"] != once.request or stored["fingerprint"] != once.fingerprint:
            raise errors.Conflict(USED_OTHERWISE, hint="Give every request a key of its own.") from None
        return Answer(stored["status"], zlib.decompress(stored["body"]), stored["etag"])


class _Answered(Exception):
    """The key has been used."""
