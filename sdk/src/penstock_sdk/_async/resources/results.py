"""Stored results: their rows page by page or as a stream, their files, and tables made of them."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from typing import IO, Any

import msgspec

from penstock_sdk import _arrow, _json
from penstock_sdk._async.resources.base import AsyncResource, segment
from penstock_sdk._async.transport import AsyncTransport
from penstock_sdk._errors import ConnectionFailedError, UnavailableError, UnexpectedAnswerError
from penstock_sdk._files import OnBytes, PathOrFile, async_save, writing
from penstock_sdk._query_models import ResultColumn, ResultInfo, result_of
from penstock_sdk._results import RESUMED, ResultFormat, result_format_of

_PAGE = 2000
_LARGEST = 10_000  # rows of a page, which the server does not exceed
_PATH = "/api/query_results/"


class AsyncQueryResult:
    """A stored result. It never changes: a page, a file or a second look at it runs nothing.

    Iterating it gives its rows, fetched page by page; `stream` gives them in one answer, which is faster.
    """

    def __init__(self, transport: AsyncTransport, info: ResultInfo) -> None:
        self._transport = transport
        self.info = info

    @property
    def id(self) -> int:
        return self.info.id

    @property
    def columns(self) -> list[ResultColumn]:
        return self.info.columns

    @property
    def count(self) -> int | None:
        """How many rows there are; None where the server does not say."""
        return self.info.count

    @property
    def truncated(self) -> bool:
        """Whether the query would have had more rows than the server keeps."""
        return self.info.truncated

    def __repr__(self) -> str:
        return f"QueryResult(id={self.id}, columns={[one.name for one in self.columns]}, count={self.count})"

    async def page(self, number: int = 1, size: int = 100) -> list[dict[str, Any]]:
        """The rows of one page, from 1; none after the end."""
        return (await self._fetch(number, size))[1]

    async def pages(self, size: int = _PAGE) -> AsyncIterator[list[dict[str, Any]]]:
        """Every page in turn, of 10,000 rows at most."""
        size, number = min(size, _LARGEST), 1
        while True:
            info, rows = await self._fetch(number, size)
            if rows:
                yield rows
            # A server that knows no pages has given everything.
            if len(rows) != size or info.count is None or number * size >= info.count:
                return
            number += 1

    async def __aiter__(self) -> AsyncIterator[dict[str, Any]]:
        async for page in self.pages():
            for row in page:
                yield row

    async def all(self) -> list[dict[str, Any]]:
        """Every row, as a list."""
        return [item async for item in self]

    async def stream(self) -> AsyncIterator[dict[str, Any]]:
        """Every row, as one answer brings them; a reader may be slow, but not stop for a minute."""
        async with self._transport.stream("GET", self._file("ndjson")) as answer:
            async for line in answer.aiter_lines():
                if line:
                    yield _row(line, decimals=self._transport.decimals)

    async def export(self, format: ResultFormat, *, raw: bool = True) -> AsyncIterator[bytes]:
        """The result as a file, piece by piece. Without `raw`, instants in CSV are shortened for people."""
        async for piece in self._pieces(format, raw, 0):
            yield piece

    async def download(
        self,
        file: PathOrFile,
        format: ResultFormat | None = None,
        *,
        raw: bool = True,
        on_bytes: OnBytes | None = None,
    ) -> int:
        """Writes the result to a file, in the format that its name says; gives the number of bytes.

        A path is replaced when all has come. After a broken connection an Arrow file goes on where it ended, and
        others begin anew. `on_bytes` is told how many bytes are written so far.
        """
        kind = result_format_of(file, format)
        with writing(file) as target:
            return await self._fill(target, kind, raw, on_bytes)

    async def to_arrow(self) -> Any:
        """A pyarrow table. Numbers of PostgreSQL's type `numeric` are text, with all their digits."""
        _arrow.require_arrow()
        held = io.BytesIO()
        await self._fill(held, "arrow", True, None)
        return _arrow.table_of(held.getbuffer())

    async def to_pandas(self) -> Any:
        """A pandas DataFrame, in which every number with a fraction is a float."""
        return _arrow.pandas_of(await self.to_arrow(), self.columns)

    async def to_polars(self) -> Any:
        """A polars DataFrame, in which every number with a fraction is a float."""
        return _arrow.polars_of(await self.to_arrow(), self.columns)

    async def _fetch(self, number: int, size: int) -> tuple[ResultInfo, list[dict[str, Any]]]:
        params = [("page", str(number)), ("page_size", str(size))]
        path = f"{_PATH}{segment(self.id)}"
        return result_of((await self._transport.request("GET", path, params=params)).json())

    async def _fill(self, target: IO[bytes], kind: ResultFormat, raw: bool, on_bytes: OnBytes | None) -> int:
        start = target.tell() if target.seekable() else None
        done = attempt = 0
        while True:
            try:
                async for piece in self._pieces(kind, raw, done):
                    await async_save(target, piece)
                    done += len(piece)
                    if on_bytes is not None:
                        on_bytes(done)
            except (ConnectionFailedError, UnavailableError):
                if (done and start is None and kind not in RESUMED) or not await self._transport.pause(
                    attempt
                ):
                    raise
                attempt += 1
                if kind not in RESUMED and start is not None:
                    target.seek(start)
                    target.truncate()
                    done = 0
            else:
                return done

    async def _pieces(self, kind: ResultFormat, raw: bool, done: int) -> AsyncIterator[bytes]:
        """The bytes after the first `done` ones."""
        # A part of a file is a part of what is stored, which compression on the way would change.
        headers = {"Accept-Encoding": "identity", "Range": f"bytes={done}-"} if done else {}
        params = [("raw", "1")] if raw else []
        async with self._transport.stream("GET", self._file(kind), params=params, headers=headers) as answer:
            if done and answer.status_code != 206:
                raise UnexpectedAnswerError(
                    "The connection broke, and the server does not go on where it did."
                )
            async for piece in answer.aiter_bytes():
                yield piece

    def _file(self, kind: ResultFormat) -> str:
        return f"{_PATH}{segment(self.id)}.{kind}"


class AsyncQueryResults(AsyncResource):
    """Stored results by their number."""

    def __init__(self, transport: AsyncTransport) -> None:
        super().__init__(transport, _PATH)

    async def get(self, result_id: int) -> AsyncQueryResult:
        """A stored result. A NotFoundError when there is none, or its rows are not for the caller."""
        params = [("page", "1"), ("page_size", "1")]
        answer = await self._transport.request("GET", f"{self._path}{segment(result_id)}", params=params)
        return AsyncQueryResult(self._transport, result_of(answer.json())[0])


def _row(line: str, *, decimals: bool) -> dict[str, Any]:
    try:
        return _json.decode(line.encode(), decimals=decimals)
    except msgspec.DecodeError as error:
        raise UnexpectedAnswerError(f"A row of the result starts with {line[:80]!r}.") from error
