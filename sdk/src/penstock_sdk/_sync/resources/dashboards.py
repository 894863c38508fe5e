# Generated from _async/resources/dashboards.py by scripts/async_to_sync.py; change that file instead.

"""Dashboards, what is on them, and sharing them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from penstock_sdk._dashboard_models import Dashboard, Share, Widget
from penstock_sdk._sync.pages import Pager
from penstock_sdk._sync.resources.base import given, segment
from penstock_sdk._sync.resources.people import OpenToPeople
from penstock_sdk._sync.transport import Transport


class Dashboards(OpenToPeople):
    """The dashboards of an org that the caller may see."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport, "/api/dashboards")

    def list(
        self,
        *,
        q: str | None = None,
        tags: Sequence[str] = (),
        order: str | None = None,
        which: Literal["all", "my", "favorites"] = "all",
        page_size: int = 100,
    ) -> Pager[Dashboard]:
        """Dashboards, page by page: those that hold the words of `q` and carry all `tags`."""
        path = self._path if which == "all" else f"{self._path}/{which}"
        filters = [*given(q=q, order=order).items(), *(("tags", tag) for tag in tags)]
        return self._counted(path, Dashboard, page_size, filters)

    def get(self, dashboard: int | str) -> Dashboard:
        """One by its slug or number, with its widgets. A NotFoundError when there is none."""
        return (self._transport.request("GET", self._of(dashboard))).as_type(Dashboard)

    def create(self, name: str) -> Dashboard:
        """A new one, an empty draft."""
        return (self._transport.request("POST", self._path, body={"name": name})).as_type(Dashboard)

    def update(
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
        return (self._transport.request("POST", self._of(dashboard_id), body=body)).as_type(Dashboard)

    def archive(self, dashboard: int | str) -> None:
        """Puts a dashboard out of the lists."""
        self._transport.request("DELETE", self._of(dashboard))

    def fork(self, dashboard_id: int) -> Dashboard:
        """A copy of the caller's own, which shows the same queries."""
        answer = self._transport.request("POST", f"{self._of(dashboard_id)}/fork", body={})
        return answer.as_type(Dashboard)

    def favorite(self, dashboard_id: int) -> None:
        """Marks a dashboard as one of the caller's favorites."""
        self._transport.request("POST", f"{self._of(dashboard_id)}/favorite", body={})

    def unfavorite(self, dashboard_id: int) -> None:
        """Takes the mark off."""
        self._transport.request("DELETE", f"{self._of(dashboard_id)}/favorite")

    def share(self, dashboard_id: int) -> Share:
        """Lets everybody see it who has the address."""
        return (self._transport.request("POST", f"{self._of(dashboard_id)}/share", body={})).as_type(Share)

    def unshare(self, dashboard_id: int) -> None:
        """Ends that; the address is worth nothing any more."""
        self._transport.request("DELETE", f"{self._of(dashboard_id)}/share")

    def add_widget(
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
        return (self._transport.request("POST", "/api/widgets", body=body)).as_type(Widget)

    def update_widget(self, widget_id: int, *, text: str, options: Mapping[str, Any]) -> Widget:
        """Gives a widget another text and other options."""
        body = {"text": text, "options": dict(options)}
        return (self._transport.request("POST", f"/api/widgets/{segment(widget_id)}", body=body)).as_type(
            Widget
        )

    def remove_widget(self, widget_id: int) -> None:
        """Takes a widget away."""
        self._transport.request("DELETE", f"/api/widgets/{segment(widget_id)}")

    def _of(self, dashboard: int | str) -> str:
        return f"{self._path}/{segment(dashboard)}"
