from __future__ import annotations

import pytest

from penstock_sdk import (
    AppHandle,
    Client,
    ConflictError,
    NotFoundError,
    PreconditionFailedError,
    UnauthorizedError,
    ValidationError,
)
from tests.conftest import RunningServer
from tests.sdk.conftest import SCHEMA


def test_the_life_of_an_app(client: Client) -> None:
    made = client.apps.create("E-Commerce Platform", description="Shop")
    assert made.slug == "e-commerce-platform"
    assert made.created_at is not None
    changed = client.apps.update(made.slug, description="Shops", if_match=made.etag)
    assert (changed.name, changed.description) == ("E-Commerce Platform", "Shops")
    with pytest.raises(PreconditionFailedError):
        client.apps.update(made.slug, name="Late", if_match=made.etag)
    assert made.slug in [app.slug for app in client.apps.list()]
    assert client.apps.stats(made.slug).total_tables == 0
    client.apps.delete(made.slug)
    with pytest.raises(NotFoundError):
        client.apps.get(made.slug)
    client.apps.restore(made.slug)
    assert client.apps.get(made.slug).id == made.id


def test_lists_iterate_across_pages(client: Client) -> None:
    slugs = {client.apps.create(f"Many {number}").slug for number in range(5)}
    listed = client.apps.list(page_size=2)
    first = listed.page(1)
    assert (len(first.items), first.has_next, first.number) == (2, True, 1)
    everything = listed.all()
    assert first.total == len(everything)
    assert slugs <= {app.slug for app in everything}
    assert sum(len(page.items) for page in listed.pages()) == len(everything)


def test_data_sources(client: Client) -> None:
    app = client.app(client.apps.create("Sources").slug)
    made = app.sources.create("Main data", description="d")
    assert (made.slug, made.provider_type, made.description) == ("main-data", "flat_table", "d")
    assert app.sources.update("main-data", name="Renamed").name == "Renamed"
    assert app.sources.get("main-data").app_slug == "sources"
    assert app.sources.stats("main-data").total_tables == 0
    assert [source.slug for source in app.sources.list()] == ["main-data"]
    assert app.sources.tables("main-data").all() == []
    app.sources.delete("main-data")
    with pytest.raises(NotFoundError):
        app.sources.get("main-data")


def test_the_life_of_a_table(app: AppHandle) -> None:
    made = app.tables.create("main", "things", SCHEMA, description="All things")
    assert (made.is_materialized, made.primary_key, made.description) == (False, ["id"], "All things")
    assert made.json_schema == SCHEMA
    schema = app.table("things").schema()
    assert (schema.schema, schema.schema_hash, schema.field_count) == (
        SCHEMA,
        made.schema_hash,
        len(SCHEMA["fields"]),
    )
    report = app.tables.validate("things", [{"name": "a"}, {"age": -1}])
    assert (report.is_valid, report.validated_rows) == (False, 2)
    assert report.errors
    assert app.tables.materialize("things").is_materialized
    assert [table.name for table in app.tables.list(source="main", is_materialized=True)].count("things") == 1
    assert app.tables.update("things", description="New").description == "New"
    assert app.table("things").get().description == "New"
    assert app.tables.stats().total_tables >= 1
    app.tables.delete("things")
    with pytest.raises(NotFoundError):
        app.tables.get("things")


def test_a_package_brings_tables_that_refer_to_each_other(client: Client) -> None:
    app = client.app(client.apps.create("Package").slug)
    app.sources.create("Main")
    field = {"name": "id", "type": "integer"}
    books = {
        "fields": [field, {"name": "author_id", "type": "integer"}],
        "primaryKey": ["id"],
        "foreignKeys": [{"fields": ["author_id"], "reference": {"resource": "authors", "fields": ["id"]}}],
    }
    authors = {"fields": [field], "primaryKey": ["id"]}
    package = {
        "name": "library",
        "resources": [{"name": "books", "schema": books}, {"name": "authors", "schema": authors}],
    }
    report = app.tables.import_package(package, materialize=True)
    assert (report.created_count, report.updated_count, report.error_count) == (2, 0, 0)
    assert all(table.is_materialized for table in app.tables.list())
    with pytest.raises(ConflictError):
        app.tables.delete("authors")
    app.tables.delete("authors", force=True)


def test_schema_changes(app: AppHandle) -> None:
    fields = [{"name": "id", "type": "integer"}, {"name": "a"}]
    app.tables.create("main", "changing", {"fields": fields, "primaryKey": ["id"]}, materialize=True)
    records = app.table("changing").records
    records.create({"a": "x"})
    renamed = {"fields": [fields[0], {"name": "b", "x-rename-from": "a"}], "primaryKey": ["id"]}
    plan = app.tables.plan("changing", renamed)
    assert (plan.destructive, [step.operation_type for step in plan.steps]) == (False, ["RENAME"])
    assert app.tables.update("changing", json_schema=renamed).field_names == ["id", "b"]
    assert records.get(1)["b"] == "x"
    dropped = {"fields": fields[:1], "primaryKey": ["id"]}
    assert app.tables.plan("changing", dropped).destructive
    with pytest.raises(ValidationError):
        app.tables.update("changing", json_schema=dropped)
    app.tables.update("changing", json_schema=dropped, allow_data_loss=True)
    newest = app.tables.history("changing")[0]
    assert (newest.description, newest.status) == ("Drop column 'b'", "success")
    assert app.tables.rollback("changing", newest.id).field_names == ["id", "b"]
    package = {"resources": [{"name": "changing", "schema": renamed}]}
    assert app.tables.plan_package(package).is_empty


def test_a_bad_schema_names_what_is_wrong(app: AppHandle) -> None:
    with pytest.raises(ValidationError) as caught:
        app.tables.create("main", "bad", {"fields": [{"name": "a", "type": "colour"}], "primaryKey": ["a"]})
    assert "colour" in caught.value.errors["json_schema"][0]
    assert caught.value.code == "VALIDATION_ERROR"
    assert caught.value.request_id


def test_a_bad_key_is_unauthorized(server: RunningServer) -> None:
    with Client(server.url, key="x" * 40) as stranger, pytest.raises(UnauthorizedError):
        stranger.apps.list().all()


def test_health_needs_no_key(server: RunningServer) -> None:
    with Client(server.url, key="x" * 40) as stranger:
        health = stranger.health()
    assert health.status == "ok"
    assert health.version
