"""Change feeds of tables of documents: the cases of ordinary tables, and where values move inside of rows."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tables.changes.following import Follower
from tests.tables.changes.test_feed import (
    test_a_transaction_that_ends_late,
    test_deleted_records_that_are_kept,
    test_deletes_that_cascade,
    test_every_type_comes_back_as_it_is_read,
    test_every_way_to_write,
    test_keys_of_several_fields,
    test_many_writers_and_readers,
    test_of_one_record_the_later_change_comes_later,
    test_pages_of_a_large_insert,
    test_what_a_condition_lets_through,
    test_where_to_begin,
)
from tests.tables.changes.test_schema_changes import (
    CODE,
    NAME,
    PRICE,
    alter,
    fed,
    roll_back,
    schema,
    test_a_feed_begins_with_a_table_in_use,
    test_a_field_that_comes_again_is_another,
    test_changes_are_shown_under_the_names_of_today,
    test_search_fields_come_and_go,
    test_what_was_taken_back_is_not_shown_as_something_else,
)
from tests.tables.workbench import Workbench

__all__ = [
    "test_a_feed_begins_with_a_table_in_use",
    "test_a_field_that_comes_again_is_another",
    "test_a_transaction_that_ends_late",
    "test_changes_are_shown_under_the_names_of_today",
    "test_deleted_records_that_are_kept",
    "test_deletes_that_cascade",
    "test_every_type_comes_back_as_it_is_read",
    "test_every_way_to_write",
    "test_keys_of_several_fields",
    "test_many_writers_and_readers",
    "test_of_one_record_the_later_change_comes_later",
    "test_pages_of_a_large_insert",
    "test_search_fields_come_and_go",
    "test_what_a_condition_lets_through",
    "test_what_was_taken_back_is_not_shown_as_something_else",
    "test_where_to_begin",
]
pytestmark = pytest.mark.anyio
Json = dict[str, Any]


async def shown(table: Any, name: str) -> list[Any]:
    return [one["record"][name] for one in await Follower(table).catch_up() if one["record"]]


async def test_a_member_that_becomes_a_column(workbench: Workbench) -> None:
    """A foreign key takes the values out of the documents, also of records that were noted before."""
    target = await workbench.table(NAME)
    await target.add({"name": "x"}, {"name": "y"})
    link = {"name": "link", "type": "integer"}
    table = await fed(workbench, NAME, link)
    await table.add({"name": "a", "link": 1}, {"name": "b"})
    keys = [{"fields": "other", "reference": {"resource": target.name, "fields": "id"}}]
    other = {"name": "other", "type": "integer", "x-rename-from": "link"}
    await alter(workbench, table, schema(NAME, other, foreignKeys=keys))
    await table.add({"name": "c", "other": 2})
    assert await shown(table, "other") == [1, None, 2]
    await roll_back(workbench, table)
    assert await shown(table, "link") == [1, None, 2]
    await table.patch({"link": 77}, "/1")
    assert await shown(table, "link") == [1, None, 2, 77]
    assert (await table.rows())[0]["link"] == 77


async def test_names_that_go_round(workbench: Workbench) -> None:
    """A column takes the name of a member, which becomes a column under another one."""
    target = await workbench.table(NAME)
    await target.add({"name": "x"}, {"name": "y"})

    def key(name: str) -> Json:
        return {"fields": name, "reference": {"resource": target.name, "fields": "id"}}

    one, two = {"name": "one", "type": "integer"}, {"name": "two", "type": "integer"}
    table = await workbench.table(one, two, foreignKeys=[key("one")], changes=True)
    await table.add({"one": 1, "two": 2})
    three = {"name": "three", "type": "integer", "x-rename-from": "two"}
    moved = schema({**two, "x-rename-from": "one"}, three, foreignKeys=[key("two"), key("three")])
    await alter(workbench, table, moved)
    assert await table.rows() == [{"id": 1, "two": 1, "three": 2}]
    assert (await shown(table, "two"), await shown(table, "three")) == ([1], [2])
    await roll_back(workbench, table)
    assert await table.rows() == [{"id": 1, "one": 1, "two": 2}]
    assert (await shown(table, "one"), await shown(table, "two")) == ([1], [2])


async def test_a_default_for_records_that_do_not_say(workbench: Workbench) -> None:
    """Changes of before a field show what the table shows of such records."""
    table = await fed(workbench, NAME)
    await table.add({"name": "a"}, {"name": "b"})
    colour = {"name": "colour", "type": "string", "default": "red"}
    await alter(workbench, table, schema(NAME, colour))
    await table.patch({"name": "c"}, "/1")
    await table.patch({"colour": None}, "/2")
    assert await shown(table, "colour") == ["red", "red", "red", None]
    assert [row["colour"] for row in await table.rows()] == ["red", None]


async def test_a_field_of_another_type_shows_nothing(workbench: Workbench) -> None:
    table = await fed(workbench, NAME, CODE, PRICE)
    await table.add({"name": "a", "code": "7", "price": 1})
    count = {"name": "code", "type": "integer"}
    await alter(workbench, table, schema(NAME, count, PRICE), allow_data_loss="true")
    await table.add({"name": "b", "code": 8, "price": 2})
    assert await shown(table, "code") == [None, 8]
    await roll_back(workbench, table)
    assert await shown(table, "code") == [None, None]
    assert [row["code"] for row in await table.rows()] == ["7", "8"]
    await table.patch({"price": 3}, "/1")
    assert await shown(table, "code") == [None, None, "7"]
