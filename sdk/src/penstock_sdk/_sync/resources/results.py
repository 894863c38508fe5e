# Generated from _async/resources/results.py by scripts/async_to_sync.py; change that file instead.

"""Stored results: their rows page by page or as a stream, their files, and tables made of them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import IO, Any

import msgspec

from penstock_sdk import _arrow, _json
from penstock_sdk._errors import ConnectionFailedError, UnavailableError, UnexpectedAnswerError
from penstock_sdk._files import OnBytes, PathOrFile, save, writing
from penstock_sdk._query_models import ResultColumn, ResultInfo, result_of
from penstock_sdk._results import RESUMED, ResultFormat, result_format_of
from penstock_sdk._sync.resources.base import Resource, segment
from penstock_sdk._sync.transport import Transport

_PAGE = 2000
_LARGEST = 10_000  # rows of a page, which the server does not exceed
_PATH = "/api/query_results/"


class QueryResult:
    """A stored result. It never changes: a page, a file or a second look at it runs nothing.

    Iterating it gives its rows, fetched page by page; `stream` gives them in one answer, which is faster.
    """

    def __init__(self, transport: Transport, info: ResultInfo) -> None:
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

    def page(self, number: int = 1, size: int = 100) -> list[dict[str, Any]]:
        """The rows of one page, from 1; none after the end."""
        return (self._fetch(number, size))[1]

    def pages(self, size: int = _PAGE) -> Iterator[list[dict[str, Any]]]:
        """Every page in turn, of 10,000 rows at most."""
        size, number = min(size, _LARGEST), 1
        while True:
            info, rows = self._fetch(number, size)
            if rows:
                yield rows
            # A server that knows no pages has given everything.
            if len(rows) != size or info.count is None or number * size >= info.count:
                return
            number += 1

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for page in self.pages():
            yield from page

    def all(self) -> list[dict[str, Any]]:
        """Every row, as a list."""
        return list(self)

    def stream(self) -> Iterator[dict[str, Any]]:
        """Every row, as one answer brings them; a reader may be slow, but not stop for a minute."""
        with self._transport.stream("GET", self._file("ndjson")) as answer:
            for line in answer.iter_lines():
                if line:
                    yield _row(line, decimals=self._transport.decimals)

    def export(self, format: ResultFormat, *, raw: bool = True) -> Iterator[bytes]:
        """The result as a file, piece by piece. Without `raw`, instants in CSV are shortened for people."""
        yield from self._pieces(format, raw, 0)

    def download(
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
            return self._fill(target, kind, raw, on_bytes)

    def to_arrow(self) -> Any:
        """A pyarrow table. Numbers of PostgreSQL's type `numeric` are text, with all their digits."""
        _arrow.require_arrow()
        held = io.BytesIO()
        self._fill(held, "arrow", True, None)
        return _arrow.table_of(held.getbuffer())

    def to_pandas(self) -> Any:
        """A pandas DataFrame, in which every number with a fraction is a float."""
        return _arrow.pandas_of(self.to_arrow(), self.columns)

    def to_polars(self) -> Any:
        """A polars DataFrame, in which every number with a fraction is a float."""
        return _arrow.polars_of(self.to_arrow(), self.columns)

    def _fetch(self, number: int, size: int) -> tuple[ResultInfo, list[dict[str, Any]]]:
        params = [("page", str(number)), ("page_size", str(size))]
        path = f"{_PATH}{segment(self.id)}"
        return result_of((self._transport.request("GET", path, params=params)).json())

    def _fill(self, target: IO[bytes], kind: ResultFormat, raw: bool, on_bytes: OnBytes | None) -> int:
        start = target.tell() if target.seekable() else None
        done = attempt = 0
        while True:
            try:
                for piece in self._pieces(kind, raw, done):
                    save(target, piece)
                    done += len(piece)
                    if on_bytes is not None:
                        on_bytes(done)
            except (ConnectionFailedError, UnavailableError):
                if (done and start is None and kind not in RESUMED) or not self._transport.pause(attempt):
                    raise
                attempt += 1
                if kind not in RESUMED and start is not None:
                    target.seek(start)
                    target.truncate()
                    done = 0
            else:
                return done

    def _pieces(self, kind: ResultFormat, raw: bool, done: int) -> Iterator[bytes]:
        """The bytes after the first `done` ones."""
        # A part of a file is a part of what is stored, which compression on the way would change.
        headers = {"Accept-Encoding": "identity", "Range": f"bytes={done}-"} if done else {}
        params = [("raw", "1")] if raw else []
        with self._transport.stream("GET", self._file(kind), params=params, headers=headers) as answer:
            if done and answer.status_code != 206:
                raise UnexpectedAnswerError(
                    "The connection broke, and the server does not go on where it did."
                )
            yield from answer.iter_bytes()

    def _file(self, kind: ResultFormat) -> str:
        return f"{_PATH}{segment(self.id)}.{kind}"


class QueryResults(Resource):
    """Stored results by their number."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport, _PATH)

    def get(self, result_id: int) -> QueryResult:
        """A stored result. A NotFoundError when there is none, or its rows are not for the caller."""
        params = [("page", "1"), ("page_size", "1")]
        answer = self._transport.request("GET", f"{self._path}{segment(result_id)}", params=params)
        return QueryResult(self._transport, result_of(answer.json())[0])


def _row(line: str, *, decimals: bool) -> dict[str, Any]:
    try:
        return _json.decode(line.encode(), decimals=decimals)
    except msgspec.DecodeError as error:
        raise UnexpectedAnswerError(f"A row of the result starts with {line[:80]!r}.") from error
