"""From query parameters to a `ChangesRequest`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from penstock.kit import errors
from penstock.kit.filters import EVERYTHING, Tree, conjunction, parse_json, parse_pairs
from penstock.kit.paging import positive
from penstock.tables.changes.cursor import Cursor, decode

DEFAULT_SIZE = 100
MAX_SIZE = 1000
_CREDENTIAL = "api_key"
_OWN = ("since", "limit", "filters")
# Parameters of lists, which would be taken for fields.
_ELSEWHERE = frozenset(
    {"page", "page_size", "offset", "ordering", "search", "count", "populate", "fields", "after"}
)


@dataclass(frozen=True, slots=True)
class ChangesRequest:
    """`since` is None for a reader who begins now."""

    since: Cursor | None
    limit: int
    filters: Tree


def parse_changes(pairs: Sequence[tuple[str, str]], columns: Collection[str]) -> ChangesRequest:
    """Raises `errors.Invalid` naming the parameter."""
    known: dict[str, str] = {}
    conditions: list[tuple[str, str]] = []
    for name, value in pairs:
        if name in _OWN:
            if name in known:
                raise errors.Invalid({name: ["The parameter is given twice."]})
            known[name] = value
        elif name in _ELSEWHERE:
            raise errors.Invalid(
                {name: ["A change feed has no such parameter; it takes 'since', 'limit' and conditions."]}
            )
        elif name != _CREDENTIAL:
            conditions.append((name, value))
    trees: list[Tree] = [parse_pairs(conditions, columns)] if conditions else []
    if "filters" in known:
        trees.append(parse_json(known["filters"], columns))
    return ChangesRequest(
        decode(known["since"]) if known.get("since") else None,
        _limit(known.get("limit")),
        conjunction(trees) if trees else EVERYTHING,
    )


def _limit(text: str | None) -> int:
    limit = DEFAULT_SIZE if text is None else positive("limit", text)
    if limit > MAX_SIZE:
        raise errors.Invalid({"limit": [f"{limit} is more than {MAX_SIZE:,} changes a request."]})
    return limit
