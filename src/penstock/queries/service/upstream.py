"""The verbs of the explorer dialect when another service runs its queries: keep the text, fetch the rows, page them.

The caller's key is the service's own. It goes there and nowhere else, is not kept, and is asked about again and again,
so that rows which are here already are not given for a key that the service no longer takes.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakValueDictionary

from penstock.kit import crypto, errors, ids, outbound
from penstock.kit.context import Context
from penstock.kit.outbound import OutboundSettings
from penstock.queries.results.models import StoredFile
from penstock.queries.results.reading import ResultFiles
from penstock.queries.service.explorer import new_slug
from penstock.queries.settings import QueriesSettings
from penstock.queries.store import upstream as store
from penstock.queries.upstream.client import Service
from penstock.queries.upstream.files import Fetching
from penstock.queries.upstream.rows import put_together

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

_PROOF: Final = "SELECT 1 AS one"
_AT_ONCE: Final = 4  # questions of a process to the service
_MOST: Final = 1000  # queries of a key
_KNOWN: Final = 10_000
_LEAST_TRUST: Final = 30.0  # seconds that a key which was good counts as good


class Bridge:
    """What a process knows of the service: keys that it took lately, and what is being fetched."""

    def __init__(self, ctx: Context, url: str) -> None:
        self._ctx = ctx
        self._service = Service(url)
        self._settings = ctx.settings(QueriesSettings)
        self._good: OrderedDict[bytes, float] = OrderedDict()
        self._fetching: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def create(self, key: str, text: str) -> str:
        """Keep a query for this key; gives its slug."""
        if len(text.encode("utf-8", "replace")) > self._settings.max_query_bytes:
            raise errors.BadRequest(f"The query is longer than {self._settings.max_query_bytes:,} bytes.")
        await self._require(key)
        length = 4
        while True:
            async with self._ctx.db.control.transaction() as conn:
                slug = new_slug(length)
                if await store.add_query(conn, slug, crypto.digest(key), text, _MOST):
                    return slug
            length += 1

    async def rows(self, key: str, slug: str, *, anew: bool) -> StoredFile:
        """The rows of a query; those that are there unless `anew`, and then too while they are fresh."""
        async with self._ctx.db.control.transaction() as conn:
            text = await store.query(conn, slug, crypto.digest(key))
        if text is None:
            raise errors.NotFound("Query not found")
        question = self._question(key, text)
        fresh = float(self._settings.explorer_fresh_seconds)
        found = await self._known(question, fresh if anew else None)
        if found is not None:
            await self._require(key)
            return found
        lock = self._fetching.setdefault(question, asyncio.Lock())
        async with lock:
            return await self._known(question, fresh) or await self._fetch(key, text, question)

    def _question(self, key: str, text: str) -> bytes:
        parts = (self._service.url.encode(), crypto.digest(key), text.encode("utf-8", "surrogatepass"))
        return sha256(b"".join(sha256(part).digest() for part in parts)).digest()

    async def _known(self, question: bytes, max_age: float | None) -> StoredFile | None:
        async with self._ctx.db.control.transaction() as conn:
            return await store.newest(conn, question, max_age)

    async def _require(self, key: str) -> None:
        """Raises `Unauthorized` for a key that the service does not take."""
        digest = crypto.digest(key)
        if self._good.get(digest, 0.0) < time.monotonic():
            async with self._asking() as (client, until):
                await self._run(client, key, _PROOF, until)

    async def _run(self, client: Any, key: str, text: str, until: float) -> list[str]:
        digest = crypto.digest(key)
        try:
            links = await self._service.run(client, key, text, until)
        except errors.Unauthorized:
            self._good.pop(digest, None)
            raise
        trust = max(float(self._settings.explorer_fresh_seconds), _LEAST_TRUST)
        self._good[digest] = time.monotonic() + trust
        self._good.move_to_end(digest)
        if len(self._good) > _KNOWN:
            self._good.popitem(last=False)
        return links

    async def _fetch(self, key: str, text: str, question: bytes) -> StoredFile:
        objects = self._ctx.get(ResultFiles).objects
        settings = self._settings
        async with self._asking() as (client, until), _aside() as paths:
            links = await self._run(client, key, text, until)
            paths += [objects.scratch(ids.lower(32)) for _ in links]
            limits = self._ctx.settings(OutboundSettings)
            fetching = Fetching(self._service.url, limits, settings.result_bytes, until)
            await fetching.all(client, links, paths)
            file = await asyncio.to_thread(
                put_together, paths, objects, settings.result_rows, settings.result_bytes
            )
        try:
            async with self._ctx.db.control.transaction() as conn:
                await store.add_rows(conn, question, file)
        except BaseException:
            await asyncio.to_thread(objects.delete, file.name)
            raise
        return file

    @asynccontextmanager
    async def _asking(self) -> AsyncGenerator[tuple[Any, float]]:
        """A client, and until when it may take."""
        import httpx2

        seconds = self._settings.query_timeout
        until = time.monotonic() + seconds
        try:
            async with (
                asyncio.timeout(seconds),
                self._room,
                httpx2.AsyncClient(
                    verify=outbound.trusted(), follow_redirects=False, trust_env=False
                ) as client,
            ):
                yield client, until
        except TimeoutError as error:
            raise errors.GatewayTimeout(f"Query execution timed out after {seconds:g}s") from error


@asynccontextmanager
async def _aside() -> AsyncGenerator[list[Path]]:
    """Files that are here for the moment; what a process leaves of them when it dies is swept with other halves."""
    paths: list[Path] = []
    try:
        yield paths
    finally:
        for path in paths:
            await asyncio.to_thread(path.unlink, missing_ok=True)
