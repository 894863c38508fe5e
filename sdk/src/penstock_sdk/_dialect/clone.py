"""Duplicates a dashboard with all its queries and visualizations, or leaves nothing of the attempt."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from penstock_sdk._dialect.server import Dialect, Object, part, parts, segment
from penstock_sdk._errors import PenstockError


@dataclass
class Copy:
    """What became of what: numbers of the original to those of the copy, in the order they were made."""

    dashboard: Object
    queries: dict[int, int] = field(default_factory=dict[int, int])
    visualizations: dict[int, int] = field(default_factory=dict[int, int])
    widgets: dict[int, int] = field(default_factory=dict[int, int])
    passed_over: list[int] = field(default_factory=list[int])
    made: Object | None = None


def planned(server: Dialect, slug: str) -> Copy:
    """The dashboard as it is, and what of it would be copied."""
    dashboard = server.dashboard_named(slug)
    copy = Copy(dashboard)
    for widget in _widgets(dashboard):
        if widget.get("restricted"):
            copy.passed_over.append(widget["id"])
        elif query := _query_of(widget):
            copy.queries.setdefault(query, 0)
    return copy


def clone(server: Dialect, slug: str, prefix: str) -> Copy:
    """Copies the dashboard; after a failure what was made is archived again."""
    copy = planned(server, slug)
    with _cleaning_up(server, copy):
        for number in copy.queries:
            _fork(server, copy, number, prefix)
        for number in copy.queries.values():
            _point_to_copies(server, copy, number)
        _make_dashboard(server, copy)
        for widget in _widgets(copy.dashboard):
            if widget["id"] not in copy.passed_over:
                _add_widget(server, copy, widget)
        if not copy.dashboard.get("is_draft", True):
            assert copy.made is not None
            server.post(f"dashboards/{copy.made['id']}", {"is_draft": False})
    return copy


@contextmanager
def _cleaning_up(server: Dialect, copy: Copy) -> Generator[None]:
    try:
        yield
    except BaseException:
        if copy.made is not None:
            # Older servers archive dashboards by slug.
            with suppress(PenstockError):
                server.delete(f"dashboards/{segment(copy.made['id'])}")
            with suppress(PenstockError):
                server.delete(f"dashboards/{segment(copy.made['slug'])}")
        for number in copy.queries.values():
            if number:
                with suppress(PenstockError):
                    server.delete(f"queries/{number}")
        raise


def _fork(server: Dialect, copy: Copy, number: int, prefix: str) -> None:
    original = server.query(number)
    made = server.post(f"queries/{number}/fork", {})
    copy.queries[number] = made["id"]
    changes: dict[str, Any] = {"name": f"{prefix}{original['name']}"}
    if not original.get("is_draft", True):
        changes["is_draft"] = False
    server.post(f"queries/{made['id']}", changes)
    # A fork has the visualizations in the order of their numbers.
    pairs = list(zip(_ordered(original), _ordered(made), strict=False))
    if len(pairs) != len(original["visualizations"]) or any(one["type"] != two["type"] for one, two in pairs):
        raise PenstockError(f"The copy of query {number} has other visualizations than the query.")
    copy.visualizations.update((one["id"], two["id"]) for one, two in pairs)


def _ordered(query: Object) -> list[Object]:
    return sorted(query["visualizations"], key=lambda one: one["id"])


def _point_to_copies(server: Dialect, copy: Copy, number: int) -> None:
    """Parameters whose values come from a query that was copied take them from the copy."""
    options = part(server.query(number), "options")
    parameters = parts(options, "parameters")
    moved: list[Object] = [
        {**one, "queryId": copy.queries[one["queryId"]]} if one.get("queryId") in copy.queries else one
        for one in parameters
    ]
    if moved != parameters:
        server.post(f"queries/{number}", {"options": {**options, "parameters": moved}})


def _make_dashboard(server: Dialect, copy: Copy) -> None:
    original = copy.dashboard
    made: Object = server.post("dashboards", {"name": f"Copy of: {original['name']}"})
    copy.made = made
    kept = {
        name: original[name]
        for name in ("tags", "options", "dashboard_filters_enabled", "layout")
        if original.get(name)
    }
    if kept:
        server.post(f"dashboards/{made['id']}", kept)


def _add_widget(server: Dialect, copy: Copy, widget: Object) -> None:
    assert copy.made is not None
    shown = part(widget, "visualization")
    made = server.post(
        "widgets",
        {
            "dashboard_id": copy.made["id"],
            "visualization_id": copy.visualizations[shown["id"]] if shown else None,
            "text": widget.get("text") or "",
            "options": part(widget, "options"),
            "width": widget.get("width", 1),
        },
    )
    copy.widgets[widget["id"]] = made["id"]


def _widgets(dashboard: Object) -> list[Object]:
    return parts(dashboard, "widgets")


def _query_of(widget: Object) -> int | None:
    return part(part(widget, "visualization"), "query").get("id")
