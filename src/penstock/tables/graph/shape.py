"""What a walk found to response bodies. The JSON of records comes from PostgreSQL and is only framed here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from penstock.kit import errors
from penstock.kit.db import Row
from penstock.tables.graph.plan import MAX_BYTES, WalkPlan
from penstock.tables.graph.traversal import Format, Include
from penstock.tables.graph.tree import Nested, Steps
from penstock.tables.records.plan import RecordPlan
from penstock.tables.records.shape import Answer


def answer(plan: WalkPlan, row: Row | Mapping[str, Any]) -> Answer:
    """Raises `errors.BadRequest` for a walk beyond its limit, `NotFound` when it begins nowhere."""
    if row["visited"] > plan.limit:
        raise too_large(plan.limit, "records")
    begins_at_one = not isinstance(plan.begin, RecordPlan)
    if begins_at_one and not row["visited"]:
        raise errors.NotFound
    if any(row.get(name, 0) > MAX_BYTES for name in ("bytes", "edge_bytes", "down_bytes", "up_bytes")):
        raise too_large(MAX_BYTES, "bytes")
    match plan.walk.format:
        case Format.TREE:
            return _tree(plan, row)
        case Format.GRAPH:
            return _graph(plan, row)
        case Format.FLAT if begins_at_one:
            return _lists(plan, row)
        case Format.FLAT:
            return Answer(200, f'{{"data":[{row["page"] or ""}],"total":{row["total"]}}}'.encode())


def too_large(limit: int, what: str) -> errors.BadRequest:
    return errors.BadRequest(
        f"The walk leads to more than {limit:,} {what}, which is the most that one request may ask for.",
        hint="Narrow it with 'depth', 'relationship_type' or a filter on where it begins.",
    )


def _lists(plan: WalkPlan, row: Row | Mapping[str, Any]) -> Answer:
    """The record beside one list for each relation, named by the type upwards and by its inverse downwards."""
    found: dict[str, list[str]] = {}
    for direction in plan.directions():
        up = direction is Include.ANCESTORS
        listed: dict[str, str] = dict(row["up" if up else "down"])
        names = plan.walk.types or tuple(plan.graph.by_name) or tuple(listed)
        for name in names:
            parts = found.setdefault(name if up else plan.graph.inverse(name), [])
            if name in listed:
                parts.append(listed[name])
    lists = "".join(f",{_text(name)}:[{','.join(parts)}]" for name, parts in found.items())
    return Answer(200, f'{{"data":{{"data":{row["record"]}{lists}}}}}'.encode())


def _graph(plan: WalkPlan, row: Row | Mapping[str, Any]) -> Answer:
    if row["edge_count"] > plan.limit:
        raise too_large(plan.limit, "edges")
    nodes, edges = row["page"] or "", row["edges"] or ""
    return Answer(200, f'{{"data":{{"nodes":[{nodes}],"edges":[{edges}]}},"total":{row["total"]}}}'.encode())


def _tree(plan: WalkPlan, row: Row | Mapping[str, Any]) -> Answer:
    """Roots with what is below nested in `children`; what is above in `children` too, or `parents` beside."""
    nested: list[Nested] = []
    budget = [plan.limit]
    for direction in plan.directions():
        name = "up" if direction is Include.ANCESTORS else "down"
        label = "parents" if name == "up" and plan.walk.include is Include.BOTH else "children"
        steps = Steps(*(row[f"{name}_{column}"] for column in "kdjpct"))
        if row[f"{name}_edges"] > plan.limit:
            raise too_large(plan.limit, "edges")
        nested.append(Nested(steps, label, plan.walk.depth, budget))
    first = nested[0]
    roots = [key for key, depth in zip(first.steps.keys, first.steps.depths, strict=True) if depth == 0]
    try:
        texts = [f"{first.head(key, None)}{''.join(one.below(key) for one in nested)}}}" for key in roots]
    except OverflowError:
        raise too_large(plan.limit, "branches") from None
    total = len({key for one in nested for key in one.steps.keys})
    return Answer(200, f'{{"data":[{",".join(texts)}],"total":{total}}}'.encode())


def _text(name: Any) -> str:
    return msgspec.json.encode(name).decode()
