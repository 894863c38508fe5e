from __future__ import annotations

from pathlib import Path

import penstock_sdk
from penstock_sdk import Client

PAGE = (Path(__file__).parents[2] / "docs/reference/sdk.md").read_text()


def test_every_error_is_documented() -> None:
    for name in penstock_sdk._errors.__all__:
        if name not in ("RowFault", "PenstockError"):
            assert f"`{name}`" in PAGE


def test_every_method_of_a_resource_is_documented() -> None:
    with Client("http://127.0.0.1:1", key="k") as client:
        app = client.app("a")
        resources = (
            client.apps,
            app.sources,
            app.tables,
            app.table("t").records,
            app.table("t").edges,
            app.table("t").quarantine,
            app.table("t").rules,
            app.table("t").access,
            client.teams,
            client.audit,
            client.credentials,
            app.webhooks,
            client.users,
            client.groups,
            client.snippets,
            client.keys,
            client.auth,
            client.queries,
            client.query_results,
            client.jobs,
            client.data_sources,
            client.alerts,
            client.visualizations,
            client.dashboards,
            client.destinations,
        )
        for resource in resources:
            for name in dir(resource):
                if not name.startswith("_"):
                    assert name in PAGE, f"{type(resource).__name__}.{name}"
