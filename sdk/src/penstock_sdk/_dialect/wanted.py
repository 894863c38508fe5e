"""Documents as they are compared: checked, and complete with what a file may leave out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from penstock_sdk._dialect.state import PICTURE, numbered
from penstock_sdk._dialect.yaml_files import Document

# The fields of each kind of document: of which type, and what one is that is left out; `...` must be there.
_TEXT_OR_NOTHING = (str, type(None))
_FIELDS: dict[str, dict[str, tuple[Any, Any]]] = {
    "queries": {
        "name": (str, ...),
        "description": (_TEXT_OR_NOTHING, ""),
        "source": (_TEXT_OR_NOTHING, None),
        "tags": (list, []),
        "draft": (bool, False),
        "schedule": ((dict, type(None)), None),
        "sql": (str, ...),
        "parameters": (list, []),
        "options": (dict, {}),
        "visualizations": (list, [{"name": "Table", "type": "TABLE", "description": "", "options": {}}]),
    },
    "dashboards": {
        "name": (str, ...),
        "tags": (list, []),
        "draft": (bool, False),
        "filters": (bool, False),
        "options": (dict, {}),
        "widgets": (list, []),
    },
    "alerts": {
        "name": (str, ...),
        "query": (_TEXT_OR_NOTHING, ...),
        "rearm": ((int, type(None)), None),
        "destinations": (list, []),
        "options": (dict, ...),
    },
}
_WIDGET = {"text": str, "query": str, "visualization": str, "missing": str, "width": int, "options": dict}


class WrongDocumentError(ValueError):
    """A document lacks something, or has it wrong; the message names file and field."""


def completed(documents: Mapping[str, Mapping[str, Document]]) -> dict[str, dict[str, Document]]:
    """All documents complete, and everything they refer to there. Raises `WrongDocumentError`."""
    found: Document = {
        kind: {key: _complete(kind, key, one) for key, one in documents.get(kind, {}).items()}
        for kind in _FIELDS
    }
    _check_references(found)
    return found


def _complete(kind: str, key: str, document: Document) -> Document:
    where = f"{kind}/{key}.yaml"
    fields = _FIELDS[kind]
    if surplus := sorted(set(document) - set(fields)):
        raise WrongDocumentError(f"{where}: there is no field '{surplus[0]}'; there are {', '.join(fields)}.")
    found: Document = {}
    for name, (types, otherwise) in fields.items():
        if name not in document and otherwise is ...:
            raise WrongDocumentError(f"{where}: '{name}' is missing.")
        value = document.get(name, otherwise)
        if not isinstance(value, types):
            raise WrongDocumentError(f"{where}: '{name}' is of another kind.")
        found[name] = value
    if "description" in found:
        found["description"] = found["description"] or ""
    for name in ("tags", "destinations"):
        if name in found:
            found[name] = sorted(set(map(str, found[name])))
    if kind == "queries":
        found["parameters"] = _objects(where, "parameters", found["parameters"])
        found["visualizations"] = [
            _picture(where, one) for one in _objects(where, "visualizations", found["visualizations"])
        ]
    if kind == "dashboards":
        found["widgets"] = [_widget(where, one) for one in _objects(where, "widgets", found["widgets"])]
    if kind == "alerts":
        found["options"] = {name: value for name, value in found["options"].items() if value is not None}
    return found


def _objects(where: str, name: str, values: list[Any]) -> list[Document]:
    if not all(isinstance(one, dict) for one in values):
        raise WrongDocumentError(f"{where}: '{name}' is a list of objects.")
    return cast("list[Document]", values)


def _picture(where: str, one: Document) -> Document:
    found: Document = {
        "description": "",
        "options": {},
        **{name: value for name, value in one.items() if value is not None},
    }
    if set(found) != set(PICTURE) or not all(
        isinstance(found[name], str) for name in ("name", "type", "description")
    ):
        raise WrongDocumentError(f"{where}: a visualization has {', '.join(PICTURE)}.")
    return {name: found[name] for name in PICTURE}


def _widget(where: str, one: Document) -> Document:
    for name, value in one.items():
        if name not in _WIDGET or not isinstance(value, _WIDGET[name]):
            raise WrongDocumentError(f"{where}: a widget has no '{name}' of this kind.")
    if sum(name in one for name in ("text", "query", "missing")) != 1 or ("query" in one) != (
        "visualization" in one
    ):
        raise WrongDocumentError(f"{where}: a widget has either 'text', or 'query' and 'visualization'.")
    shown = {name: one[name] for name in ("text", "query", "visualization", "missing") if name in one}
    return {**shown, "width": one.get("width", 1), "options": one.get("options", {})}


def _check_references(found: Mapping[str, Mapping[str, Document]]) -> None:
    """Queries that other documents name are files beside them."""
    queries = found["queries"]
    for key, query in queries.items():
        for parameter in query["parameters"]:
            _require(queries, f"queries/{key}.yaml", parameter.get("query"))
    for key, alert in found["alerts"].items():
        _require(queries, f"alerts/{key}.yaml", alert["query"])
    for key, dashboard in found["dashboards"].items():
        for widget in dashboard["widgets"]:
            _require(queries, f"dashboards/{key}.yaml", widget.get("query"))
            if "query" in widget:
                names = numbered([one["name"] for one in queries[widget["query"]]["visualizations"]])
                if widget["visualization"] not in names:
                    raise WrongDocumentError(
                        f"dashboards/{key}.yaml: query '{widget['query']}' has no visualization "
                        f"'{widget['visualization']}'; it has {', '.join(names) or 'none'}."
                    )


def _require(queries: Mapping[str, Document], where: str, key: str | None) -> None:
    if key is not None and key not in queries:
        raise WrongDocumentError(f"{where}: there is no query '{key}' beside it.")
