"""Pieces of SQL that the people of an org share."""

from __future__ import annotations

from penstock_sdk._async.resources.base import AsyncResource, given, segment
from penstock_sdk._async.transport import AsyncTransport
from penstock_sdk._query_models import Snippet

# Inside the class `list` is its method.
_Snippets = list[Snippet]


class AsyncSnippets(AsyncResource):
    """Snippets; who made one, and admins, change it."""

    def __init__(self, transport: AsyncTransport) -> None:
        super().__init__(transport, "/api/query_snippets")

    async def list(self) -> _Snippets:
        """All of them."""
        return (await self._transport.request("GET", self._path)).as_type(_Snippets)

    async def get(self, snippet_id: int) -> Snippet:
        """One by its number. A NotFoundError when there is none."""
        return (await self._transport.request("GET", self._of(snippet_id))).as_type(Snippet)

    async def create(self, trigger: str, snippet: str, *, description: str = "") -> Snippet:
        """A new one; `trigger` is what calls it up, and no other's."""
        body = {"trigger": trigger, "snippet": snippet, "description": description}
        return (await self._transport.request("POST", self._path, body=body)).as_type(Snippet)

    async def update(
        self,
        snippet_id: int,
        *,
        trigger: str | None = None,
        snippet: str | None = None,
        description: str | None = None,
    ) -> Snippet:
        """Changes what is given."""
        body = given(trigger=trigger, snippet=snippet, description=description)
        return (await self._transport.request("POST", self._of(snippet_id), body=body)).as_type(Snippet)

    async def delete(self, snippet_id: int) -> None:
        """Deletes it."""
        await self._transport.request("DELETE", self._of(snippet_id))

    def _of(self, snippet_id: int) -> str:
        return f"{self._path}/{segment(snippet_id)}"
