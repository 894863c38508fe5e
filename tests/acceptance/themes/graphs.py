"""Staff with edges between them, and units whose hierarchy a field says."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.acceptance.asked import Request
from tests.acceptance.themes.asking import SIZES, conditions
from tests.acceptance.themes.shape import ALL_KEYS, NAME, Pairs, Shape, described, pool, refers, texts, typed

STAFF = Shape(
    described(
        typed("id", "integer"),
        typed("name", "string"),
        typed("level", "integer"),
        typed("is_deleted", "boolean"),
        graph={
            "types": [
                {"name": "manager", "inverse": "reports", "constraints": {"max_outgoing": 1}},
                {
                    "name": "mentor",
                    "metadata": {"fields": [typed("since", "date"), typed("hours", "integer")]},
                },
                "friend",
            ]
        },
    ),
    {"id": ALL_KEYS, "name": NAME, "level": pool(1, 2, 3, None)},
    [
        ("name", texts("Ann")),
        ("level__gt", texts("1")),
        ("id__descendants", texts("1", "3", "99", "x")),
        ("id__ancestors", texts("2", "5")),
        ("is_deleted", texts("true", "false")),
    ],
    (),
    ["count(*) as n", "sum(level)"],
    ["level", "name"],
)
EDGE = Shape(
    described(typed("from_id", "integer"), typed("to_id", "integer"), typed("type", "string"), key=("id",)),
    {},
    [
        ("type", texts("manager", "friend", "boss")),
        ("from_id__in", texts("1,2", "3")),
        ("to_id__gt", texts("2")),
        ("metadata__null", texts("true", "false")),
    ],
)
METADATA = pool(None, {}, {"since": "2024-01-01"}, {"since": "never"}, {"hours": 3}, {"colour": "red"}, 7)
WALKS = st.sampled_from(["descendants", "ancestors", "both", "descendants,ancestors", "siblings"])


@st.composite
def drafts(draw: st.DrawFn) -> dict[str, Any]:
    from_, to = draw(pool(("from", "to"), ("from_id", "to_id")))
    edge: dict[str, Any] = {from_: draw(ALL_KEYS), to: draw(ALL_KEYS)}
    edge["type"] = draw(pool("manager", "manager", "mentor", "friend", "friend", "boss"))
    if draw(pool(True, False)):
        edge["metadata"] = draw(METADATA)
    return edge


@st.composite
def edges(draw: st.DrawFn) -> Request:
    label = draw(st.integers(1, 8))
    match draw(st.integers(0, 9)):
        case 0 | 1 | 2:
            return Request("POST", "staff", "/edges", body=draw(st.lists(drafts(), min_size=1, max_size=5)))
        case 3:
            return Request("POST", "staff", "/edges", body=draw(drafts()))
        case 4:
            ids = draw(st.lists(st.integers(1, 8), max_size=3))
            return Request("DELETE", "staff", "/edges", body={"edge_ids": ids})
        case 5:
            change = draw(
                pool({"type": "friend"}, {"metadata": {"since": "2020-02-02"}}, {"to": 3}, {"id": 1}, {})
            )
            return Request("PATCH", "staff", "/edges/{edge}", body=change, edge=label)
        case 6:
            return Request("DELETE", "staff_edges", "/data/{edge}", edge=label)
        case 7:
            return Request("GET", "staff_edges", params=[*draw(conditions(EDGE)), *draw(SIZES)])
        case 8:
            return Request("POST", "staff_edges", body=[draw(drafts())])
        case _:
            names = draw(
                st.lists(pool("from_id", "to_id", "types", "limit", "offset", "ordering"), max_size=2)
            )
            given = {"types": "manager,friend", "limit": "2", "offset": "1", "ordering": "id"}
            params = [(one, given.get(one, str(label))) for one in names]
            return Request("GET", "staff", "/edges", params)


@st.composite
def walks(draw: st.DrawFn, name: str) -> Request:
    params: Pairs = []
    if draw(pool(True, True, False)):
        params.append(("include", draw(WALKS)))
    if not params or draw(pool(True, True, False)):
        params.append(("format", draw(pool("flat", "tree", "graph", "list"))))
    if draw(pool(True, False)):
        params.append(("depth", draw(pool("1", "2", "3", "0", "11"))))
    if draw(st.integers(0, 2)) == 0:
        params.append(
            (draw(pool("relationship_type", "types")), draw(pool("manager", "friend,mentor", "boss")))
        )
    if draw(st.integers(0, 3)) == 0:
        params.append(("fields", draw(pool("name", "id", "nothing"))))
    if draw(pool(True, False)):
        return Request("GET", name, f"/data/{draw(ALL_KEYS)}", params)
    return Request("GET", name, params=[*params, *draw(conditions(STAFF)), *draw(SIZES)])


@st.composite
def paths(draw: st.DrawFn) -> Request:
    params = [("from", str(draw(ALL_KEYS))), ("to", str(draw(ALL_KEYS)))]
    params += draw(
        st.sampled_from([[], [("direction", "any")], [("direction", "backward")], [("types", "friend")]])
    )
    return Request("GET", "staff", "/edges/path", params)


UNITS = Shape(
    described(
        typed("id", "integer"),
        typed("name", "string"),
        typed("level", "integer"),
        typed("parent_id", "integer"),
        foreignKeys=[refers("parent_id", "", "SET NULL")],
        hierarchy={"enabled": True, "self_reference": "parent_id"},
    ),
    {"id": ALL_KEYS, "name": NAME, "level": pool(1, 2, None), "parent_id": st.none() | ALL_KEYS},
    [("name", texts("Ann")), ("id__descendants", texts("1", "2")), ("id__ancestors", texts("3"))],
    ["parent", "parent_id"],
    ["count(*) as n"],
    ["parent_id"],
)
