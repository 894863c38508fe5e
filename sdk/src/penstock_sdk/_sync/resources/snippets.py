# Generated from _async/resources/snippets.py by scripts/async_to_sync.py; change that file instead.

"""Pieces of SQL that the people of an org share."""

from __future__ import annotations

from penstock_sdk._query_models import Snippet
from penstock_sdk._sync.resources.base import Resource, given, segment
from penstock_sdk._sync.transport import Transport

# Inside the class `list` is its method.
_Snippets = list[Snippet]


class Snippets(Resource):
    """Snippets; who made one, and admins, change it."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport, "/api/query_snippets")

    def list(self) -> _Snippets:
        """All of them."""
        return (self._transport.request("GET", self._path)).as_type(_Snippets)

    def get(self, snippet_id: int) -> Snippet:
        """One by its number. A NotFoundError when there is none."""
        return (self._transport.request("GET", self._of(snippet_id))).as_type(Snippet)

    def create(self, trigger: str, snippet: str, *, description: str = "") -> Snippet:
        """A new one; `trigger` is what calls it up, and no other's."""
        body = {"trigger": trigger, "snippet": snippet, "description": description}
        return (self._transport.request("POST", self._path, body=body)).as_type(Snippet)

    def update(
        self,
        snippet_id: int,
        *,
        trigger: str | None = None,
        snippet: str | None = None,
        description: str | None = None,
    ) -> Snippet:
        """Changes what is given."""
        body = given(trigger=trigger, snippet=snippet, description=description)
        return (self._transport.request("POST", self._of(snippet_id), body=body)).as_type(Snippet)

    def delete(self, snippet_id: int) -> None:
        """Deletes it."""
        self._transport.request("DELETE", self._of(snippet_id))

    def _of(self, snippet_id: int) -> str:
        return f"{self._path}/{segment(snippet_id)}"
