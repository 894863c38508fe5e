"""Filter parameters; that each of them is taken, `tests/server/test_openapi.py` tries."""

from __future__ import annotations

from datetime import UTC, datetime

from penstock.kit.operators import allowed
from penstock.tables.catalog import Table
from penstock.tables.models import DataTable, ProviderType
from penstock.tables.openapi.conditions import conditions
from tests.server.test_openapi import EVERYTHING

NOW = datetime(2025, 1, 1, tzinfo=UTC)
DEFINITION = DataTable(1, 1, 1, "things", "", EVERYTHING, "h", "s", "p", True, True, NOW, NOW, None, None)
TABLE = Table(DEFINITION, ProviderType.FLAT_TABLE, "shop", is_audited=False)


def test_one_for_each_field_and_operator() -> None:
    found = {one.name: one for one in conditions(TABLE)}
    assert len(found) == sum(len(allowed(column.type)) for column in TABLE.columns.values())
    assert found["price__gte"].description == "`price` is at least"
    assert found["price__gte"].schema == {"type": "number"}
    assert found["price__between"].schema["maxItems"] == 2
    assert found["price__in"].is_list
    assert found["code__null"].schema == {"type": "boolean"}
    assert "search_vector__search" in found


def test_a_field_named_like_a_parameter() -> None:
    found = {one.name for one in conditions(TABLE)}
    assert "page__eq" in found
    assert "page" not in found
