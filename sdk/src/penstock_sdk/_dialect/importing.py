"""Makes queries of exported files, on the server they come from or another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from penstock_sdk._dialect.server import Dialect, Object, part, parts
from penstock_sdk._errors import PenstockError


@dataclass(frozen=True, slots=True)
class Imported:
    """A query of a file: its number there, if it has one, and here; 0 before it is made."""

    name: str
    old: int | None
    new: int


def targets(server: Dialect, queries: Sequence[Object], chosen: Mapping[str, str]) -> list[int]:
    """For each query the number of its data source here.

    By `chosen`, old numbers or names to new ones, else by name, else by number. A PenstockError names what there is
    none for.
    """
    sources = server.sources()
    return [_target(query, sources, chosen) for query in queries]


def _target(query: Object, sources: Sequence[Object], chosen: Mapping[str, str]) -> int:
    said = part(query, "data_source")
    number, name = said.get("id"), said.get("name")
    wanted = chosen.get(str(number)) or chosen.get(str(name))
    tests: list[Callable[[Object], bool]] = []
    if wanted is not None:
        tests.append(lambda one: wanted in (str(one["id"]), one["name"]))
    else:
        tests.append(lambda one: name is not None and one["name"] == name)
        # A name that is not here must not become whatever has its number.
        tests.append(lambda one: name is None and one["id"] == number)
    for test in tests:
        found = [one["id"] for one in sources if test(one)]
        if len(found) == 1:
            return found[0]
    known = ", ".join(f"{one['id']} ({one['name']})" for one in sources) or "none"
    told = wanted or name or number or "said in its file"
    raise PenstockError(
        f"For '{query['name']}' there is no data source {told}; say which with --data-source OLD=NEW. "
        f"There are {known}."
    )


def make(server: Dialect, queries: Sequence[Object], sources: Sequence[int], made: list[Imported]) -> None:
    """Creates the queries, and adds each to `made`; parameters that take their values from one of them do so here."""
    numbers: dict[int, int] = {}
    for query, source in zip(queries, sources, strict=True):
        created = _create(server, query, source)
        made.append(Imported(query["name"], query["id"], created["id"]))
        if query["id"] is not None:
            numbers[query["id"]] = created["id"]
    for query, imported in zip(queries, made, strict=True):
        _finish(server, query, imported.new, numbers)


def _create(server: Dialect, query: Object, source: int) -> Object:
    body: Object = {"name": query["name"], "query": query["query"], "data_source_id": source}
    body |= {name: query[name] for name in ("description", "tags", "schedule") if query.get(name)}
    body["options"] = {**part(query, "options"), "parameters": []}
    return server.post("queries", body)


def _finish(server: Dialect, query: Object, number: int, numbers: Mapping[int, int]) -> None:
    options = part(query, "options")
    parameters: list[Object] = [
        {**one, "queryId": numbers.get(one["queryId"], one["queryId"])} if one.get("queryId") else one
        for one in parts(options, "parameters")
    ]
    changes: Object = {"options": {**options, "parameters": parameters}} if parameters else {}
    if query.get("is_draft") is not True:
        changes["is_draft"] = False
    server.post(f"queries/{number}", changes)
    _draw(server, query["visualizations"], number)
    if query.get("is_archived"):
        server.delete(f"queries/{number}")


def _draw(server: Dialect, wanted: Sequence[Object], number: int) -> None:
    """Every query begins with a table, which the first table of the file replaces."""
    present = parts(server.query(number), "visualizations") if wanted else []
    for one in wanted:
        body = {name: one.get(name) for name in ("type", "name", "description", "options")}
        same = next((held for held in present if held["type"] == one["type"] == "TABLE"), None)
        if same is None:
            server.post("visualizations", {**body, "query_id": number})
            continue
        present.remove(same)
        if any((same.get(name) or None) != (one.get(name) or None) for name in body):
            server.post(f"visualizations/{same['id']}", body)
