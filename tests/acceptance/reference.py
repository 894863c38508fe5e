"""The requests of the Data Service's endpoint reference, in the order in which its reader would make them.

An expected value that is a type stands for any value of that type; a `dict` names keys that must be there, and more
may be.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import NoneType
from typing import Any
from urllib.parse import quote

ALICE = "alice@example.com"
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
HASH = re.compile(r"[0-9a-f]{64}")
SOME = (int, NoneType)
APP = "/api/apps/my-application"
SOURCE = f"{APP}/datasources/users-db"
TABLE = f"{SOURCE}/datatables/users"
POSTS = f"{APP}/datatables/posts/data"
AUTHORS = f"{APP}/datatables/authors/data"


def refers(field: str, table: str) -> dict[str, Any]:
    return {"fields": [field], "reference": {"resource": table, "fields": ["id"]}}


APP_SUMMARY = {
    "id": int,
    "name": "My Application",
    "slug": "my-application",
    "description": "Application description",
    "datasource_count": 2,
    "created_at": MOMENT,
    "updated_at": MOMENT,
}
USERS = {
    "fields": [
        {"name": "id", "type": "integer", "constraints": {"required": True, "unique": True}},
        {
            "name": "email",
            "type": "string",
            "format": "email",
            "constraints": {"required": True, "unique": True},
        },
        {"name": "name", "type": "string", "constraints": {"required": True}},
        {"name": "is_active", "type": "boolean"},
        {"name": "created_at", "type": "datetime"},
    ],
    "primaryKey": ["id"],
}
GOODS = {
    "fields": [
        {"name": "id", "type": "integer"},
        {"name": "category", "type": "string"},
        {"name": "price", "type": "number"},
    ],
    "primaryKey": ["id"],
}
GOODS_DATA = "/api/apps/e-commerce-platform/datatables/goods/data"
POSTS_SCHEMA = {
    "fields": [
        {"name": "id", "type": "integer", "constraints": {"required": True, "unique": True}},
        {"name": "title", "type": "string", "constraints": {"required": True}},
        {"name": "content", "type": "string"},
        {"name": "author_id", "type": "integer"},
        {"name": "status", "type": "string"},
        {"name": "published_at", "type": "datetime"},
        {"name": "created_at", "type": "datetime"},
        {"name": "updated_at", "type": "datetime"},
    ],
    "primaryKey": ["id"],
}
AUTHORS_SCHEMA = {
    "fields": [
        {"name": "id", "type": "integer", "constraints": {"required": True, "unique": True}},
        {
            "name": "email",
            "type": "string",
            "format": "email",
            "constraints": {"required": True, "unique": True},
        },
        {"name": "name", "type": "string"},
        {"name": "bio", "type": "string"},
        {"name": "created_at", "type": "datetime"},
        {"name": "updated_at", "type": "datetime"},
    ],
    "primaryKey": ["id"],
}
COMMENTS_SCHEMA = {
    "fields": [{"name": "id", "type": "integer"}, {"name": "post_id", "type": "integer"}],
    "primaryKey": ["id"],
    "foreignKeys": [refers("post_id", "posts")],
}
PRODUCTS = {
    "fields": [
        {"name": "id", "type": "integer", "constraints": {"required": True, "unique": True}},
        {"name": "name", "type": "string", "constraints": {"required": True}},
        {"name": "price", "type": "number", "constraints": {"required": True, "minimum": 0}},
        {"name": "in_stock", "type": "boolean"},
    ],
    "primaryKey": ["id"],
}
SOURCE_SUMMARY = {
    "id": int,
    "name": "Users DB",
    "slug": "users-db",
    "app_name": "My Application",
    "app_slug": "my-application",
    "provider_type": "flat_table",
    "description": "User data storage",
    "is_active": True,
    "table_count": int,
    "created_at": MOMENT,
    "updated_at": MOMENT,
}
TABLE_SUMMARY = {
    "id": int,
    "name": "users",
    "datasource_name": "Users DB",
    "datasource_slug": "users-db",
    "app_name": "My Application",
    "app_slug": "my-application",
    "physical_table_name": str,
    "is_materialized": False,
    "is_active": True,
    "field_count": 5,
    "created_at": MOMENT,
    "updated_at": MOMENT,
}
TABLE_DETAIL = {
    **TABLE_SUMMARY,
    "data_source": int,
    "json_schema": USERS,
    "description": "User accounts table",
    "schema_hash": HASH,
    "field_names": ["id", "email", "name", "is_active", "created_at"],
    "primary_key": ["id"],
    "created_by": SOME,
    "modified_by": SOME,
}
POST = {"id": int, "title": str, "author_id": 5, "created_at": MOMENT}


@dataclass(frozen=True)
class Step:
    """One request of the reference."""

    method: str
    path: str
    status: int
    expected: Any = None
    body: Any = None


def get(path: str, expected: Any, status: int = 200) -> Step:
    return Step("GET", path, status, expected)


def post(path: str, body: Any, expected: Any = None, status: int = 201) -> Step:
    return Step("POST", path, status, expected, body)


def put(path: str, body: Any, expected: Any) -> Step:
    return Step("PUT", path, 200, expected, body)


def patch(path: str, body: Any, expected: Any) -> Step:
    return Step("PATCH", path, 200, expected, body)


def delete(path: str, status: int, expected: Any = None) -> Step:
    return Step("DELETE", path, status, expected)


def query(**params: str) -> str:
    return "?" + "&".join(f"{name}={quote(value, safe='')}" for name, value in params.items())


FILTER = query(filter='{"status":"draft","created_at__lt":"2023-01-01"}')
STEPS = (
    # Apps.
    post(
        "/api/apps/",
        {"name": "New Application", "description": "Optional description"},
        {
            "id": int,
            "name": "New Application",
            "slug": "new-application",
            "description": "Optional description",
            "datasource_count": 0,
            "table_count": 0,
            "datasources": [],
            "created_at": MOMENT,
            "updated_at": MOMENT,
            "created_by": int,
            "modified_by": None,
        },
    ),
    post("/api/apps/", {"name": "My Application", "description": "Application description"}),
    # Data sources.
    post(
        f"{APP}/datasources/",
        {
            "name": "Users DB",
            "slug": "users-db",
            "provider_type": "flat_table",
            "description": "User data storage",
        },
    ),
    post(
        f"{APP}/datasources/",
        {
            "name": "Analytics DB",
            "slug": "analytics-db",
            "provider_type": "jsonb",
            "provider_config": {"compression": "lz4", "indexing": "gin"},
            "description": "Analytics data storage",
        },
        {
            "id": int,
            "app": int,
            "app_name": "My Application",
            "app_slug": "my-application",
            "name": "Analytics DB",
            "slug": "analytics-db",
            "provider_type": "jsonb",
            "provider_config": {"compression": "lz4", "indexing": "gin"},
            "description": "Analytics data storage",
            "is_active": True,
            "table_count": 0,
            "materialized_count": 0,
            "created_at": MOMENT,
            "updated_at": MOMENT,
            "created_by": int,
            "modified_by": None,
        },
    ),
    get("/api/apps/", [APP_SUMMARY]),
    get(f"{APP}/datasources/", [SOURCE_SUMMARY]),
    get(f"{SOURCE}/", {**SOURCE_SUMMARY, "app": int, "provider_config": {}, "materialized_count": 0}),
    put(
        f"{SOURCE}/",
        {"name": "Users DB", "description": "Users"},
        {"description": "Users", "modified_by": int},
    ),
    patch(f"{SOURCE}/", {"description": "User data storage"}, {"description": "User data storage"}),
    # Data tables.
    post(
        f"{SOURCE}/datatables/",
        {"name": "users", "description": "User accounts table", "json_schema": USERS},
        {**TABLE_DETAIL, "created_by": int, "modified_by": None},
    ),
    get(f"{SOURCE}/datatables/", [TABLE_SUMMARY]),
    get(f"{TABLE}/", TABLE_DETAIL),
    get(f"{TABLE}/schema/", {"name": "users", "schema": USERS, "schema_hash": HASH, "field_count": 5}),
    put(
        f"{TABLE}/",
        {"description": "Updated description", "json_schema": {**USERS, "title": "Users"}},
        {**TABLE_DETAIL, "description": "Updated description", "json_schema": {**USERS, "title": "Users"}},
    ),
    patch(f"{TABLE}/", {"description": "User accounts table", "json_schema": USERS}, TABLE_DETAIL),
    post(
        f"{TABLE}/validate_data/",
        {
            "data": [
                {
                    "id": 1,
                    "email": "john@example.com",
                    "name": "John Doe",
                    "is_active": True,
                    "created_at": "2024-10-30T12:00:00Z",
                },
                {"id": 2, "email": "invalid-email", "name": "Jane Smith"},
            ]
        },
        {"is_valid": False, "errors": [re.compile(r"Row 1: .*email.*")], "validated_rows": 2},
        200,
    ),
    post(
        f"{TABLE}/validate_data/",
        {
            "data": [
                {"id": 1, "email": "john@example.com", "name": "John Doe"},
                {"id": 2, "name": "Jane Smith"},
            ]
        },
        {"is_valid": False, "errors": ["Row 1: Missing required field 'email'"], "validated_rows": 2},
        200,
    ),
    get(
        f"{SOURCE}/stats/",
        {
            "total_tables": 1,
            "materialized_tables": 0,
            "unmaterialized_tables": 1,
            "provider_type": "flat_table",
            "is_active": True,
        },
    ),
    get(f"{SOURCE}/tables/", [TABLE_SUMMARY]),
    # Records.
    post(f"{SOURCE}/datatables/", {"name": "posts", "json_schema": POSTS_SCHEMA}),
    post(f"{SOURCE}/datatables/", {"name": "authors", "json_schema": AUTHORS_SCHEMA}),
    post(
        f"{POSTS}/",
        {"title": "New Post", "content": "Content here", "author_id": 5, "status": "draft"},
        {
            "data": {
                "id": 1,
                "title": "New Post",
                "content": "Content here",
                "author_id": 5,
                "status": "draft",
                "created_at": MOMENT,
                "updated_at": MOMENT,
            }
        },
    ),
    post(
        f"{POSTS}/",
        [
            {"title": "Post 1", "author_id": 5},
            {"title": "Post 2", "author_id": 5},
            {"title": "Post 3", "author_id": 6},
        ],
        {"data": [{"id": 2, "title": "Post 1"}, {"id": 3, "title": "Post 2"}, {"id": 4, "title": "Post 3"}]},
    ),
    get(f"{POSTS}/", {"data": [POST], "total": 4, "page": 1, "page_size": 20}),
    get(
        f"{POSTS}/{query(page='1', page_size='20')}", {"data": [POST], "total": 4, "page": 1, "page_size": 20}
    ),
    get(f"{POSTS}/{query(limit='20', offset='0')}", {"data": [POST], "total": 4, "page": 1, "page_size": 20}),
    get(f"{POSTS}/{query(author_id='5')}", {"data": [POST], "total": 3}),
    get(f"{POSTS}/{query(author_id__gt='5')}", {"data": [{"title": "Post 3"}], "total": 1}),
    get(f"{POSTS}/{query(title__contains='post')}", {"data": [POST], "total": 4}),
    get(f"{POSTS}/{query(ordering='-created_at,title')}", {"data": [{"title": "Post 1"}], "total": 4}),
    get(f"{POSTS}/{query(search='Content')}", {"data": [{"id": 1}], "total": 1}),
    get(f"{POSTS}/{query(format='flat')}", {"data": [POST], "total": 4}),
    get(
        f"{POSTS}/1/",
        {
            "data": {
                "id": 1,
                "title": "New Post",
                "content": "Content here",
                "author_id": 5,
                "created_at": MOMENT,
            }
        },
    ),
    post(
        f"{AUTHORS}/upsert/{query(unique_fields='email')}",
        {"email": ALICE, "name": "Alice", "bio": "Engineer"},
        {"data": {"id": 1, "email": ALICE}, "created": True},
    ),
    post(
        f"{AUTHORS}/upsert/{query(unique_fields='email')}",
        {"email": ALICE, "name": "Alice Smith", "bio": "Software engineer"},
        {
            "data": {
                "id": 1,
                "email": ALICE,
                "name": "Alice Smith",
                "bio": "Software engineer",
                "created_at": MOMENT,
                "updated_at": MOMENT,
            },
            "created": False,
        },
        200,
    ),
    patch(
        f"{POSTS}/1/",
        {"status": "published", "published_at": "2024-01-15T12:00:00Z"},
        {
            "data": {
                "id": 1,
                "title": "New Post",
                "status": "published",
                "published_at": "2024-01-15T12:00:00Z",
                "updated_at": MOMENT,
            }
        },
    ),
    patch(
        f"{POSTS}/",
        [{"id": 2, "status": "published"}, {"id": 3, "status": "archived"}],
        {
            "data": [
                {"id": 2, "status": "published", "updated_at": MOMENT},
                {"id": 3, "status": "archived", "updated_at": MOMENT},
            ]
        },
    ),
    delete(f"{POSTS}/1/", 204),
    delete(f"{POSTS}/{query(ids='2,3,4')}", 200, {"deleted": 3, "ids": [2, 3, 4]}),
    post(
        f"{POSTS}/",
        [
            {"title": "Old", "status": "draft", "created_at": "2022-06-01T00:00:00Z"},
            {"title": "New", "status": "draft", "created_at": "2023-06-01T00:00:00Z"},
            {"title": "Live", "status": "published", "created_at": "2022-06-01T00:00:00Z"},
        ],
    ),
    delete(f"{POSTS}/{FILTER}", 200, {"deleted": 1}),
    # Operation history.
    get(
        f"{APP}/datatables/posts/operation-history/{query(status='success', page='1', page_size='20')}",
        {
            "data": [
                {
                    "id": int,
                    "operation_type": "CREATE",
                    "description": str,
                    "sql": str,
                    "rollback_sql": str,
                    "status": "success",
                    "execution_time_ms": int,
                    "created_at": MOMENT,
                }
            ],
            "total": 1,
            "page": 1,
            "page_size": 20,
        },
    ),
    get(f"{APP}/datatables/posts/operation-history/{query(status='failed')}", {"data": []}),
    get(f"{APP}/datatables/posts/operation-history/{query(status='rolled_back')}", {"data": []}),
    # Across data sources.
    get(f"{APP}/datatables/", [TABLE_SUMMARY]),
    get(f"{APP}/datatables/{query(datasource='users-db')}", [TABLE_SUMMARY]),
    get(f"{APP}/datatables/{query(is_materialized='true')}", [{"name": "posts", "is_materialized": True}]),
    get(
        f"{APP}/datatables/stats/",
        {
            "total_tables": 3,
            "materialized_tables": 2,
            "unmaterialized_tables": 1,
            "datasource_count": 2,
            "datasources": {
                "users-db": {
                    "name": "Users DB",
                    "provider_type": "flat_table",
                    "table_count": 3,
                    "materialized_count": 2,
                },
                "analytics-db": {
                    "name": "Analytics DB",
                    "provider_type": "jsonb",
                    "table_count": 0,
                    "materialized_count": 0,
                },
            },
        },
    ),
    get(
        f"{APP}/stats/",
        {
            "app_name": "My Application",
            "app_slug": "my-application",
            "total_datasources": 2,
            "total_tables": 3,
            "materialized_tables": 2,
            "unmaterialized_tables": 1,
            "datasources": [
                {
                    "name": "Users DB",
                    "slug": "users-db",
                    "provider_type": "flat_table",
                    "total_tables": 3,
                    "materialized_tables": 2,
                }
            ],
        },
    ),
    get(
        f"{APP}/",
        {
            **APP_SUMMARY,
            "table_count": 3,
            "datasources": [
                {
                    "id": int,
                    "name": "Users DB",
                    "slug": "users-db",
                    "provider_type": "flat_table",
                    "table_count": 3,
                }
            ],
            "created_by": int,
            "modified_by": None,
        },
    ),
    # Errors.
    post(
        f"{SOURCE}/datatables/",
        {
            "name": "faulty",
            "json_schema": {
                "fields": [{"name": "age", "type": "integer", "constraints": {"minLength": 3}}],
                "primaryKey": ["age"],
            },
        },
        {"json_schema": [re.compile(r"Invalid Frictionless schema: Field 'age' has invalid constraints.*")]},
        400,
    ),
    get(f"{POSTS}/999/", {"detail": "Not found."}, 404),
    # Management lists in pages.
    post("/api/apps/", {"name": "Third"}),
    get(
        f"/api/apps/{query(page='2', page_size='1')}",
        {
            "count": 3,
            "next": re.compile(r"http://127\.0\.0\.1:\d+/api/apps/\?.*page=3.*"),
            "previous": re.compile(r"http://127\.0\.0\.1:\d+/api/apps/\?.*page=1.*"),
            "results": [{"id": int, "name": str, "slug": str}],
        },
    ),
    # What goes away, and comes back.
    delete(f"{TABLE}/", 204),
    get(f"{TABLE}/", {"detail": "Not found."}, 404),
    delete(f"{APP}/datasources/analytics-db/", 204),
    put(
        f"{APP}/",
        {"name": "Updated Name", "description": "Updated description"},
        {
            "name": "Updated Name",
            "slug": "my-application",
            "description": "Updated description",
            "modified_by": int,
        },
    ),
    patch(f"{APP}/", {"description": "Just update description"}, {"description": "Just update description"}),
    delete(f"{APP}/", 204),
    get(f"{APP}/", {"detail": "Not found."}, 404),
    get(f"{POSTS}/", {"detail": "Not found."}, 404),
    post(f"{APP}/restore/", None, {"message": "App restored successfully"}, 200),
    get(f"{POSTS}/", {"total": 2}),
    # The walk through at the end of the reference.
    post(
        "/api/apps/",
        {"name": "E-Commerce Platform", "description": "Main e-commerce application"},
        {"slug": "e-commerce-platform"},
    ),
    post(
        "/api/apps/e-commerce-platform/datasources/",
        {"name": "Product Database", "slug": "products-db", "provider_type": "flat_table"},
        {"slug": "products-db", "provider_type": "flat_table"},
    ),
    post(
        "/api/apps/e-commerce-platform/datasources/products-db/datatables/",
        {"name": "products", "json_schema": PRODUCTS},
        {"name": "products", "field_names": ["id", "name", "price", "in_stock"]},
    ),
    get(
        "/api/apps/e-commerce-platform/stats/",
        {"total_tables": 1, "materialized_tables": 0, "unmaterialized_tables": 1},
    ),
    # Aggregation.
    post(
        "/api/apps/e-commerce-platform/datasources/products-db/datatables/",
        {"name": "goods", "json_schema": GOODS},
        {"name": "goods"},
    ),
    post(
        f"{GOODS_DATA}/",
        [
            {"category": "books", "price": 100.5},
            {"category": "books", "price": 20},
            {"category": "toys", "price": 3},
        ],
        {"data": [{"category": "books"}]},
    ),
    get(
        f"{GOODS_DATA}/?_aggregate=sum(price)&_group_by=category",
        {
            "data": [{"category": "books", "sum_price": 120.5}, {"category": "toys", "sum_price": 3}],
            "total": 2,
            "page": 1,
            "page_size": 20,
        },
    ),
)


MAGAZINE = "/api/apps/magazine/datatables"
RELATED = (
    post("/api/apps/", {"name": "Magazine"}),
    post("/api/apps/magazine/datasources/", {"name": "Main"}),
    *(
        post("/api/apps/magazine/datasources/main/datatables/", {"name": name, "json_schema": schema})
        for name, schema in (
            ("authors", AUTHORS_SCHEMA),
            ("posts", POSTS_SCHEMA | {"foreignKeys": [refers("author_id", "authors")]}),
            ("comments", COMMENTS_SCHEMA),
        )
    ),
    post(f"{MAGAZINE}/authors/data/", {"id": 5, "name": "Ann", "email": ALICE}),
    post(f"{MAGAZINE}/posts/data/", [{"id": 7, "title": "T", "author_id": 5}, {"id": 8, "title": "U"}]),
    post(f"{MAGAZINE}/comments/data/", {"id": 1, "post_id": 7}),
    get(
        f"{MAGAZINE}/posts/data/{query(populate='author,comments')}",
        {
            "data": [
                {
                    "id": 7,
                    "title": "T",
                    "author_id": 5,
                    "author": {"id": 5, "name": "Ann"},
                    "comments": [{"id": 1, "post_id": 7}],
                },
                {"id": 8, "author_id": None, "author": None, "comments": []},
            ],
            "total": 2,
            "page": 1,
            "page_size": 20,
        },
    ),
    get(
        f"{MAGAZINE}/posts/data/{query(populate='*')}",
        {
            "data": [{"id": 7, "author_id": 5, "author": {"id": 5}}],
            "total": 2,
            "page": 1,
            "page_size": 20,
        },
    ),
    get(f"{MAGAZINE}/posts/data/7/{query(populate='*')}", {"data": {"id": 7, "author": {"name": "Ann"}}}),
    get(
        f"{MAGAZINE}/posts/data/7/{query(populate='author_id,comments')}",
        {"data": {"id": 7, "author_id": {"id": 5}, "comments": [{"id": 1}]}},
    ),
    get(f"{MAGAZINE}/posts/data/{query(populate='nobody')}", {"populate": list}, 400),
)


PEOPLE: dict[str, Any] = {
    "fields": [{"name": "id", "type": "integer"}, {"name": "name", "type": "string"}],
    "primaryKey": ["id"],
    "graph": {"types": ["manager", "mentor", {"name": "dotted_line", "inverse": "dotted_reports"}]},
}
STAFF = "/api/apps/staff/datatables/people"
GRAPH = (
    post("/api/apps/", {"name": "Staff"}),
    post("/api/apps/staff/datasources/", {"name": "Main"}),
    post("/api/apps/staff/datasources/main/datatables/", {"name": "people", "json_schema": PEOPLE}),
    post(f"{STAFF}/data/", [{"name": name} for name in ("Ann", "Bob", "Cid", "Dan")]),
    post(
        f"{STAFF}/edges/",
        [
            {"from": 1, "to": 2, "type": "manager", "metadata": {"department": "Engineering"}},
            {"from": 1, "to": 3, "type": "mentor", "metadata": {"since": "2024-01-01"}},
        ],
        {
            "data": [
                {"id": 1, "from_id": 1, "to_id": 2, "type": "manager"},
                {"id": 2, "from_id": 1, "to_id": 3, "type": "mentor"},
            ]
        },
    ),
    get(
        f"{STAFF}/edges/{query(from_id='1', to_id='2', types='manager,dotted_line', limit='100')}",
        {
            "data": [
                {
                    "id": 1,
                    "from_id": 1,
                    "to_id": 2,
                    "type": "manager",
                    "metadata": {"department": "Engineering"},
                    "created_at": MOMENT,
                }
            ],
            "total": 1,
        },
    ),
    get(f"{STAFF}/data/?format=flat", {"data": [{"id": 1}], "total": 4, "page": 1, "page_size": 20}),
    get(
        f"{STAFF}/data/1/{query(format='tree', include='ancestors')}",
        {"data": [{"id": 1, "_depth": 0, "children": [{"id": 2, "_depth": 1, "children": []}]}], "total": 3},
    ),
    get(f"{STAFF}/data/?format=tree", {"data": [{"id": 2, "children": [{"id": 1}]}, {"id": 4}], "total": 4}),
    get(
        f"{STAFF}/data/?format=graph",
        {"data": {"nodes": [{"id": 1}], "edges": [{"id": 1, "from": 1, "to": 2}]}, "total": 4},
    ),
    Step("DELETE", f"{STAFF}/edges/", 200, {"deleted": 2}, {"edge_ids": [1, 2, 12]}),
)
