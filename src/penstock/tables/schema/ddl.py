"""The statements that make a table: pure text from a `TableSchema`, executed by `materialize`.

Names of constraints are derived, so that a violation reported by the database leads back to fields.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import msgspec

from penstock.kit import sql
from penstock.tables.fields import BY_NAME
from penstock.tables.models import UNSET, Field, ForeignKey, Index, OnDelete, TableSchema
from penstock.tables.schema import checks
from penstock.tables.schema.language import SEARCH_COLUMN
from penstock.tables.schema.vectors import vector_indexes

if TYPE_CHECKING:
    from penstock.tables.schema.widening import Widening

ViolationKind = Literal["unique", "foreign", "check", "required"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a table's rows are."""

    schema: str
    name: str

    @property
    def sql(self) -> str:
        return sql.qualified(self.schema, self.name)


@dataclass(frozen=True, slots=True)
class Rule:
    """What of a schema a statement sees to: the constraint `what` of a field, an index, or a foreign key."""

    kind: Literal["constraint", "index", "foreign_key"]
    name: str
    what: str = ""
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Later:
    """A statement that comes after the transaction. `index` is the name of one that is built concurrently by it.

    Rows that came meanwhile may be in the way of the `rule` that it sees to.
    """

    sql: str
    index: str | None = None
    rule: Rule | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One statement of a plan, with the statement that undoes it.

    Of a large table some work is left to `after` the transaction, statement by statement, and so is some of what
    undoes it. A `probe` counts the rows that are in the way before anything is done, `verify` those that turn out
    to be once the step is done.
    """

    operation_type: str
    description: str
    sql: str
    rollback_sql: str | None
    after: tuple[Later, ...] = ()
    rollback_after: tuple[Later, ...] = ()
    probe: str | None = None
    verify: str | None = None
    # What such rows do, as in "3 rows break it".
    obstacle: str = "do not fit"
    rewrites: bool = False
    # What of the data is lost, so that somebody must have agreed to it.
    loses: str | None = None
    # The column that is written before, and what of it people are shown.
    widening: Widening | None = None
    before: str = ""
    # Whether values are made or lost, so that undoing it does not bring back all that was.
    keeps_values: bool = True

    @property
    def whole_sql(self) -> str:
        return "\n".join(one for one in (self.before, self.sql, *_texts(self.after)) if one)

    @property
    def whole_rollback_sql(self) -> str | None:
        if self.rollback_sql is None:
            return None
        return "\n".join(one for one in (self.rollback_sql, *_texts(self.rollback_after)) if one)


@dataclass(frozen=True, slots=True)
class Violation:
    """What a constraint of the database stands for."""

    kind: ViolationKind
    fields: tuple[str, ...]
    resource: str = ""


def _texts(later: Sequence[Later]) -> list[str]:
    return [one.sql for one in later]


def create_steps(place: Place, schema: TableSchema) -> list[Step]:
    """The table itself, its indexes and its search column; foreign keys are added when all tables stand."""
    drop = f"DROP TABLE {place.sql};"
    steps = [Step("CREATE", f"Create table with {len(schema.fields)} fields", _table(place, schema), drop)]
    steps += [
        Step("INDEX", f"Create index {one.name}", create_index(place, one), drop_index(place, one))
        for one in (*schema.indexes, *implied_indexes(schema))
    ]
    if schema.search_fields:
        drop = f"DROP INDEX {sql.qualified(place.schema, search_name(place))};"
        steps.append(Step("INDEX", "Index the search fields", create_search_index(place), drop))
    return steps


def foreign_key_step(place: Place, key: ForeignKey, target: Place) -> Step:
    return Step(
        "ALTER",
        f"Add foreign key ({', '.join(key.fields)}) to {key.resource or 'itself'}",
        f"ALTER TABLE {place.sql} ADD {foreign_key(place, key, target)};",
        f"ALTER TABLE {place.sql} DROP CONSTRAINT IF EXISTS {sql.identifier(foreign_name(place, key))};",
    )


def foreign_key(place: Place, key: ForeignKey, target: Place) -> str:
    action = key.on_delete.value
    if key.on_delete is OnDelete.RESTRICT:
        # Checked at the end of the statement, so that one delete may remove a parent together with its children.
        action = "NO ACTION"
    return (
        f"CONSTRAINT {sql.identifier(foreign_name(place, key))} FOREIGN KEY ({_columns(key.fields)}) "
        f"REFERENCES {target.sql} ({_columns(key.reference_fields)}) ON DELETE {action}"
    )


def implied_indexes(schema: TableSchema) -> tuple[Index, ...]:
    """Indexes that nobody declares."""
    return (*foreign_indexes(schema), *vector_indexes(schema))


def foreign_indexes(schema: TableSchema) -> tuple[Index, ...]:
    """Indexes by which the rows that refer to one are found: for each foreign key that no other index begins with.

    No declared index can have such a name.
    """
    keys = dict.fromkeys(key.fields for key in schema.foreign_keys)
    return tuple(Index(f"({', '.join(fields)})", fields) for fields in keys if not _leads(schema, fields))


def _leads(schema: TableSchema, fields: tuple[str, ...]) -> bool:
    """True when a btree over all rows begins with these fields, in any order."""
    ordered = [schema.primary_key, *((one.name,) for one in schema.fields if one.constraints.unique)]
    ordered += [one.fields for one in schema.indexes if one.method == "btree" and not one.where]
    return any(
        set(columns[: len(fields)]) == set(fields) for columns in ordered if len(columns) >= len(fields)
    )


def violations(place: Place, schema: TableSchema) -> Mapping[str, Violation]:
    """Every named constraint and unique index of the table, by its name in the database."""
    found = {_key_name(place): Violation("unique", schema.primary_key)}
    for field in schema.fields:
        if field.constraints.unique and (field.name,) != schema.primary_key:
            found[unique_name(place, field)] = Violation("unique", (field.name,))
        for kind, _ in checks.as_sql(field, ""):
            found[check_name(place, field, kind)] = Violation("check", (field.name,))
    for index in schema.indexes:
        if index.unique:
            found[index_name(place, index)] = Violation("unique", index.fields or (index.name,))
    for key in schema.foreign_keys:
        found[foreign_name(place, key)] = Violation("foreign", key.fields, key.resource)
    return found


def column_type(field: Field) -> str:
    return BY_NAME[field.type].column(field)


def _table(place: Place, schema: TableSchema) -> str:
    lines = [column(field, schema) for field in schema.fields]
    if schema.search_fields:
        lines.append(search_column(schema))
    lines.append(primary_key(place, schema))
    for field in schema.fields:
        if has_unique(field, schema):
            lines.append(unique(place, field))
        lines += field_checks(place, field).values()
    body = ",\n  ".join(lines)
    return f"CREATE TABLE {place.sql} (\n  {body}\n);"


def primary_key(place: Place, schema: TableSchema) -> str:
    return f"CONSTRAINT {sql.identifier(_key_name(place))} PRIMARY KEY ({_columns(schema.primary_key)})"


def has_unique(field: Field, schema: TableSchema) -> bool:
    """The key is unique by itself."""
    return field.constraints.unique and (field.name,) != schema.primary_key


def unique(place: Place, field: Field) -> str:
    return f"CONSTRAINT {sql.identifier(unique_name(place, field))} UNIQUE ({sql.identifier(field.name)})"


def field_checks(place: Place, field: Field) -> dict[str, str]:
    """The `CHECK` constraints of a column by kind."""
    return {
        kind: f"CONSTRAINT {sql.identifier(check_name(place, field, kind))} CHECK ({condition})"
        for kind, condition in checks.as_sql(field, sql.identifier(field.name))
    }


def column_default(field: Field, schema: TableSchema) -> str | None:
    """What the database puts where a row names no value, as SQL; generated keys are another matter."""
    generated = schema.generates_key()
    if generated is not None and generated.name == field.name:
        return None
    if (declared := default_of(field)) is not None:
        return declared
    if schema.manages(field.name):
        return "now()"
    return "false" if field.name == "is_deleted" and schema.soft_deletes else None


def column(field: Field, schema: TableSchema) -> str:
    parts = [sql.identifier(field.name), column_type(field)]
    generated = schema.generates_key()
    if generated is not None and generated.name == field.name:
        is_integer = field.type == "integer"
        parts.append("GENERATED BY DEFAULT AS IDENTITY" if is_integer else "DEFAULT gen_random_uuid()")
    elif (default := column_default(field, schema)) is not None:
        parts.append(f"DEFAULT {default}")
    if field.constraints.required or field.name in schema.primary_key:
        parts.append("NOT NULL")
    return " ".join(parts)


def default_of(field: Field) -> str | None:
    """The declared default as SQL."""
    if field.default is UNSET:
        return None
    kind = BY_NAME[field.type]
    if kind.incoming(field) != "jsonb":
        return sql.literal(checks.comparable(field.default))
    document = msgspec.json.Encoder(decimal_format="number").encode(field.default).decode()
    return kind.store(field, f"{sql.literal(document)}::jsonb")


def search_column(schema: TableSchema) -> str:
    vector = search_vector(schema, sql.identifier)
    return f"{sql.identifier(SEARCH_COLUMN)} tsvector GENERATED ALWAYS AS ({vector}) STORED"


def search_expression(schema: TableSchema, alias: str) -> str:
    """The search vector of a row that is called `alias`."""
    return search_vector(schema, lambda name: f"{alias}.{sql.identifier(name)}")


def search_vector(schema: TableSchema, column: Callable[[str], str]) -> str:
    """The words of the search fields, where `column` gives the SQL of a field."""
    language = sql.literal(schema.search_language)
    parts = [
        f"setweight(to_tsvector({language}::regconfig, coalesce({column(name)}, '')), {sql.literal(weight)})"
        for name, weight in schema.search_fields
    ]
    return " || ".join(parts)


def create_index(
    place: Place,
    index: Index,
    *,
    keys: Sequence[str] = (),
    concurrently: bool = False,
    unless_there: bool = False,
) -> str:
    """`keys` are the SQL of its fields where these are no columns."""
    name = sql.identifier(index_name(place, index))
    target = f"({index.expression})"
    if index.fields:
        target = ", ".join(keys) or _columns(index.fields)
    kind = "UNIQUE INDEX" if index.unique else "INDEX"
    if index.operators:
        target += f" {index.operators}"
    where = f" WITH ({index.options})" if index.options else ""
    where += f" WHERE {index.where}" if index.where else ""
    if unless_there:
        name = f"IF NOT EXISTS {name}"
    return f"CREATE {kind} {_when(concurrently)}{name} ON {place.sql} USING {index.method} ({target}){where};"


def drop_index(place: Place, index: Index) -> str:
    return f"DROP INDEX IF EXISTS {sql.qualified(place.schema, index_name(place, index))};"


def create_search_index(place: Place, *, concurrently: bool = False) -> str:
    name = sql.identifier(search_name(place))
    column = sql.identifier(SEARCH_COLUMN)
    return f"CREATE INDEX {_when(concurrently)}{name} ON {place.sql} USING gin ({column});"


def _when(concurrently: bool) -> str:
    return "CONCURRENTLY " if concurrently else ""


def _columns(names: tuple[str, ...]) -> str:
    return ", ".join(sql.identifier(name) for name in names)


def _key_name(place: Place) -> str:
    return sql.derived_name(place.name, "key")


def unique_name(place: Place, field: Field) -> str:
    return sql.derived_name(place.name, "unique", field.name)


def check_name(place: Place, field: Field, kind: str) -> str:
    return sql.derived_name(place.name, kind, field.name)


def search_name(place: Place) -> str:
    return sql.derived_name(place.name, "search")


def index_name(place: Place, index: Index) -> str:
    return sql.derived_name(f"{place.name}_{index.name}", "index")


def foreign_name(place: Place, key: ForeignKey) -> str:
    return sql.derived_name(place.name, "foreign", key.resource, *key.fields, "", *key.reference_fields)
