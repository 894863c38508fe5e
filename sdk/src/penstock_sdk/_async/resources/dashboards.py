"""Dashboards, what is on them, and sharing them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from penstock_sdk._async.pages import AsyncPager
from penstock_sdk._async.resources.base import given, segment
from penstock_sdk._async.resources.people import AsyncOpenToPeople
from penstock_sdk._async.transport import AsyncTransport
from penstock_sdk._dashboard_models import Dashboard, Share, Widget


class AsyncDashboards(AsyncOpenToPeople):
    """The dashboards of an org that the caller may see."""

    def __init__(self, transport: AsyncTransport) -> None:
        super().__init__(transport, "/api/dashboards")

    def list(
        self,
        *,
        q: str | None = None,
        tags: Sequence[str] = (),
        order: str | None = None,
        which: Literal["all", "my", "favorites"] = "all",
        page_size: int = 100,
    ) -> AsyncPager[Dashboard]:
        """Dashboards, page by page: those that hold the words of `q` and carry all `tags`."""
        path = self._path if which == "all" else f"{self._path}/{which}"
        filters = [*given(q=q, order=order).items(), *(("tags", tag) for tag in tags)]
        return self._counted(path, Dashboard, page_size, filters)

    async def get(self, dashboard: int | str) -> Dashboard:
        """One by its slug or number, with its widgets. A NotFoundError when there is none."""
        return (await self._transport.request("GET", self._of(dashboard))).as_type(Dashboard)

    async def create(self, name: str) -> Dashboard:
        """A new one, an empty draft."""
        return (await self._transport.request("POST", self._path, body={"name": name})).as_type(Dashboard)

    async def update(
        self,
        dashboard_id: int,
        *,
        name: str | None = None,
        tags: Sequence[str] | None = None,
        options: Mapping[str, Any] | None = None,
        is_draft: bool | None = None,
        dashboard_filters_enabled: bool | None = None,
        version: int | None = None,
    ) -> Dashboard:
        """Changes what is given. A ConflictError when the dashboard has left `version`."""
        body = given(
            name=name,
            tags=tags,
            options=options,
            is_draft=is_draft,
            dashboard_filters_enabled=dashboard_filters_enabled,
            version=version,
        )
        return (await self._transport.request("POST", self._of(dashboard_id), body=body)).as_type(Dashboard)

    async def archive(self, dashboard: int | str) -> None:
        """Puts a dashboard out of the lists."""
        await self._transport.request("DELETE", self._of(dashboard))

    async def fork(self, dashboard_id: int) -> Dashboard:
        """A copy of the caller's own, which shows the same queries."""
        answer = await self._transport.request("POST", f"{self._of(dashboard_id)}/fork", body={})
        return answer.as_type(Dashboard)

    async def favorite(self, dashboard_id: int) -> None:
        """Marks a dashboard as one of the caller's favorites."""
        await self._transport.request("POST", f"{self._of(dashboard_id)}/favorite", body={})

    async def unfavorite(self, dashboard_id: int) -> None:
        """Takes the mark off."""
        await self._transport.request("DELETE", f"{self._of(dashboard_id)}/favorite")

    async def share(self, dashboard_id: int) -> Share:
        """Lets everybody see it who has the address."""
        return (await self._transport.request("POST", f"{self._of(dashboard_id)}/share", body={})).as_type(
            Share
        )

    async def unshare(self, dashboard_id: int) -> None:
        """Ends that; the address is worth nothing any more."""
        await self._transport.request("DELETE", f"{self._of(dashboard_id)}/share")

    async def add_widget(
        self,
        dashboard_id: int,
        visualization_id: int | None = None,
        *,
        text: str = "",
        options: Mapping[str, Any] | None = None,
        width: int = 1,
    ) -> Widget:
        """Puts a visualization on it, or a text; `options["position"]` says where."""
        body = {
            "dashboard_id": dashboard_id,
            "visualization_id": visualization_id,
            "text": text,
            "options": dict(options or {}),
            "width": width,
        }
        return (await self._transport.request("POST", "/api/widgets", body=body)).as_type(Widget)

    async def update_widget(self, widget_id: int, *, text: str, options: Mapping[str, Any]) -> Widget:
        """Gives a widget another text and other options."""
        body = {"text": text, "options": dict(options)}
        return (
            await self._transport.request("POST", f"/api/widgets/{segment(widget_id)}", body=body)
        ).as_type(Widget)

    async def remove_widget(self, widget_id: int) -> None:
        """Takes a widget away."""
        await self._transport.request("DELETE", f"/api/widgets/{segment(widget_id)}")

    def _of(self, dashboard: int | str) -> str:
        return f"{self._path}/{segment(dashboard)}"
