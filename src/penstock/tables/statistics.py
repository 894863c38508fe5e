"""The three statistics, each made of one statement's rows; the contract fixes their different shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock.tables.models import App, DataSource, SourceCount


def of_app(app: App, sources: Sequence[SourceCount]) -> dict[str, Any]:
    """Sources as a list, with `total_tables` and `materialized_tables` (contract section 5)."""
    return {
        "app_name": app.name,
        "app_slug": app.slug,
        "total_datasources": len(sources),
        **_totals(sources),
        "datasources": [
            {
                "name": one.name,
                "slug": one.slug,
                "provider_type": one.provider_type,
                "total_tables": one.table_count,
                "materialized_tables": one.materialized_count,
            }
            for one in sources
        ],
    }


def of_tables(sources: Sequence[SourceCount]) -> dict[str, Any]:
    """Sources as an object by slug, with `table_count` and `materialized_count` (contract section 7.4)."""
    return {
        **_totals(sources),
        "datasource_count": len(sources),
        "datasources": {
            one.slug: {
                "name": one.name,
                "provider_type": one.provider_type,
                "table_count": one.table_count,
                "materialized_count": one.materialized_count,
            }
            for one in sources
        },
    }


def of_source(source: DataSource, counts: tuple[int, int]) -> dict[str, Any]:
    total, materialized = counts
    return {
        "total_tables": total,
        "materialized_tables": materialized,
        "unmaterialized_tables": total - materialized,
        "provider_type": source.provider_type,
        "is_active": source.is_active,
    }


def _totals(sources: Sequence[SourceCount]) -> dict[str, int]:
    total = sum(one.table_count for one in sources)
    materialized = sum(one.materialized_count for one in sources)
    return {
        "total_tables": total,
        "materialized_tables": materialized,
        "unmaterialized_tables": total - materialized,
    }
