"""Which columns and rows of a table a statement needs."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from penstock.identity import Grant, Principal, PrincipalKind, Role
from penstock.queries.run.parse import parse
from penstock.queries.run.pushing import columns_of, conditions_of, mentioned
from penstock.queries.run.resolve import named_in
from penstock.tables import NumberedSource

SOURCE = NumberedSource(1, "orders", "Orders", "", "mysql", None, "", "", 1, False, None, "now", Role.OWNER)
_READER = Principal(1, "main", PrincipalKind.USER, 1, None, "someone", None, Role.OWNER)
GRANT = Grant(_READER, "query.run", Role.OWNER)


def named(text: str, table: str = "t") -> tuple[Any, Any]:
    tree = parse(text, 10_000).tree
    nodes = {one.parts[-1]: one.node for one in named_in(tree, text)}
    return tree, nodes[table]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("SELECT a FROM t", {"a", "t"}),
        ('SELECT x.a FROM t AS x WHERE x."B" = 1', {"a", "b", "x", "t"}),
        ("SELECT count(*) FROM t", {"t"}),
        ("SELECT * FROM t", None),
        ("SELECT t.* FROM t", None),
        ("SELECT t FROM t", None),
        ("SELECT a FROM t NATURAL JOIN u", None),
        ("SELECT x FROM t AS y(x)", None),
        ("SELECT a FROM t JOIN u USING (k)", {"a", "k", "t", "u"}),
        ("SELECT row(t) FROM t", None),
        ("SELECT (SELECT max(b) FROM u) FROM t ORDER BY c", {"b", "c", "t", "u"}),
    ],
)
def test_columns(text: str, wanted: set[str] | None) -> None:
    tree, node = named(text)
    found = columns_of(node, mentioned(tree))
    assert (None if found is None else set(found)) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("SELECT 1 FROM t WHERE t.a = 1", [("a", "=", Decimal(1))]),
        (
            "SELECT 1 FROM t WHERE t.a > -1.5 AND 3 >= t.b",
            [("a", ">", Decimal("-1.5")), ("b", "<=", Decimal(3))],
        ),
        (
            "SELECT 1 FROM t WHERE (t.a = 'x' AND t.b < 2) AND t.c = 2 + 1",
            [("a", "=", "x"), ("b", "<", Decimal(2))],
        ),
        ("SELECT 1 FROM u LEFT JOIN t ON t.k = u.k WHERE t.a = 1", [("a", "=", Decimal(1))]),
        ("SELECT 1 FROM t WHERE t.a = 1 OR t.b = 2", []),
        ("SELECT 1 FROM t WHERE NOT t.a = 1", []),
        ("SELECT 1 FROM t WHERE a = 1", []),
        ("SELECT 1 FROM t WHERE t.a < 'x'", []),
        ("SELECT 1 FROM t WHERE t.a IS NULL", []),
        ("SELECT 1 FROM t WHERE t.a = t.b", []),
        ("SELECT 1 FROM u LEFT JOIN t ON t.a = 1", []),
        ("SELECT 1 FROM t GROUP BY 1 HAVING max(t.a) = 1", []),
        (
            "SELECT 1 FROM u WHERE EXISTS (SELECT 1 FROM t WHERE u.a = 1 AND t.b = 2)",
            [("b", "=", Decimal(2))],
        ),
    ],
)
def test_conditions(text: str, wanted: list[tuple[str, str, Any]]) -> None:
    _, node = named(text)
    assert [(one.column, one.operator, one.value) for one in conditions_of(node)] == wanted
