# Generated from _async/typed.py by scripts/async_to_sync.py; change that file instead.

"""The records of a table as models of its own; `penstock gen types` writes the classes that derive from this one."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar, cast

import msgspec

from penstock_sdk._answer import Answer
from penstock_sdk._filters import Expression
from penstock_sdk._pages import Page
from penstock_sdk._rows import Many, One, names_on_the_wire
from penstock_sdk._sync.client import Client
from penstock_sdk._sync.resources.base import matching
from penstock_sdk._sync.resources.records import RecordQuery, Records

R = TypeVar("R", bound=msgspec.Struct)
C = TypeVar("C", bound=msgspec.Struct)
U = TypeVar("U", bound=msgspec.Struct)
# The server's largest page.
_LARGEST_PAGE = 1000


class _Unread(Records):
    """Records whose answers are left unread, for models to be read from."""

    @classmethod
    def of(cls, records: Records) -> _Unread:
        return cls(records._transport, records._path)

    def one(self, key: Any) -> Answer:
        return self._transport.request("GET", self._of(key))

    def stored(self, rows: Any, idempotency_key: str | None) -> Answer:
        head = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        return self._transport.request("POST", self._path, body=rows, headers=head)

    def changed(self, key: Any, changes: Any, if_match: str | None) -> Answer:
        head = {**matching(if_match), "Idempotency-Key": str(uuid.uuid4())}
        return self._transport.request("PATCH", self._of(key), body=changes, headers=head)

    def found(self, query: RecordQuery, *paging: tuple[str, str]) -> Answer:
        chosen = query._selection
        params = [*chosen.conditions(), *chosen.shape(), *paging]
        return self._transport.request("GET", self._path, params=params)


class TypedTable(Generic[R, C, U]):
    """One table: `R` is a record, `C` what a new one is made of, `U` changes to one.

    `records` is the same table without types, for everything that has no method here.
    """

    _table: ClassVar[str]
    _record: ClassVar[Any]
    # Names in Python that are others on the wire.
    _renamed: ClassVar[Mapping[str, str]]

    def __init__(self, client: Client, app: str) -> None:
        self.records = client.app(app).table(self._table).records
        self._rows = _Unread.of(self.records)

    def get(self, key: Any) -> R:
        """One record by its key, a tuple where several fields are the key. A NotFoundError when there is none."""
        return self._one(self._rows.one(key))

    def create(self, row: C, *, idempotency_key: str | None = None) -> R:
        """Creates one record; gives it as stored."""
        return self._one(self._rows.stored(row, idempotency_key))

    def create_many(self, rows: Sequence[C], *, idempotency_key: str | None = None) -> Sequence[R]:
        """Creates several records in one transaction; gives them as stored, in the same order."""
        return self._many(self._rows.stored(list(rows), idempotency_key)).data

    def update(self, key: Any, changes: U, *, if_match: str | None = None) -> R:
        """Changes fields of one record; gives it as stored."""
        return self._one(self._rows.changed(key, changes, if_match))

    def delete(self, key: Any, *, if_match: str | None = None) -> None:
        """Deletes one record. A NotFoundError when there is none."""
        self.records.delete(key, if_match=if_match)

    def _page(self, query: RecordQuery, page: int, page_size: int) -> Page[R]:
        paging = (("page", str(page)), ("page_size", str(page_size)))
        found = self._many(self._rows.found(query, *paging))
        total = found.total or 0
        return Page(found.data, page, total, page * page_size < total)

    def _each(self, query: RecordQuery, *, ranked: bool) -> Iterator[R]:
        """All of them, by keyset; in the order of a search's rank the pages are counted instead."""
        size = ("limit", str(_LARGEST_PAGE))
        after, offset = "", 0
        while True:
            place = ("offset", str(offset)) if ranked else ("after", after)
            page = self._many(self._rows.found(query, size, ("count", "none"), place))
            yield from page.data
            offset += len(page.data)
            if (len(page.data) < _LARGEST_PAGE) if ranked else (page.next_cursor is None):
                return
            after = page.next_cursor or ""

    def _query(
        self,
        filters: Mapping[str, Any],
        order_by: str | Sequence[str] = (),
        search: str | None = None,
        where: Expression | None = None,
    ) -> RecordQuery:
        query: RecordQuery = self.records.filter(**names_on_the_wire(filters, self._renamed))
        if where is not None:
            query = query.where(where)
        if search is not None:
            query = query.search(search)
        fields = [order_by] if isinstance(order_by, str) else order_by
        return query.order_by(*fields) if fields else query

    def _one(self, answer: Answer) -> R:
        return cast("R", answer.as_type(One[self._record]).data)

    def _many(self, answer: Answer) -> Many[R]:
        return answer.as_type(Many[self._record])
