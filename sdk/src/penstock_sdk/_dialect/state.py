"""What a server has of queries, dashboards and alerts, as documents without its numbers and without secrets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from penstock_sdk._dialect.server import Dialect, Object, part, parts
from penstock_sdk._dialect.yaml_files import Document, keys_of

# Where an object that was made of a document remembers its key, so that it may be renamed.
KEY = "yaml_key"
PICTURE = ("name", "type", "description", "options")


@dataclass(frozen=True, slots=True)
class Held:
    """An object of the server, and the document that it would be."""

    id: int
    document: Document
    object: Object


@dataclass
class State:
    """The objects of a server by key, and how things are called there."""

    sources: dict[int, str]
    queries: dict[str, Held] = field(default_factory=dict[str, Held])
    dashboards: dict[str, Held] = field(default_factory=dict[str, Held])
    alerts: dict[str, Held] = field(default_factory=dict[str, Held])

    def documents(self) -> dict[str, dict[str, Document]]:
        return {
            "queries": {key: one.document for key, one in self.queries.items()},
            "dashboards": {key: one.document for key, one in self.dashboards.items()},
            "alerts": {key: one.document for key, one in self.alerts.items()},
        }


def state_of(server: Dialect) -> State:
    """All that is not archived, but for queries that the explorer dialect made on the way."""
    state = State({one["id"]: reference_of(one) for one in server.sources()})
    _take_queries(server, state)
    _take_dashboards(server, state)
    _take_alerts(server, state)
    return state


def reference_of(source: Mapping[str, Any]) -> str:
    app, slug = source.get("app"), source.get("slug")
    return f"{app}/{slug}" if app and slug else str(source["name"])


def _take_queries(server: Dialect, state: State) -> None:
    found = [server.query(one["id"]) for one in server.queries() if not one.get("slug")]
    keys = keys_of((one["id"], one["name"], _key_in(one)) for one in found)
    for query in found:
        key = keys[query["id"]]
        state.queries[key] = Held(query["id"], query_document(query, state.sources, keys), query)
    state.queries = dict(sorted(state.queries.items()))


def query_document(query: Object, sources: Mapping[int, str], keys: Mapping[int, str]) -> Document:
    options: Object = {name: value for name, value in part(query, "options").items() if name != KEY}
    parameters = [_with_key(one, keys) for one in parts(options, "parameters")]
    options.pop("parameters", None)
    return {
        "name": query["name"],
        "description": query.get("description") or "",
        "source": sources.get(query.get("data_source_id") or 0),
        "tags": sorted(query.get("tags") or ()),
        "draft": bool(query.get("is_draft")),
        "schedule": query.get("schedule"),
        "sql": query.get("query") or "",
        "parameters": parameters,
        "options": options,
        "visualizations": [picture_of(one) for one in pictures_of(query)],
    }


def _with_key(parameter: Object, keys: Mapping[int, str]) -> Object:
    """A parameter that takes its values from a query names it by its key."""
    number = parameter.get("queryId")
    if number is None or number not in keys:
        return parameter
    return {**{name: value for name, value in parameter.items() if name != "queryId"}, "query": keys[number]}


def pictures_of(query: Object) -> list[Object]:
    return sorted(parts(query, "visualizations"), key=lambda one: one["id"])


def picture_of(one: Object) -> Document:
    return {
        "name": one["name"],
        "type": one["type"],
        "description": one.get("description") or "",
        "options": one.get("options") or {},
    }


def _take_dashboards(server: Dialect, state: State) -> None:
    found = [server.dashboard(one) for one in server.dashboards()]
    keys = keys_of((one["id"], one["name"], _key_in(one)) for one in found)
    names = picture_names(state)
    for dashboard in found:
        document = _dashboard_document(dashboard, names)
        state.dashboards[keys[dashboard["id"]]] = Held(dashboard["id"], document, dashboard)
    state.dashboards = dict(sorted(state.dashboards.items()))


def picture_names(state: State) -> dict[int, tuple[str, str]]:
    """Of each visualization the key of its query, and what it is called there."""
    found: dict[int, tuple[str, str]] = {}
    for key, held in state.queries.items():
        pictures = pictures_of(held.object)
        names = numbered([one["name"] for one in pictures])
        found.update((one["id"], (key, name)) for one, name in zip(pictures, names, strict=True))
    return found


def numbered(names: Sequence[str]) -> list[str]:
    """Names of which repeated ones have a number: `Table`, `Table#2`."""
    counts: dict[str, int] = {}
    found: list[str] = []
    for name in names:
        counts[name] = counts.get(name, 0) + 1
        found.append(name if counts[name] == 1 else f"{name}#{counts[name]}")
    return found


def _dashboard_document(dashboard: Object, names: Mapping[int, tuple[str, str]]) -> Document:
    options = {name: value for name, value in part(dashboard, "options").items() if name != KEY}
    return {
        "name": dashboard["name"],
        "tags": sorted(dashboard.get("tags") or ()),
        "draft": bool(dashboard.get("is_draft")),
        "filters": bool(dashboard.get("dashboard_filters_enabled")),
        "options": options,
        "widgets": [widget_document(one, names) for one in widgets_of(dashboard)],
    }


def widgets_of(dashboard: Object) -> list[Object]:
    """Those that the caller may see, from the top."""
    seen = [one for one in parts(dashboard, "widgets") if not one.get("restricted")]
    return sorted(seen, key=_place)


def _place(widget: Object) -> tuple[Any, ...]:
    position = part(part(widget, "options"), "position")
    return (position.get("row") or 0, position.get("col") or 0, widget["id"])


def widget_document(widget: Object, names: Mapping[int, tuple[str, str]]) -> Document:
    found: Document = {}
    shown = widget.get("visualization")
    if shown is None:
        found["text"] = widget.get("text") or ""
    elif shown["id"] in names:
        found["query"], found["visualization"] = names[shown["id"]]
    else:
        # Of a query that is archived, or that nobody may see.
        found["missing"] = shown.get("name") or ""
    found["width"] = widget.get("width", 1)
    found["options"] = widget.get("options") or {}
    return found


def _take_alerts(server: Dialect, state: State) -> None:
    found = server.optional("alerts")
    by_number = {held.id: key for key, held in state.queries.items()}
    keys = keys_of((one["id"], one["name"], _key_in(one)) for one in found)
    for alert in found:
        document: Document = {
            "name": alert["name"],
            "query": by_number.get(part(alert, "query").get("id", 0)),
            "rearm": alert.get("rearm"),
            "destinations": sorted(subscribed(server, alert["id"])),
            "options": {
                name: value
                for name, value in part(alert, "options").items()
                if value is not None and name != KEY and (name != "muted" or value)
            },
        }
        state.alerts[keys[alert["id"]]] = Held(alert["id"], document, alert)
    state.alerts = dict(sorted(state.alerts.items()))


def subscribed(server: Dialect, alert: int) -> dict[str, int]:
    """The destinations that are told, by name, with the numbers of their subscriptions; people are not among them."""
    found = server.optional(f"alerts/{alert}/subscriptions")
    return {part(one, "destination")["name"]: one["id"] for one in found if one.get("destination")}


def _key_in(one: Object) -> str | None:
    held = part(one, "options").get(KEY)
    return held if isinstance(held, str) else None
