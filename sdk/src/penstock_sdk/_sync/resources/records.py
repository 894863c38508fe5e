# Generated from _async/resources/records.py by scripts/async_to_sync.py; change that file instead.

"""The records of one table: reading by a query built step by step, writing one, many, or streams of rows.

What a query asks for is decided in `_query`; this module sends it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, Self, overload

from penstock_sdk import _json
from penstock_sdk._answer import Answer
from penstock_sdk._batches import BulkProgress, chunks, located
from penstock_sdk._changes import EVENTS, Change, Events, read_change
from penstock_sdk._errors import (
    ConnectionFailedError,
    GatewayTimeoutError,
    PenstockError,
    RateLimitedError,
    UnauthorizedError,
    UnavailableError,
    UnexpectedAnswerError,
)
from penstock_sdk._files import OnBytes, PathOrFile, format_of, pieces, reading, save, writing
from penstock_sdk._imports import FileFormat, Imported, ImportProgress, read_import
from penstock_sdk._keys import key_list, key_segment
from penstock_sdk._models import Record
from penstock_sdk._pages import Graph, RecordPage, Upserted
from penstock_sdk._query import Direction, QueryBuilder, Selection
from penstock_sdk._sync.resources.base import matching
from penstock_sdk._sync.transport import Transport

Row = Mapping[str, Any]
OnProgress = Callable[[BulkProgress], None]
# The server's largest page.
_LARGEST_PAGE = 1000


class RecordQuery(QueryBuilder):
    """A query on the records of a table; iterate it, or ask for a page, a count or the first record."""

    __slots__ = ("_path", "_transport")

    def __init__(self, transport: Transport, path: str, selection: Selection | None = None) -> None:
        super().__init__(selection or Selection())
        self._transport = transport
        self._path = path

    def _with(self, selection: Selection) -> Self:
        return type(self)(self._transport, self._path, selection)

    def fetch(self) -> RecordPage:
        """The one page that was chosen; the first when none was."""
        chosen = self._selection
        answer = self._transport.request(
            "GET", self._path, params=[*chosen.conditions(), *chosen.shape(), *chosen.paging()]
        )
        return _page(answer)

    def count(self) -> int:
        """How many records match; of an aggregate, how many groups there are."""
        chosen = self._selection
        params = [*chosen.conditions(), *chosen.groups(), ("_count", "true"), ("page_size", "1")]
        return int((self._transport.request("GET", self._path, params=params)).json()["total"])

    def first(self) -> dict[str, Any] | None:
        """The first record in order, or None."""
        chosen = replace(self._selection, page=None, size=None, limit=1, count="none")
        params = [*chosen.conditions(), *chosen.shape(), *chosen.paging()]
        rows = (self._transport.request("GET", self._path, params=params)).json()["data"]
        return rows[0] if rows else None

    def pages(self) -> Iterator[RecordPage]:
        """Pages up to the last, by keyset: rows that come or go meanwhile neither repeat nor hide others.

        After `page` or `offset`, of groups, and in the order of a search's rank or of nearness, the pages are counted
        instead.
        `limit` bounds the rows of all pages together.
        """
        chosen = self._selection
        if chosen.page is not None or chosen.walk:
            yield self.fetch()
            return
        left = chosen.limit
        size = min(chosen.size or _LARGEST_PAGE, _LARGEST_PAGE)
        cursor, offset = "", chosen.offset
        if chosen.groups() or chosen.near or (chosen.search is not None and not chosen.ordering):
            offset = offset or 0
        while left is None or left > 0:
            wanted = size if left is None else min(size, left)
            answer = self._transport.request("GET", self._path, params=self._step(wanted, cursor, offset))
            page = _page(answer)
            yield page
            if left is not None:
                left -= len(page.data)
            if offset is not None:
                offset += len(page.data)
                if len(page.data) < wanted:
                    return
            elif page.next_cursor is None:
                return
            else:
                cursor = page.next_cursor

    def _step(self, size: int, cursor: str, offset: int | None) -> list[tuple[str, str]]:
        chosen = self._selection
        # A total for every page would cost more than the pages.
        where = [("limit", str(size)), ("count", chosen.count or "none")]
        where.append(("after", cursor) if offset is None else ("offset", str(offset)))
        return [*chosen.conditions(), *chosen.shape(), *where]

    def tree(self) -> list[dict[str, Any]]:
        """The records as trees along their edges, nested in `children`; from the roots when none were picked."""
        return (self._formed("tree"))["data"]

    def graph(self) -> Graph:
        """The records and what edges lead to, as nodes and edges."""
        found = (self._formed("graph"))["data"]
        return Graph(found["nodes"], found["edges"])

    def _formed(self, form: str) -> Any:
        chosen = self._selection
        params = [*chosen.conditions(), *chosen.shape(), *chosen.paging(), ("format", form)]
        return (self._transport.request("GET", self._path, params=params)).json()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for page in self.pages():
            yield from page.data

    def all(self) -> list[dict[str, Any]]:
        """Every matching record, as a list; bound it by `limit`, or iterate when there may be many."""
        rows: list[dict[str, Any]] = []
        for page in self.pages():
            rows += page.data
        return rows

    def changes(
        self, since: str | None = None, *, follow: bool = True, on_cursor: Callable[[str], None] | None = None
    ) -> Iterator[Change]:
        """What becomes of the records, for tables that keep their changes; each change at least once.

        Goes on for ever, over broken connections too; with `follow=False` it ends with what there is. `since` is
        the cursor of a change, or `start` for the oldest one kept; without it the changes from now on come.
        `on_cursor` is told how far the feed is read, also past changes that are not for this query. A ConflictError
        with code `CURSOR_EXPIRED` says that changes in between are no longer kept: read the table anew.
        """
        path = f"{self._path}changes/"
        cursor = since
        if follow:
            yield from self._followed(path, cursor, on_cursor)
            return
        has_more = True
        while has_more:
            params = [*self._selection.conditions(), ("limit", str(_LARGEST_PAGE))]
            params += [("since", cursor)] if cursor else []
            page = (self._transport.request("GET", path, params=params)).json()
            for raw in page["data"]:
                yield read_change(raw)
            cursor, has_more = str(page["next_cursor"]), page["has_more"]
            if on_cursor is not None:
                on_cursor(cursor)

    def _followed(
        self, path: str, cursor: str | None, on_cursor: Callable[[str], None] | None
    ) -> Iterator[Change]:
        attempt = 0
        while True:
            events = Events(cursor, decimals=self._transport.decimals)
            params = [*self._selection.conditions(), *([("since", cursor)] if cursor else [])]
            try:
                with self._transport.stream("GET", path, params=params, headers=EVENTS) as answer:
                    for piece in answer.iter_bytes():
                        yield from events.read(piece)
                        if events.cursor is not None and events.cursor != cursor:
                            cursor, attempt = events.cursor, 0
                            if on_cursor is not None:
                                on_cursor(cursor)
            except UnauthorizedError:
                # Asks once more in a way that renews a login.
                self._transport.request("GET", path, params=[("limit", "1")])
                if attempt:
                    raise
            except (ConnectionFailedError, RateLimitedError, UnavailableError, GatewayTimeoutError):
                if not self._transport.pause(attempt):
                    raise
            else:
                # Ended by the server, which says why when it is asked again.
                if not self._transport.pause(min(attempt, 1)):
                    return
            attempt += 1

    def export(self, format: FileFormat) -> Iterator[bytes]:
        """All matching records as a file, piece by piece, in one snapshot; `limit` bounds them."""
        chosen = self._selection
        params = [*chosen.conditions(), *chosen.shape(), ("format", format)]
        if chosen.limit is not None:
            params.append(("limit", str(chosen.limit)))
        path = f"{self._path}export/"
        with self._transport.stream("GET", path, params=params) as answer:
            yield from answer.iter_bytes()

    def export_file(
        self, file: PathOrFile, format: FileFormat | None = None, *, on_bytes: OnBytes | None = None
    ) -> int:
        """Writes all matching records to a file, in the format that its name says; gives the number of bytes.

        A path is replaced when all records have come; a file that is open is written as they come. `on_bytes` is
        told how many bytes are written so far.
        """
        done = 0
        kind = format_of(file, format)
        with writing(file) as target:
            for piece in self.export(kind):
                save(target, piece)
                done += len(piece)
                if on_bytes is not None:
                    on_bytes(done)
        return done


class Records(RecordQuery):
    """The records of one table: a query that matches all of them, and the ways to change them.

    A record is named by its key: a value, or a tuple of values in key order.
    """

    __slots__ = ()

    def _with(self, selection: Selection) -> Any:
        return RecordQuery(self._transport, self._path, selection)

    def get(self, key: Any, *, fields: Sequence[str] = (), populate: Sequence[str] = ()) -> Record:
        """One record, with its entity tag unless it is populated. A NotFoundError when there is none."""
        lists = {"fields": fields, "populate": populate}
        params = [(name, ",".join(names)) for name, names in lists.items() if names]
        answer = self._transport.request("GET", self._of(key), params=params)
        return Record(answer.json()["data"], answer.etag)

    def related(
        self,
        key: Any,
        include: Direction = "both",
        *,
        depth: int | None = None,
        types: Sequence[str] = (),
        fields: Sequence[str] = (),
    ) -> dict[str, Any]:
        """One record in `data`, and beside it a list for each relation that edges say, the nearest first."""
        params = [("include", include)]
        params += [("depth", str(depth))] if depth is not None else []
        params += [("relationship_type", ",".join(types))] if types else []
        params += [("fields", ",".join(fields))] if fields else []
        return (self._transport.request("GET", self._of(key), params=params)).json()["data"]

    @overload
    def create(self, rows: Row, *, idempotency_key: str | None = None) -> dict[str, Any]: ...
    @overload
    def create(self, rows: Sequence[Row], *, idempotency_key: str | None = None) -> list[dict[str, Any]]: ...
    def create(self, rows: Row | Sequence[Row], *, idempotency_key: str | None = None) -> Any:
        """Creates one record, or several in one transaction; gives the rows as stored, in input order."""
        return (self._write("POST", self._path, rows, key=idempotency_key)).json()["data"]

    def update(
        self, key: Any, changes: Row, *, if_match: str | None = None, idempotency_key: str | None = None
    ) -> dict[str, Any]:
        """Changes fields of one record. A PreconditionFailedError when it has left the state `if_match`."""
        answer = self._write("PATCH", self._of(key), changes, key=idempotency_key, headers=matching(if_match))
        return answer.json()["data"]

    def update_many(self, rows: Sequence[Row], *, idempotency_key: str | None = None) -> list[dict[str, Any]]:
        """Changes several records, each row naming its key, in one transaction."""
        return (self._write("PATCH", self._path, list(rows), key=idempotency_key)).json()["data"]

    def upsert(
        self,
        rows: Row | Sequence[Row],
        *,
        unique_fields: Sequence[str] = (),
        idempotency_key: str | None = None,
    ) -> Upserted:
        """Creates each row, or changes the one with equal `unique_fields` (the key when none are given)."""
        params = [("unique_fields", ",".join(unique_fields))] if unique_fields else []
        answer = self._write("POST", f"{self._path}upsert/", rows, key=idempotency_key, params=params)
        body = answer.json()
        if isinstance(body["data"], list):
            return Upserted(body["data"], int(body["created"]), int(body["updated"]))
        return Upserted([body["data"]], int(body["created"]), int(not body["created"]))

    def delete(self, key: Any, *, if_match: str | None = None) -> None:
        """Deletes one record. A NotFoundError when there is none."""
        self._write("DELETE", self._of(key), None, headers=matching(if_match))

    def delete_many(
        self, *, ids: Iterable[Any] | None = None, filter: Row | RecordQuery | None = None
    ) -> int:
        """Deletes the records with these keys, or those that meet a filter; gives their number.

        `filter` is a mapping such as `{"status": "draft"}` or a query; an empty one is refused.
        """
        if (ids is None) == (filter is None):
            raise ValueError("delete_many needs either ids or filter")
        if ids is not None:
            params = [("ids", key_list(ids))]
        else:
            tree = filter._selection.deletion() if isinstance(filter, RecordQuery) else dict(filter or {})
            params = [("filter", _json.encode(tree).decode())]
        return int((self._write("DELETE", self._path, None, params=params)).json()["deleted"])

    def bulk_create(
        self,
        rows: Iterable[Row],
        *,
        chunk: int = 5000,
        on_progress: OnProgress | None = None,
    ) -> int:
        """Creates any number of records, `chunk` in a request; gives their number.

        Each request is one transaction. When one is refused the earlier ones stay: the error says in `rows`
        which rows are bad, counted from the first of all, and `on_progress` has told how many were stored.
        """
        return self._in_chunks("POST", self._path, chunks(rows, chunk), on_progress)

    def bulk_update(
        self,
        rows: Iterable[Row],
        *,
        chunk: int = 5000,
        on_progress: OnProgress | None = None,
    ) -> int:
        """Changes any number of records, each row naming its key; otherwise as `bulk_create`."""
        return self._in_chunks("PATCH", self._path, chunks(rows, chunk), on_progress)

    def bulk_upsert(
        self,
        rows: Iterable[Row],
        *,
        unique_fields: Sequence[str] = (),
        chunk: int = 5000,
        on_progress: OnProgress | None = None,
    ) -> int:
        """Upserts any number of records; otherwise as `bulk_create`."""
        params = [("unique_fields", ",".join(unique_fields))] if unique_fields else []
        return self._in_chunks(
            "POST", f"{self._path}upsert/", chunks(rows, chunk), on_progress, params=params
        )

    def import_(
        self,
        content: Iterable[bytes] | bytes,
        format: FileFormat,
        *,
        on_error: Literal["abort", "skip", "quarantine"] = "abort",
        mode: Literal["insert", "upsert"] = "insert",
        unique_fields: Sequence[str] = (),
        nulls: Sequence[str] = (),
        delimiter: str | None = None,
        on_progress: Callable[[ImportProgress], None] | None = None,
    ) -> Imported:
        """Stores the rows of a file of any size, sent as it is, in one transaction.

        A faulty row raises a BadRequestError or ConflictError and nothing is stored; with `on_error` faulty rows
        are left out, or kept in quarantine. `nulls` and `delimiter` are of CSV. `on_progress` is told every second.
        """
        params = [("format", format), ("on_error", on_error), ("mode", mode)]
        params += [("null", word) for word in nulls]
        if unique_fields:
            params.append(("unique_fields", ",".join(unique_fields)))
        if delimiter is not None:
            params.append(("delimiter", delimiter))
        headers = {"Accept": "application/x-ndjson", "Content-Type": "application/octet-stream"}
        path = f"{self._path}import/"
        with self._transport.stream("POST", path, params=params, content=content, headers=headers) as answer:
            for line in answer.iter_lines():
                told = read_import(line)
                if isinstance(told, Imported):
                    return told
                if on_progress is not None:
                    on_progress(told)
        raise UnexpectedAnswerError("The answer to the import ended before its last line.")

    def import_file(
        self,
        file: PathOrFile,
        format: FileFormat | None = None,
        *,
        on_error: Literal["abort", "skip", "quarantine"] = "abort",
        mode: Literal["insert", "upsert"] = "insert",
        unique_fields: Sequence[str] = (),
        nulls: Sequence[str] = (),
        delimiter: str | None = None,
        on_bytes: OnBytes | None = None,
        on_progress: Callable[[ImportProgress], None] | None = None,
    ) -> Imported:
        """Stores the rows of a file, in the format that its name says; otherwise as `import_`.

        `on_bytes` is told how many bytes are sent so far.
        """
        kind = format_of(file, format)
        with reading(file) as source:
            return self.import_(
                pieces(source, on_bytes),
                kind,
                on_error=on_error,
                mode=mode,
                unique_fields=unique_fields,
                nulls=nulls,
                delimiter=delimiter,
                on_progress=on_progress,
            )

    def _in_chunks(
        self,
        method: str,
        path: str,
        parts: Iterable[list[Row]],
        on_progress: OnProgress | None,
        params: Sequence[tuple[str, str]] = (),
    ) -> int:
        sent = 0
        for part in parts:
            try:
                self._write(method, path, part, params=params, headers={"Prefer": "return=minimal"})
            except PenstockError as error:
                raise located(error, sent) from None
            sent += len(part)
            if on_progress is not None:
                on_progress(BulkProgress(sent, len(part)))
        return sent

    def _write(
        self,
        method: str,
        path: str,
        rows: Row | Sequence[Row] | None,
        *,
        key: str | None = None,
        params: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        # The key makes the server answer a repeated request from memory, so that it may be sent again.
        head = {**(headers or {}), "Idempotency-Key": key or str(uuid.uuid4())}
        body = rows if rows is None or isinstance(rows, Mapping) else list(rows)
        return self._transport.request(
            method, path, params=params, body=dict(body) if isinstance(body, Mapping) else body, headers=head
        )

    def _of(self, key: Any) -> str:
        return f"{self._path}{key_segment(key)}/"


def _page(answer: Answer) -> RecordPage:
    body = answer.json()
    return RecordPage(
        body["data"], body.get("total"), body.get("page"), body.get("page_size"), body.get("next_cursor")
    )
