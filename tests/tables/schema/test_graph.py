"""The declaration of a hierarchy or graph."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.kit import errors
from penstock.tables.models import EdgeType, Graph
from penstock.tables.schema import Place, companion_steps, parse_schema

FIELDS = [{"name": "id", "type": "integer"}, {"name": "parent_id", "type": "integer"}]
TO_ITSELF = [{"fields": "parent_id", "reference": {"resource": "", "fields": "id"}}]
PARENT = EdgeType("parent", "children")


def declared(**schema: Any) -> Graph | None:
    return parse_schema({"fields": FIELDS, "primaryKey": ["id"], **schema}).graph


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"hierarchy": False},
        {"graph": {"enabled": False}},
        {"graph": None, "hierarchy": {"enabled": False}},
    ],
)
def test_no_edges(schema: Any) -> None:
    assert declared(**schema) is None


def test_edges() -> None:
    assert declared(hierarchy=True) == Graph((PARENT,))
    assert declared(hierarchy=True, graph={"enabled": True}) == Graph((PARENT,))
    assert declared(hierarchy=True, graph={"enabled": False, "types": ["x"]}) == Graph((PARENT,))
    assert declared(graph=True) == Graph(())
    short = Graph((EdgeType("a", "a_inverse"), EdgeType("b", "b_inverse")))
    assert declared(graph={"edge_types": ["a", "b"]}) == short
    assert declared(graph=True, edge_types=["a", "b"]) == short
    full = declared(
        hierarchy=True,
        graph={
            "types": [
                {
                    "name": "manager",
                    "inverse": "reports",
                    "description": "Who leads whom",
                    "constraints": {"max_outgoing": 1, "max_incoming": None},
                    "metadata": {"fields": [{"name": "since", "type": "date"}]},
                }
            ]
        },
    )
    assert full is not None
    (only,) = full.types
    assert (only.name, only.inverse, only.description) == ("manager", "reports", "Who leads whom")
    assert (only.max_outgoing, only.max_incoming) == (1, None)
    assert [one.name for one in only.metadata or ()] == ["since"]
    column = {"enabled": True, "self_reference": "parent_id"}
    assert declared(hierarchy=column, foreignKeys=TO_ITSELF) == Graph((PARENT,), "parent_id")
    assert full.inverse("other") == "other_inverse"


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"graph": "yes"}, "'graph' is true, false or an object"),
        ({"graph": {"enabled": "yes"}}, "'enabled' of 'graph' is true or false"),
        ({"graph": {"types": []}}, "a list of 1 to 50"),
        ({"graph": {"types": ["a"] * 51}}, "a list of 1 to 50"),
        ({"graph": {"types": ["a"], "edge_types": ["b"]}}, "not both"),
        ({"graph": {"types": [5]}}, "is a name, or an object"),
        ({"graph": {"types": [{}]}}, "has the name 'None'"),
        ({"graph": {"types": ["a,b"]}}, "has the name 'a,b'"),
        ({"graph": {"types": ["x" * 51]}}, "at most 50 characters"),
        ({"graph": {"types": [{"name": "a", "inverse": "1"}]}}, "the inverse of 'a' has the name '1'"),
        ({"graph": {"types": ["a", "a"]}}, "'a' of an edge type or inverse is used twice"),
        ({"graph": {"types": ["a", {"name": "b", "inverse": "a"}]}}, "is used twice"),
        ({"graph": {"types": ["data"]}}, "kept for the record itself"),
        ({"graph": {"types": [{"name": "a", "constraints": {"max_out": 1}}]}}, "'max_out' is no constraint"),
        ({"graph": {"types": [{"name": "a", "constraints": {"max_outgoing": 0}}]}}, "null or a whole number"),
        (
            {"graph": {"types": [{"name": "a", "constraints": {"max_outgoing": True}}]}},
            "null or a whole number",
        ),
        ({"graph": {"types": [{"name": "a", "constraints": 5}]}}, "is an object"),
        ({"graph": {"types": [{"name": "a", "metadata": ["x"]}]}}, "is an object with 'fields'"),
        (
            {"graph": {"types": [{"name": "a", "metadata": {"fields": [{"name": "x", "type": "y"}]}}]}},
            "unknown type",
        ),
        ({"graph": True, "primaryKey": ["id", "parent_id"]}, "needs a primaryKey of one field"),
        ({"hierarchy": {"self_reference": "parent"}}, "'self_reference' names 'parent', which is no field"),
        ({"hierarchy": {"self_reference": "parent_id"}}, "needs a foreign key to 'id' of this table"),
        (
            {
                "hierarchy": {"self_reference": "parent_id"},
                "foreignKeys": TO_ITSELF,
                "graph": {"types": ["a", "b"]},
            },
            "has one edge type",
        ),
        (
            {
                "hierarchy": {"self_reference": "parent_id"},
                "foreignKeys": TO_ITSELF,
                "graph": {"types": [{"name": "a", "constraints": {"max_incoming": 2}}]},
            },
            "no metadata and no limits",
        ),
    ],
)
def test_what_is_refused(schema: Any, words: str) -> None:
    with pytest.raises(errors.Invalid) as caught:
        declared(**schema)
    assert words in (caught.value.errors or {})["json_schema"][0]


def test_what_is_made() -> None:
    place = Place("s", "x" * 60)
    schema = parse_schema({"fields": FIELDS, "primaryKey": ["id"], "hierarchy": True})
    texts = [step.sql for step in companion_steps("t", place, schema)]
    assert len(texts) == 6
    assert '"type" text' in texts[0]
    assert sum("ON DELETE CASCADE" in text for text in texts) == 2
    assert any("UNIQUE INDEX" in text and '("from_id", "type", "to_id")' in text for text in texts)
    column = {"self_reference": "parent_id"}
    by_field = parse_schema(
        {"fields": FIELDS, "primaryKey": ["id"], "hierarchy": column, "foreignKeys": TO_ITSELF}
    )
    assert companion_steps("t", place, by_field) == []
    elsewhere = parse_schema(
        {
            **by_field_raw(column),
            "foreignKeys": [{"fields": "parent_id", "reference": {"resource": "u", "fields": "id"}}],
        }
    )
    with pytest.raises(errors.Invalid):
        companion_steps("t", place, elsewhere)


def by_field_raw(column: Any) -> dict[str, Any]:
    return {"fields": FIELDS, "primaryKey": ["id"], "hierarchy": column, "foreignKeys": TO_ITSELF}
