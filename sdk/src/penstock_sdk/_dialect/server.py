"""A server that speaks the dashboard dialect, Penstock or another: its objects as they come, which differ in detail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from penstock_sdk._errors import BadRequestError, NotFoundError, PenstockError, ServerError
from penstock_sdk._sync.client import Client

Object = dict[str, Any]
_PAGE_SIZE = 100


class Dialect:
    """The routes that the scripts need. Lists are read whole, each object once."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._by_slug: bool | None = None

    @property
    def host(self) -> str:
        return self._client.base_url

    def get(self, path: str, **params: str) -> Any:
        return self._client.request("GET", f"/api/{path}", params=list(params.items()))

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        return self._client.request("POST", f"/api/{path}", body=dict(body))

    def delete(self, path: str) -> Any:
        return self._client.request("DELETE", f"/api/{path}")

    def stream(self, path: str) -> Iterator[bytes]:
        return self._client.stream(f"/api/{path}")

    def listed(self, path: str) -> Iterator[Object]:
        """Everything in a list, by page. What moves to another page meanwhile comes once."""
        seen: set[Any] = set()
        number = 1
        while True:
            try:
                page = self.get(path, page=str(number), page_size=str(_PAGE_SIZE), order="created_at")
            except BadRequestError:
                # Shorter than it was when the page before came.
                if number > 1:
                    return
                raise
            for one in page["results"]:
                if one["id"] not in seen:
                    seen.add(one["id"])
                    yield one
            if not page["results"] or number * int(page["page_size"]) >= int(page["count"]):
                return
            number += 1

    def queries(self, *, archived: bool = False) -> list[Object]:
        """Every query in the order of its number."""
        found = {one["id"]: one for one in self.listed("queries")}
        if archived:
            found.update((one["id"], one) for one in self.listed("queries/archive"))
        return [found[number] for number in sorted(found)]

    def query(self, number: Any) -> Object:
        return self.get(f"queries/{number}")

    def dashboards(self) -> list[Object]:
        """Every dashboard in the order of its number; none where the server has none."""
        try:
            return sorted(self.listed("dashboards"), key=lambda one: one["id"])
        except NotFoundError:
            return []

    def dashboard(self, listed: Mapping[str, Any]) -> Object:
        """One of the list with its widgets: by slug where the server finds it so, by its number otherwise."""
        if self._by_slug is None:
            self._by_slug = self._found(listed, slug=True) is not None
        found = self._found(listed, slug=self._by_slug) or self._found(listed, slug=not self._by_slug)
        if found is None:
            raise NotFoundError(f"The dashboard {listed['slug']} is not found.", status=404)
        return found

    def _found(self, listed: Mapping[str, Any], *, slug: bool) -> Object | None:
        try:
            found = self.get(f"dashboards/{segment(listed['slug' if slug else 'id'])}")
        except (NotFoundError, ServerError):
            # Some fail where they should say that they find none.
            return None
        return found if found.get("id") == listed["id"] else None

    def dashboard_named(self, name: str) -> Object:
        """One by its slug, its number, or both as addresses have them."""
        path = f"dashboards/{segment(name)}"
        try:
            return self.get(path)
        except (NotFoundError, ServerError):
            pass
        return self.get(path, legacy="true")

    def dashboard_url(self, dashboard: Mapping[str, Any]) -> str:
        """Its page, as this server finds it."""
        slug = dashboard["slug"]
        name = f"{dashboard['id']}-{slug}" if self._by_slug is False else slug
        return f"{self.host}/dashboards/{name}"

    def query_url(self, number: Any) -> str:
        return f"{self.host}/queries/{number}"

    def source(self, number: int) -> Object:
        return self.get(f"data_sources/{number}")

    def sources(self) -> list[Object]:
        return self.get("data_sources")

    def optional(self, path: str) -> list[Object]:
        """A list that not every server has; nothing where there is none."""
        try:
            return self.get(path)
        except NotFoundError:
            return []


def part(one: Mapping[str, Any], name: str) -> Object:
    """An object in an object; an empty one where there is none."""
    found: Any = one.get(name)
    return found or {}


def parts(one: Mapping[str, Any], name: str) -> list[Object]:
    """A list of objects in an object; an empty one where there is none."""
    found: Any = one.get(name)
    return found or []


def segment(value: object) -> str:
    return quote(str(value), safe="")


def reason(error: PenstockError) -> str:
    return f"{error.status}: {error.message}" if error.status else error.message
