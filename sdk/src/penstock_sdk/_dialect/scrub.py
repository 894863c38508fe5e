"""Searches the objects of a server and the results of its queries for terms, and says where they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from penstock_sdk._dialect.server import Dialect, Object, reason
from penstock_sdk._dialect.texts import texts_in, texts_of
from penstock_sdk._errors import NotFoundError, PenstockError

Advance = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Hit:
    """An object that has one of the terms, and in what."""

    kind: str
    id: Any
    url: str
    where: tuple[str, ...]


class Scrub:
    """One search. What cannot be read is told in `faults`, and the search goes on."""

    def __init__(
        self, server: Dialect, terms: Sequence[str], advance: Advance = lambda what, done, total: None
    ) -> None:
        self._server = server
        self._terms = [term.casefold() for term in terms]
        self._advance = advance
        self.faults: list[str] = []

    def hits(self) -> Iterator[Hit]:
        """Queries, dashboards, alerts and snippets."""
        yield from self._each("Queries", self._server.queries(archived=True), self._query)
        yield from self._each("Dashboards", self._server.dashboards(), self._dashboard)
        yield from self._each("Alerts", self._optional("alerts"), self._alert)
        yield from self._each("Snippets", self._optional("query_snippets"), self._snippet)

    def _optional(self, path: str) -> list[Object]:
        try:
            return self._server.optional(path)
        except PenstockError as error:
            self.faults.append(f"{path}: {reason(error)}")
            return []

    def _each(self, what: str, objects: Sequence[Object], search: Callable[[Object], Hit]) -> Iterator[Hit]:
        for done, one in enumerate(objects):
            self._advance(what, done, len(objects))
            found = search(one)
            if found.where:
                yield found
        self._advance(what, len(objects), len(objects))

    def _query(self, listed: Object) -> Hit:
        number = listed["id"]
        where = self._fields(listed, "name", "description", "tags")
        if self._has([listed.get("query") or ""]):
            where.append("text")
        if self._has(texts_in(listed.get("options"))):
            where.append("options")
        where += self._pictures(number, listed)
        result = listed.get("latest_query_data_id")
        if result is not None and self._in_result(
            f"query {number}, result {result}", f"query_results/{result}"
        ):
            where.append("result")
        return Hit("query", number, self._server.query_url(number), tuple(where))

    def _pictures(self, number: Any, listed: Object) -> list[str]:
        try:
            found: list[Object] = (
                listed["visualizations"]
                if "visualizations" in listed
                else self._server.query(number)["visualizations"]
            )
        except (PenstockError, KeyError) as error:
            self.faults.append(
                f"query {number}: {reason(error) if isinstance(error, PenstockError) else 'incomplete'}"
            )
            return []
        return [
            f"visualization {one['name']}"
            for one in found
            if self._has([one["name"], one.get("description") or "", *texts_in(one.get("options"))])
        ]

    def _in_result(self, what: str, path: str) -> bool:
        try:
            return self._has(texts_of(self._server.stream(path)))
        except NotFoundError:
            # It has gone since the list came.
            return False
        except PenstockError as error:
            self.faults.append(f"{what}: {reason(error)}")
            return False

    def _dashboard(self, listed: Object) -> Hit:
        where = self._fields(listed, "slug", "name", "tags")
        try:
            whole = self._server.dashboard(listed)
        except PenstockError as error:
            self.faults.append(f"dashboard {listed['slug']}: {reason(error)}")
        else:
            for widget in whole.get("widgets") or ():
                if self._has([widget.get("text") or ""]):
                    where.append(f"widget {widget['id']}")
                if self._has(texts_in(widget.get("options"))):
                    where.append(f"options of widget {widget['id']}")
        return Hit("dashboard", listed["id"], self._server.dashboard_url(listed), tuple(where))

    def _alert(self, listed: Object) -> Hit:
        where = self._fields(listed, "name")
        if self._has(texts_in(listed.get("options"))):
            where.append("options")
        return Hit("alert", listed["id"], f"{self._server.host}/alerts/{listed['id']}", tuple(where))

    def _snippet(self, listed: Object) -> Hit:
        where = self._fields(listed, "trigger", "description", "snippet")
        return Hit(
            "snippet", listed["id"], f"{self._server.host}/query_snippets/{listed['id']}", tuple(where)
        )

    def _fields(self, one: Mapping[str, Any], *names: str) -> list[str]:
        return [name for name in names if self._has(texts_in(one.get(name)))]

    def _has(self, texts: Iterable[str]) -> bool:
        return any(term in text.casefold() for text in texts for term in self._terms)
