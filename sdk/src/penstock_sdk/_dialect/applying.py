"""Brings a server to what documents say: what would be done first, then doing it. Doing it again does nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from penstock_sdk._dialect.server import Dialect, Object
from penstock_sdk._dialect.state import (
    KEY,
    Held,
    State,
    numbered,
    picture_names,
    pictures_of,
    state_of,
    subscribed,
    widget_document,
    widgets_of,
)
from penstock_sdk._dialect.wanted import WrongDocumentError
from penstock_sdk._dialect.yaml_files import Document

Documents = Mapping[str, Mapping[str, Document]]
_WORDS = {"queries": "query", "dashboards": "dashboard", "alerts": "alert"}


@dataclass(frozen=True, slots=True)
class Step:
    """One object that is made, changed or taken away, and in which fields."""

    action: Literal["create", "change", "archive"]
    kind: str
    key: str
    fields: tuple[str, ...] = ()

    def __str__(self) -> str:
        action = "delete" if (self.action, self.kind) == ("archive", "alerts") else self.action
        told = f"{action} {_WORDS[self.kind]} {self.key}"
        return f"{told}: {', '.join(self.fields)}" if self.fields else told


def plan(state: State, wanted: Documents, *, prune: bool = False) -> list[Step]:
    """What there is to do."""
    steps = [step for kind in _WORDS for step in _compared(state, kind, wanted[kind])]
    if prune:
        # What is shown or watched goes after what shows or watches it.
        steps += [
            Step("archive", kind, key)
            for kind in reversed(_WORDS)
            for key in held_of(state, kind)
            if key not in wanted[kind]
        ]
    return steps


def held_of(state: State, kind: str) -> dict[str, Held]:
    return {"queries": state.queries, "dashboards": state.dashboards, "alerts": state.alerts}[kind]


def _compared(state: State, kind: str, documents: Mapping[str, Document]) -> Iterator[Step]:
    present = held_of(state, kind)
    for key, document in documents.items():
        if key not in present:
            yield Step("create", kind, key)
            continue
        fields = tuple(name for name in document if _differs(kind, name, document, present[key].document))
        if fields:
            yield Step("change", kind, key, fields)


def _differs(kind: str, name: str, wanted: Document, present: Document) -> bool:
    if kind == "alerts" and name == "options":
        # A server adds what it takes for granted.
        said = {"muted": False, **wanted[name]}
        return any({"muted": False, **present[name]}.get(key) != value for key, value in said.items())
    if name == "schedule":
        return _said(wanted[name]) != _said(present[name])
    if name == "source" and wanted[name] is None:
        return False
    return wanted[name] != present[name]


def _said(schedule: Object | None) -> Object | None:
    """Without what says nothing."""
    return (
        None if schedule is None else {name: value for name, value in schedule.items() if value is not None}
    )


def apply(server: Dialect, state: State, wanted: Documents, steps: list[Step]) -> None:
    """Takes the steps. After a failure those that are done stay; doing it again does the others."""
    sources = {reference: number for number, reference in state.sources.items()}
    _apply_queries(server, state, wanted["queries"], [one for one in steps if one.kind == "queries"], sources)
    if any(one.kind != "queries" for one in steps):
        # Visualizations have their numbers by now.
        present = state_of(server)
        for step in steps:
            if step.action == "archive":
                continue
            document = wanted[step.kind][step.key]
            if step.kind == "dashboards":
                _apply_dashboard(server, present, step, document)
            elif step.kind == "alerts":
                _apply_alert(server, present, step, document)
    for step in steps:
        if step.action == "archive":
            server.delete(f"{step.kind}/{held_of(state, step.kind)[step.key].id}")


def _apply_queries(
    server: Dialect,
    state: State,
    wanted: Mapping[str, Document],
    steps: list[Step],
    sources: Mapping[str, int],
) -> None:
    numbers = {key: held.id for key, held in state.queries.items()}
    steps = [one for one in steps if one.action != "archive"]
    for step in steps:
        document = wanted[step.key]
        if step.action == "create":
            number = _source(document, sources, step.key)
            body = {
                "name": document["name"],
                "query": document["sql"],
                "data_source_id": number,
                "options": {},
            }
            numbers[step.key] = server.post("queries", body)["id"]
    for step in steps:
        document = wanted[step.key]
        parameters = [_with_number(one, numbers) for one in document["parameters"]]
        body: Object = {
            "name": document["name"],
            "description": document["description"],
            "query": document["sql"],
            "tags": document["tags"],
            "is_draft": document["draft"],
            "options": {**document["options"], "parameters": parameters, KEY: step.key},
        }
        if document["source"] is not None:
            body["data_source_id"] = _source(document, sources, step.key)
        if step.action == "create" or "schedule" in step.fields:
            body["schedule"] = document["schedule"]
        server.post(f"queries/{numbers[step.key]}", body)
        if step.action == "create" or "visualizations" in step.fields:
            _apply_pictures(server, numbers[step.key], document["visualizations"])


def _source(document: Document, sources: Mapping[str, int], key: str) -> int:
    wanted = document["source"]
    if wanted is None and len(sources) == 1:
        return next(iter(sources.values()))
    if wanted is None or wanted not in sources:
        known = ", ".join(sorted(sources)) or "none"
        raise WrongDocumentError(
            f"queries/{key}.yaml: there is no data source '{wanted}'; there are: {known}."
        )
    return sources[wanted]


def _with_number(parameter: Document, numbers: Mapping[str, int]) -> Object:
    query: str | None = parameter.get("query")
    if query is None:
        return parameter
    return {
        **{name: value for name, value in parameter.items() if name != "query"},
        "queryId": numbers[query],
    }


def _apply_pictures(server: Dialect, query: int, wanted: list[Document]) -> None:
    """Those of one name and type stay what they are, so that dashboards go on showing them."""
    present = pictures_of(server.query(query))
    kept: dict[tuple[str, str], list[Object]] = {}
    for one in present:
        kept.setdefault((one["name"], one["type"]), []).append(one)
    for document in wanted:
        same = kept.get((document["name"], document["type"]))
        if same:
            held = same.pop(0)
            if {name: held.get(name) or document[name].__class__() for name in document} != document:
                server.post(f"visualizations/{held['id']}", document)
        else:
            server.post("visualizations", {**document, "query_id": query})
    for left in kept.values():
        for one in left:
            server.delete(f"visualizations/{one['id']}")


def _apply_dashboard(server: Dialect, state: State, step: Step, document: Document) -> None:
    held = state.dashboards.get(step.key)
    dashboard = server.post("dashboards", {"name": document["name"]}) if held is None else held.object
    number = dashboard["id"]
    server.post(
        f"dashboards/{number}",
        {
            "name": document["name"],
            "tags": document["tags"],
            "is_draft": document["draft"],
            "dashboard_filters_enabled": document["filters"],
            "options": {**document["options"], KEY: step.key},
        },
    )
    if held is None or "widgets" in step.fields:
        _apply_widgets(server, state, dashboard, document["widgets"], step.key)


def _apply_widgets(
    server: Dialect, state: State, dashboard: Object, wanted: list[Document], key: str
) -> None:
    """Widgets that are as they should be stay; others are made anew."""
    names = picture_names(state)
    left = list(wanted)
    for widget in widgets_of(dashboard):
        document = widget_document(widget, names)
        if document in left:
            left.remove(document)
        else:
            server.delete(f"widgets/{widget['id']}")
    for document in left:
        if "missing" in document:
            raise WrongDocumentError(
                f"dashboards/{key}.yaml: a widget shows '{document['missing']}', which is of no query beside it."
            )
        server.post(
            "widgets",
            {
                "dashboard_id": dashboard["id"],
                "visualization_id": _picture_number(state, document) if "query" in document else None,
                "text": document.get("text", ""),
                "options": document["options"],
                "width": document["width"],
            },
        )


def _picture_number(state: State, document: Document) -> int:
    pictures = pictures_of(state.queries[document["query"]].object)
    names = numbered([one["name"] for one in pictures])
    return pictures[names.index(document["visualization"])]["id"]


def _apply_alert(server: Dialect, state: State, step: Step, document: Document) -> None:
    body: dict[str, Any] = {
        "name": document["name"],
        "options": {"muted": False, **document["options"], KEY: step.key},
        "rearm": document["rearm"],
    }
    if document["query"] is not None:
        body["query_id"] = state.queries[document["query"]].id
    held = state.alerts.get(step.key)
    made = server.post("alerts" if held is None else f"alerts/{held.id}", body)
    _apply_subscriptions(server, made["id"], document["destinations"], step.key)


def _apply_subscriptions(server: Dialect, alert: int, wanted: list[str], key: str) -> None:
    """Of destinations; who subscribed for themselves is left alone."""
    present = subscribed(server, alert)
    numbers = {one["name"]: one["id"] for one in server.optional("destinations")}
    for name in wanted:
        if name not in numbers:
            known = ", ".join(sorted(numbers)) or "none"
            raise WrongDocumentError(
                f"alerts/{key}.yaml: there is no destination '{name}'; there are: {known}."
            )
        if name not in present:
            body = {"alert_id": alert, "destination_id": numbers[name]}
            server.post(f"alerts/{alert}/subscriptions", body)
    for name, number in present.items():
        if name not in wanted:
            server.delete(f"alerts/{alert}/subscriptions/{number}")
