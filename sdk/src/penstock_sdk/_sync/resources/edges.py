# Generated from _async/resources/edges.py by scripts/async_to_sync.py; change that file instead.

"""The edges between the records of one table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, overload

from penstock_sdk._keys import key_segment
from penstock_sdk._pages import Graph, RecordPage
from penstock_sdk._sync.transport import Transport

Edge = Mapping[str, Any]


class Edges:
    """Edges of a table with a hierarchy or graph. One is `{"from": child, "to": parent, "type": ...}`."""

    def __init__(self, transport: Transport, path: str) -> None:
        self._transport = transport
        self._path = path

    def list(
        self,
        *,
        from_id: Any = None,
        to_id: Any = None,
        types: Sequence[str] = (),
        page: int = 1,
        page_size: int = 100,
    ) -> RecordPage:
        """A page of edges, the oldest first: all, or those that come from or lead to a record."""
        params = [("page", str(page)), ("page_size", str(page_size))]
        params += [("from_id", str(from_id))] if from_id is not None else []
        params += [("to_id", str(to_id))] if to_id is not None else []
        params += [("types", ",".join(types))] if types else []
        found: Any = (self._transport.request("GET", self._path, params=params)).json()
        return RecordPage(found["data"], found["total"], page, page_size)

    @overload
    def create(self, edges: Edge) -> dict[str, Any]: ...
    @overload
    def create(self, edges: Sequence[Edge]) -> list[dict[str, Any]]: ...
    def create(self, edges: Edge | Sequence[Edge]) -> Any:
        """Creates one edge, or several of which all are created or none."""
        body: Any = dict(edges) if isinstance(edges, Mapping) else [dict(one) for one in edges]
        return (self._transport.request("POST", self._path, body=body)).json()["data"]

    def update(self, edge_id: int, changes: Edge) -> dict[str, Any]:
        """Changes `from`, `to`, `type` or `metadata` of an edge. A NotFoundError when there is none."""
        path = f"{self._path}{key_segment(edge_id)}/"
        return (self._transport.request("PATCH", path, body=dict(changes))).json()["data"]

    def delete(self, edge_ids: Iterable[int]) -> int:
        """Deletes edges; gives how many there were."""
        body = {"edge_ids": [*edge_ids]}
        return int((self._transport.request("DELETE", self._path, body=body)).json()["deleted"])

    def path(
        self,
        start: Any,
        end: Any,
        *,
        types: Sequence[str] = (),
        direction: str = "forward",
        depth: int | None = None,
    ) -> Graph | None:
        """A shortest way from one record to another, in order; None when there is none.

        `direction` is `forward` (as edges point), `backward` or `any`.
        """
        params = [("from", str(start)), ("to", str(end)), ("direction", direction)]
        params += [("types", ",".join(types))] if types else []
        params += [("depth", str(depth))] if depth is not None else []
        found: Any = (self._transport.request("GET", f"{self._path}path/", params=params)).json()["data"]
        return None if found is None else Graph(found["nodes"], found["edges"])
