"""Visualizations of saved queries, and their pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from penstock_sdk._async.resources.base import AsyncResource, given, segment
from penstock_sdk._async.transport import AsyncTransport
from penstock_sdk._query_models import Visualization
from penstock_sdk._results import Parameters, in_address


class AsyncVisualizations(AsyncResource):
    """How results are shown; a query lists its own."""

    def __init__(self, transport: AsyncTransport) -> None:
        super().__init__(transport, "/api/visualizations")

    async def create(
        self,
        query_id: int,
        type: str,
        name: str,
        *,
        options: Mapping[str, Any] | None = None,
        description: str | None = None,
    ) -> Visualization:
        """A new one of a query; `type` is `CHART`, `TABLE`, `COUNTER`, `PIVOT` or another."""
        body = {"query_id": query_id, "type": type, "name": name, "options": dict(options or {})}
        body["description"] = description or ""
        return (await self._transport.request("POST", self._path, body=body)).as_type(Visualization)

    async def update(
        self,
        visualization_id: int,
        *,
        name: str | None = None,
        type: str | None = None,
        options: Mapping[str, Any] | None = None,
        description: str | None = None,
    ) -> Visualization:
        """Changes what is given; `options` replace the old ones."""
        body = given(name=name, type=type, options=options, description=description)
        return (await self._transport.request("POST", self._of(visualization_id), body=body)).as_type(
            Visualization
        )

    async def delete(self, visualization_id: int) -> None:
        """Deletes a visualization, and the widgets that show it."""
        await self._transport.request("DELETE", self._of(visualization_id))

    async def picture(
        self,
        visualization_id: int,
        format: Literal["png", "svg"] = "png",
        *,
        parameters: Parameters | None = None,
        width: int | None = None,
        height: int | None = None,
        scale: float | None = None,
    ) -> bytes:
        """It as a picture of the newest stored result for these values. A NotFoundError when there is none."""
        sizes = given(width=width, height=height, scale=scale)
        params = [*in_address(parameters), *((name, str(value)) for name, value in sizes.items())]
        return (
            await self._transport.request("GET", f"{self._of(visualization_id)}.{format}", params=params)
        ).content

    async def chart(self, visualization_id: int, *, parameters: Parameters | None = None) -> dict[str, Any]:
        """The same as a Vega-Lite document with its data."""
        params = in_address(parameters)
        return (
            await self._transport.request("GET", f"{self._of(visualization_id)}.json", params=params)
        ).json()

    def _of(self, visualization_id: int) -> str:
        return f"{self._path}/{segment(visualization_id)}"
