"""A table whose schema changes under its records, and changes back."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.acceptance.asked import Request
from tests.acceptance.themes.shape import KEYS, Schema, Shape, described, pool, texts, typed

ID = typed("id", "integer")
# What a field has been, is and may become, by the name it has then.
VARIANTS: list[list[Schema]] = [
    [
        typed("name", "string"),
        typed("name", "string", required=True),
        typed("name", "string", maxLength=3),
        typed("name", "string", unique=True),
        typed("name", "string", enum=["red", "7", ""]),
        typed("name", "string", pattern="[a-z]*"),
        {**typed("title", "string"), "x-rename-from": "name"},
        typed("name", "integer"),
        typed("name", "date"),
    ],
    [
        typed("count", "integer"),
        typed("count", "number"),
        typed("count", "string"),
        typed("count", "integer", minimum=1),
        typed("count", "year"),
        {**typed("amount", "number"), "x-rename-from": "count"},
        {**typed("count", "integer", required=True), "default": 5},
    ],
    [
        typed("day", "date"),
        typed("day", "datetime"),
        typed("day", "string"),
        {**typed("day", "date"), "default": "2024-02-29"},
    ],
    [typed("flag", "boolean"), typed("flag", "integer"), typed("tags", "array"), typed("tags", "any")],
]
INDEXES = [[], [{"name": "by_id", "fields": ["id"]}]]
FIELDS = ("name", "title", "count", "amount", "day", "flag", "tags")
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "id": KEYS,
    "name": pool("red", "blue", "7", "2024-01-01", None, 3),
    "title": pool("red", "x"),
    "count": pool(0, 1, 7, 1999, "12", None),
    "amount": pool(1, 7),
    "day": pool("2024-01-01", "2024-01-01T10:00:00Z", None),
    "flag": pool(True, False, 1, None),
    "tags": pool(["a"], None),
}
TABLE = Shape(
    described(ID, *(one[0] for one in VARIANTS)),
    VALUES,
    [("name", texts("red", "7")), ("count__gt", texts("1")), ("day__gte", texts("2024-01-01"))],
)


@st.composite
def schemas(draw: st.DrawFn) -> Schema:
    fields = [draw(st.sampled_from(one)) for one in VARIANTS if draw(st.integers(0, 4))]
    return described(ID, *fields, indexes=draw(st.sampled_from(INDEXES)))


@st.composite
def changes(draw: st.DrawFn) -> Request:
    params = draw(st.sampled_from([[("allow_data_loss", "true")]] * 4 + [[], [("dry_run", "true")]]))
    if draw(st.integers(0, 4)) == 0:
        return Request("POST", "things", "/rollback", body={"revision_id": "newest"}, by_status=True)
    return Request("PATCH", "things", "", params, {"json_schema": draw(schemas())}, by_status=True)


@st.composite
def records(draw: st.DrawFn) -> Request:
    """Names that there are not any more are refused; those that there are again are other fields."""
    row = {"id": draw(KEYS)}
    for name in draw(st.lists(st.sampled_from(FIELDS), max_size=3)):
        row[name] = draw(VALUES[name])
    match draw(st.integers(0, 3)):
        case 0:
            return Request("POST", "things", body=row)
        case 1:
            return Request("POST", "things", "/data/upsert", body=row)
        case 2:
            return Request("GET", "things", params=[("ordering", "-id")])
        case _:
            return Request("PATCH", "things", body=[row])
