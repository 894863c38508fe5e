"""The statements that change the schema of a table of documents, each with what undoes it.

Fields that have columns change as in ordinary tables. Of the others, adding, dropping and renaming touch no record:
what a document holds stays, and the view is made anew. Only another type rewrites, and a foreign key, which needs a
column.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from penstock.kit import ids, sql
from penstock.tables.models import UNSET, Field, ForeignKey, Index, TableSchema
from penstock.tables.providers.jsonb import following, making
from penstock.tables.providers.jsonb.layout import (
    DOCUMENT,
    Layout,
    member_of,
    needs_column,
    object_of,
    typed,
)
from penstock.tables.schema import checks, conversions, ddl, feeds, identity
from penstock.tables.schema.alter import Builder, Targets, counting, rule_of, words_of
from penstock.tables.schema.ddl import Later, Place, Rule, Step
from penstock.tables.schema.diff import ORDER, Change, Followed, Kind, Version

_DOCUMENT = sql.identifier(DOCUMENT)
# Numbers are the same in a document, whatever kind of number they are.
_SAME_MEMBER = frozenset({("year", "integer"), ("year", "number"), ("integer", "number")})
_FRAME = Change(Kind.RENAME_FIELD, "")
_OF_FEEDS = (Kind.STOP_CHANGES, Kind.FOLLOW_CHANGES, Kind.START_CHANGES)


def steps(
    place: Place,
    name: str,
    old: Version,
    new: Version,
    changes: Sequence[Change],
    targets: Targets,
    *,
    large: bool,
    table_id: int,
    layout: Layout,
) -> list[tuple[Change, Step]]:
    """As `schema.alter.steps`; where the view changes, it goes before the fields do and comes back after them."""
    builder = _Documents(place, name, old, new, targets, large, table_id, layout)
    begin, middle, end = _parts(changes)
    moved = sorted({one for change in end for one in change.after.fields if change.kind is Kind.ADD_KEY})
    before = [(change, builder.of(change)) for change in begin]
    between = [(change, builder.of(change)) for change in middle if not _comes_late(change)]
    between += [(_FRAME, builder.move(one)) for one in moved if builder.is_member(one)]
    between += [(change, builder.of(change)) for change in middle if _comes_late(change)]
    after = [(change, builder.of(change)) for change in end]
    after += builder.feed(changes)
    shown = making.create_view(place, old.schema, layout)
    shows = making.create_view(place, new.schema, builder.layout)
    # A view also keeps the type of a column as it is.
    retypes = any(change.kind is Kind.CHANGE_TYPE for change, _ in between)
    if between and (shown != shows or retypes):
        counted = making.statistics(place, old.schema, layout)
        counts = making.statistics(place, new.schema, builder.layout)
        gone = [f"DROP STATISTICS IF EXISTS {name};" for name in counted if name not in counts]
        come = [text for name, text in counts.items() if name not in counted]
        uncome = [f"DROP STATISTICS IF EXISTS {name};" for name in counts if name not in counted]
        ungone = [text for name, text in counted.items() if name not in counts]
        drop = making.drop_view(place)
        between = _framed(
            between,
            (_joined(drop, *gone), _joined(*ungone, shown)),
            (_joined(*come, shows), _joined(drop, *uncome)),
        )
    return [*before, *between, *after]


def _framed(
    steps: list[tuple[Change, Step]], before: tuple[str, str], after: tuple[str, str]
) -> list[tuple[Change, Step]]:
    """What is done before the first step and after the last one, each with what undoes it."""
    change, step = steps[0]
    begun = replace(
        step, sql=_joined(before[0], step.sql), rollback_sql=_joined(step.rollback_sql or "", before[1])
    )
    steps = [(change, begun), *steps[1:]]
    change, step = steps[-1]
    ended = replace(
        step, sql=_joined(step.sql, after[0]), rollback_sql=_joined(after[1], step.rollback_sql or "")
    )
    return [*steps[:-1], (change, ended)]


def _joined(*texts: str) -> str:
    return "\n".join(filter(None, texts))


def _note(words: str, name: str) -> str:
    """What stands in the history where there is nothing to do."""
    return f"-- {words} {sql.identifier(name)}."


def _parts(changes: Sequence[Change]) -> tuple[list[Change], list[Change], list[Change]]:
    """Foreign keys go before everything else and come after it; feeds are no part of the table."""
    return (
        [one for one in changes if one.kind is Kind.DROP_KEY],
        [one for one in changes if one.kind not in (Kind.DROP_KEY, Kind.ADD_KEY, *_OF_FEEDS)],
        [one for one in changes if one.kind is Kind.ADD_KEY],
    )


def _comes_late(change: Change) -> bool:
    return ORDER.index(change.kind) > ORDER.index(Kind.ADD_FIELD)


class _Documents(Builder):
    def __init__(
        self,
        place: Place,
        name: str,
        old: Version,
        new: Version,
        targets: Targets,
        large: bool,
        table_id: int,
        layout: Layout,
    ) -> None:
        super().__init__(place, name, old, new, targets, large, table_id)
        self.first = self.layout = layout

    def of(self, change: Change) -> Step:
        own = _STEPS.get(change.kind)
        if own is None or (change.kind in _OF_FIELDS and not self.is_member(self._field(change))):
            return self._of_column(change)
        return self.marked(change, own(self, change))

    def is_member(self, name: str) -> bool:
        return name in self.layout.members

    def _field(self, change: Change) -> str:
        return change.before if change.kind is Kind.RENAME_FIELD else change.name

    def _of_column(self, change: Change) -> Step:
        """As in an ordinary table; the layout learns of it."""
        step = super().of(change)
        columns = self.layout.columns
        if change.kind is Kind.DROP_FIELD:
            self._lay(columns=tuple(one for one in columns if one != change.name))
        elif change.kind is Kind.RENAME_FIELD:
            self._lay(columns=tuple(change.after if one == change.before else one for one in columns))
        return step

    def _lay(self, **changes: Any) -> None:
        self.layout = msgspec.structs.replace(self.layout, **changes)

    # The change feed.

    def feed(self, changes: Sequence[Change]) -> list[tuple[Change, Step]]:
        """Comes last, when it is known where all values are."""
        found: list[tuple[Change, Step]] = []
        for change in changes:
            if change.kind is Kind.STOP_CHANGES:
                found.append((change, self.marked(change, feeds.stop_step(self.table_id, self.place))))
            elif change.kind is Kind.START_CHANGES:
                found.append((change, self.marked(change, feeds.start_step(self.table_id, self.place))))
        if self.old.changes and self.new.changes:
            change = next((one for one in changes if one.kind is Kind.FOLLOW_CHANGES), _FRAME)
            step = self._follow(change.after or Followed(self.new, {}, {}))
            if step.sql or step.rollback_sql:
                found.append((change, self.marked(change, step)))
        return found

    def _follow(self, followed: Followed) -> Step:
        readings = following.readings(self.first, self.layout, followed, self._old_name, self.added)
        return feeds.follow_step(self.table_id, self.place, *readings)

    def _old_name(self, name: str) -> str:
        return self.old_names.get(name, name)

    # Fields.

    def add_field(self, change: Change) -> Step:
        field: Field = change.after
        if needs_column(field, self.new):
            step = super().add_field(change)
            self._lay(columns=(*self.layout.columns, field.name))
            return step
        missing = dict(self.layout.missing)
        if field.default is not UNSET and field.default is not None:
            missing[field.name] = _json(field.default)
        # What a rollback leaves in the documents must never come back as the values of another field.
        key = f"{field.name}#{ids.lower(6)}"
        self._lay(members={**self.layout.members, field.name: key}, missing=missing)
        actions, after = self._checked(field)
        text = [_note("Documents hold it under", key)]
        text += [self.alter(*actions)] if actions else []
        undo = [self.alter(*(_if_exists(name) for name in self._check_names(field)))] if actions else []
        if ddl.has_unique(field, self.new):
            if self.large:
                after = (*after, *self._unique_later(field))
            else:
                text.append(making.unique(self.place, self.layout, field))
            undo.append(self._drop_unique(field))
        step = Step("ALTER", f"Add column '{field.name}'", "\n".join(text), "\n".join(undo), after)
        if field.constraints.required and field.name not in missing:
            step = replace(step, probe=counting(self.place.sql), obstacle="have no value for it")
        return step

    def _checked(self, field: Field) -> tuple[list[str], tuple[Later, ...]]:
        """The checks of a field as actions; of a large table, with what validates them later."""
        found = making.member_checks(self.place, self.layout, field)
        late = " NOT VALID" if self.large else ""
        actions = [f"ADD {check}{late}" for check in found.values()]
        if not self.large:
            return actions, ()
        return actions, tuple(
            self._validate(ddl.check_name(self.place, field, kind), rule_of(field.name, kind))
            for kind in found
        )

    def _check_names(self, field: Field) -> list[str]:
        return [
            ddl.check_name(self.place, field, kind)
            for kind in making.member_checks(self.place, self.layout, field)
        ]

    def drop_field(self, change: Change) -> Step:
        field: Field = change.before
        names = self._check_names(field)
        key = self.layout.members[field.name]
        drop = [_note("Nothing reads any more what documents hold under", key)]
        # As with a column that is dropped, the values do not come back.
        empty = f"{_DOCUMENT} - {sql.literal(key)}"
        undo = [f"UPDATE {self.place.sql} SET {_DOCUMENT} = {empty} WHERE {_DOCUMENT} ? {sql.literal(key)};"]
        if (default := ddl.default_of(field)) is not None and field.name not in self.layout.missing:
            member = object_of([(key, member_of(field, default))])
            undo = [f"UPDATE {self.place.sql} SET {_DOCUMENT} = {_DOCUMENT} || {member};"]
        undo_after: tuple[Later, ...] = ()
        if names:
            drop.append(self.alter(*map(_if_exists, names)))
            actions, undo_after = self._checked(field)
            undo.append(self.alter(*actions))
        if ddl.has_unique(field, self.old):
            drop.append(self._drop_unique(field))
            if self.large:
                undo_after = (*undo_after, *self._unique_later(field))
            else:
                undo.append(making.unique(self.place, self.layout, field))
        self._lay(
            members={name: one for name, one in self.layout.members.items() if name != field.name},
            missing={name: one for name, one in self.layout.missing.items() if name != field.name},
        )
        self.current = replace(
            self.current, fields=tuple(one for one in self.current.fields if one.name != field.name)
        )
        text = f"Drop column '{field.name}'"
        return Step("ALTER", text, "\n".join(drop), "\n".join(undo), rollback_after=undo_after)

    def rename_field(self, change: Change) -> Step:
        since, to = change.before, change.after
        before = self.current.by_name[since]
        after = replace(before, name=to)
        names = zip(self._check_names(before), self._names_as(before, after), strict=True)
        moved = [("ALTER TABLE {t} RENAME CONSTRAINT {a} TO {b};", one, other) for one, other in names]
        if ddl.has_unique(before, self.current):
            pair = (ddl.unique_name(self.place, before), ddl.unique_name(self.place, after))
            moved.append(("ALTER INDEX {s}.{a} RENAME TO {b};", *pair))
        self.current = identity.renamed(self.current, {since: to}, self.own)
        self._lay(
            members={to if name == since else name: one for name, one in self.layout.members.items()},
            missing={to if name == since else name: one for name, one in self.layout.missing.items()},
        )
        do = [_note("Documents go on to hold it under", self.layout.members[to])]
        do += [self._renaming(text, one, other) for text, one, other in moved]
        undo = [self._renaming(text, other, one) for text, one, other in reversed(moved)]
        return Step("RENAME", f"Rename column '{since}' to '{to}'", "\n".join(do), "\n".join(undo))

    def _names_as(self, before: Field, after: Field) -> list[str]:
        kinds = making.member_checks(self.place, self.layout, before)
        return [ddl.check_name(self.place, after, kind) for kind in kinds]

    def _renaming(self, text: str, since: str, to: str) -> str:
        schema, table = sql.identifier(self.place.schema), self.place.sql
        return text.format(t=table, s=schema, a=sql.identifier(since), b=sql.identifier(to))

    def change_type(self, change: Change) -> Step:
        before, after = replace(change.before, name=change.after.name), change.after
        text = f"Change type of '{after.name}' from {conversions.kind(before)} to {conversions.kind(after)}"
        unsound = conversions.unsound(before, after, typed(self.layout, after))
        if not conversions.rewrites(before, after):
            verify = counting(f"{self.place.sql} WHERE {unsound}") if unsound else None
            return Step("ALTER", text, "", "", verify=verify)
        self.retyped.add(after.name)
        old = self.layout
        self._lay(missing={name: one for name, one in old.missing.items() if name != after.name})
        unsound = conversions.unsound(before, after, typed(self.layout, after))
        return Step(
            "ALTER",
            text,
            self._rewrite(old, before, self.layout, after),
            self._rewrite(self.layout, after, old, before),
            verify=counting(f"{self.place.sql} WHERE {unsound}") if unsound else None,
            rewrites=True,
        )

    def _rewrite(self, was: Layout, before: Field, will: Layout, after: Field) -> str:
        """The values of all documents anew; what is unique or required is so by expressions that read the type."""
        value = typed(was, before)
        made = member_of(after, conversions.using(before, after, value))
        key = sql.literal(will.members[after.name])
        required = _if_exists(ddl.check_name(self.place, before, "required"))
        texts = [self.alter(required)]
        unique = ddl.has_unique(before, self.old) and ddl.has_unique(after, self.new)
        if unique:
            texts.append(self._drop_unique(before))
        same = (conversions.kind(before), conversions.kind(after)) in _SAME_MEMBER
        if not same or after.name in was.missing:
            texts.append(
                f"UPDATE {self.place.sql} SET {_DOCUMENT} = {_DOCUMENT} || jsonb_build_object({key}, {made}) "
                f"WHERE {value} IS NOT NULL;"
            )
        if before.constraints.required and after.constraints.required:
            texts.append(self.alter(f"ADD {making.member_checks(self.place, will, after)['required']}"))
        if unique:
            texts.append(making.unique(self.place, will, after))
        return "\n".join(texts)

    def change_default(self, change: Change) -> Step:
        """Defaults of members are the writer's; the table says them to whoever looks at it."""

        def say(value: str | None) -> str:
            words = f"Default of {change.name}: {value}" if value is not None else None
            return f"COMMENT ON TABLE {self.place.sql} IS {sql.literal(words)};"

        text = f"Change default of '{change.name}'"
        return Step("ALTER", text, say(change.after), say(change.before))

    def move(self, name: str) -> Step:
        """A member becomes a column, as a foreign key needs it."""
        field = self.new.by_name[name]
        if name not in self.retyped and name in self.current.by_name:
            field = self.current.by_name[name]
        was, key = self.layout, self.layout.members[name]
        members = {one: key for one, key in was.members.items() if one != name}
        missing = {one: text for one, text in was.missing.items() if one != name}
        self._lay(columns=(*was.columns, name), members=members, missing=missing)
        column, value = sql.identifier(name), typed(was, field)
        table, document = self.place.sql, _DOCUMENT
        indexes = [one for one in self.current.indexes if name in one.fields]
        gone = [self._drop_indexes(indexes), self._without_constraints(field, was)]
        do = [
            *gone,
            self.alter(f"ADD COLUMN {column} {ddl.column_type(field)}"),
            f"UPDATE {table} SET {column} = {value}, {document} = {document} - {sql.literal(key)} "
            f"WHERE {document} ? {sql.literal(key)} OR {value} IS NOT NULL;",
            self._with_constraints(field, self.layout),
            *(making.create_index(self.place, self.current, self.layout, one) for one in indexes),
        ]
        undo = [
            self._drop_indexes(indexes),
            f"UPDATE {table} SET {document} = {document} || jsonb_build_object({sql.literal(key)}, "
            f"{member_of(field, column)});",
            self.alter(f"DROP COLUMN {column}"),
            self._with_constraints(field, was),
            *(making.create_index(self.place, self.current, was, one) for one in indexes),
        ]
        return Step(
            "ALTER",
            f"Give '{name}' a column of its own",
            "\n".join(filter(None, do)),
            "\n".join(filter(None, undo)),
            rewrites=True,
        )

    def _drop_indexes(self, indexes: Sequence[Index]) -> str:
        return "\n".join(ddl.drop_index(self.place, one) for one in indexes)

    def _without_constraints(self, field: Field, layout: Layout) -> str:
        names = [
            ddl.check_name(self.place, field, kind)
            for kind in making.member_checks(self.place, layout, field)
        ]
        texts = [self.alter(*map(_if_exists, names))] if names else []
        if ddl.has_unique(field, self.current):
            texts.append(self._drop_unique(field))
        return "\n".join(texts)

    def _with_constraints(self, field: Field, layout: Layout) -> str:
        actions = [f"ADD {one}" for one in making.member_checks(self.place, layout, field).values()]
        texts: list[str] = []
        column = sql.identifier(field.name)
        if field.name in layout.columns:
            if field.constraints.required:
                actions.append(f"ALTER COLUMN {column} SET NOT NULL")
            if (default := ddl.column_default(field, self.current)) is not None:
                actions.append(f"ALTER COLUMN {column} SET DEFAULT {default}")
            if ddl.has_unique(field, self.current):
                actions.append(f"ADD {ddl.unique(self.place, field)}")
        elif ddl.has_unique(field, self.current):
            texts.append(making.unique(self.place, layout, field))
        return "\n".join([*([self.alter(*actions)] if actions else []), *texts])

    # Constraints of members.

    def relax(self, change: Change) -> Step:
        field: Field = change.after
        name = ddl.check_name(self.place, field, "required")
        undo, undo_after = self._added(name, self._required(field))
        drop = self.alter(_if_exists(name))
        undo_after = undo_after and self._validated_before(change, "required")
        return Step("ALTER", f"Make '{field.name}' optional", drop, undo, rollback_after=undo_after)

    def require(self, change: Change) -> Step:
        field: Field = change.after
        name = ddl.check_name(self.place, field, "required")
        do, after = self.alter(f"ADD {self._required(field)}"), ()
        if self._takes_later(change):
            do, after = self._added(name, self._required(field), rule=rule_of(field.name, "required"))
        probe = self._probe(change, lambda value: f"{value} IS NULL")
        text = f"Require '{field.name}'"
        undo = self.alter(_if_exists(name))
        return Step("ALTER", text, do, undo, after, probe=probe, obstacle="have no value")

    def _required(self, field: Field) -> str:
        condition = f"{typed(self.layout, field)} IS NOT NULL"
        return making.check(self.place, field, "required", condition)

    def drop_check(self, change: Change) -> Step:
        field: Field = change.before
        name = ddl.check_name(self.place, field, change.what)
        rule = rule_of(field.name, change.what)
        undo, undo_after = self._added(name, self._condition(field, change.what), rule=rule)
        step = super().drop_check(change)
        return replace(step, rollback_sql=undo, rollback_after=undo_after)

    def add_check(self, change: Change) -> Step:
        field: Field = change.after
        undo = self.alter(_if_exists(ddl.check_name(self.place, field, change.what)))
        check = self._condition(field, change.what)
        return self._check(change, f"Add {words_of(change.what)}", check, undo, ())

    def change_check(self, change: Change) -> Step:
        field: Field = change.after
        before = replace(change.before, name=field.name)
        name = ddl.check_name(self.place, field, change.what)
        new, old = (self._condition(one, change.what) for one in (field, before))
        drop = _if_exists(name)
        undo, undo_after = self._added(name, old, drop)
        undo_after = undo_after and self._validated_before(change, change.what)
        return self._check(change, f"Change {words_of(change.what)}", new, undo, undo_after, drop)

    def _validated_before(self, change: Change, what: str) -> tuple[Later, ...]:
        """What comes after a rollback finds the field, and its constraints, under the old names."""
        field: Field = change.before
        name = ddl.check_name(self.place, field, what)
        return (self._validate(name, rule_of(field.name, what)),)

    def _condition(self, field: Field, kind: str) -> str:
        return making.check(
            self.place, field, kind, dict(checks.as_sql(field, typed(self.layout, field)))[kind]
        )

    def drop_unique(self, change: Change) -> Step:
        field: Field = change.before
        undo, undo_after = making.unique(self.place, self.layout, field), ()
        if self.large:
            undo, undo_after = "", self._unique_later(field)
        self._constrain(field.name, unique=False)
        drop = self._drop_unique(field)
        return Step("ALTER", f"Let '{field.name}' repeat", drop, undo, rollback_after=undo_after)

    def add_unique(self, change: Change) -> Step:
        field: Field = change.after
        do, after = making.unique(self.place, self.layout, field), ()
        if self._takes_later(change):
            do, after = "", self._unique_later(field)
        probe = self._repeated([self._old_column(change.name)]) if self._is_plain(change) else None
        undo = self._drop_unique(field)
        text = f"Make '{field.name}' unique"
        return Step("ALTER", text, do, undo, after, probe=probe, obstacle="have a value that others have too")

    def _drop_unique(self, field: Field) -> str:
        name = sql.qualified(self.place.schema, ddl.unique_name(self.place, field))
        return f"DROP INDEX IF EXISTS {name};"

    def _unique_later(self, field: Field) -> tuple[Later, ...]:
        if not self.is_member(field.name):
            return super()._unique_later(field)
        build = making.unique(self.place, self.layout, field, concurrently=True)
        return (Later(build, ddl.unique_name(self.place, field), rule_of(field.name, "unique")),)

    # Indexes, which are over expressions.

    def drop_index(self, change: Change) -> Step:
        schema, index = self.current, change.before
        step = super().drop_index(change)
        if self.large:
            return replace(step, rollback_after=self._built(schema, index))
        undo = making.create_index(self.place, schema, self.layout, index, unless_there=True)
        return replace(step, rollback_sql=undo)

    def add_index(self, change: Change) -> Step:
        step, index = super().add_index(change), change.after
        if step.after:
            return replace(step, after=self._built(self.new, index))
        return replace(step, sql=making.create_index(self.place, self.new, self.layout, index))

    def _built(self, schema: TableSchema, index: Index) -> tuple[Later, ...]:
        build = making.create_index(self.place, schema, self.layout, index, concurrently=True)
        return (Later(build, ddl.index_name(self.place, index), Rule("index", index.name)),)

    def drop_search(self, change: Change) -> Step:
        schema: TableSchema = change.before
        name = sql.qualified(self.place.schema, ddl.search_name(self.place))
        undo, undo_after = making.create_search_index(self.place, schema, self.layout), ()
        if self.large:
            undo, undo_after = "", self._search_later(schema)
        self.current = replace(self.current, search_fields=())
        drop = f"DROP INDEX {name};"
        return Step("INDEX", "Drop the index of the search fields", drop, undo, rollback_after=undo_after)

    def add_search(self, change: Change) -> Step:
        schema: TableSchema = change.after
        name = sql.qualified(self.place.schema, ddl.search_name(self.place))
        do, after = making.create_search_index(self.place, schema, self.layout), ()
        if self.large:
            do, after = "", self._search_later(schema)
        return Step("INDEX", "Index the search fields", do, f"DROP INDEX IF EXISTS {name};", after)

    def _search_later(self, schema: TableSchema) -> tuple[Later, ...]:
        build = making.create_search_index(self.place, schema, self.layout, concurrently=True)
        return (Later(build, ddl.search_name(self.place)),)

    def _orphans(self, key: ForeignKey, target: Place) -> str:
        own = [f"({typed(self.first, self._old_field(one), 't.')})" for one in key.fields]
        theirs = [f"p.{sql.identifier(one)}" for one in key.reference_fields]
        same = " AND ".join(f"{one} = {other}" for one, other in zip(own, theirs, strict=True))
        filled = " AND ".join(f"{one} IS NOT NULL" for one in own)
        return counting(
            f"{self.place.sql} AS t WHERE {filled} AND NOT EXISTS (SELECT FROM {target.sql} AS p WHERE {same})"
        )

    def _old_field(self, name: str) -> Field:
        return self.old.by_name[self._old_name(name)]

    def _old_column(self, name: str) -> str:
        return typed(self.first, self._old_field(name))


def _if_exists(name: str) -> str:
    return f"DROP CONSTRAINT IF EXISTS {sql.identifier(name)}"


def _json(value: Any) -> str:
    return msgspec.json.Encoder(decimal_format="number").encode(checks.comparable(value)).decode()


# Kinds that change a field, which has a column or not.
_OF_FIELDS = frozenset(
    {
        Kind.DROP_UNIQUE, Kind.DROP_CHECK, Kind.DROP_FIELD, Kind.RENAME_FIELD, Kind.CHANGE_TYPE, Kind.CHANGE_DEFAULT,
        Kind.RELAX, Kind.REQUIRE, Kind.CHANGE_CHECK, Kind.ADD_CHECK, Kind.ADD_UNIQUE,
    }
)  # fmt: skip
_STEPS: Mapping[Kind, Callable[[_Documents, Change], Step]] = {
    Kind.DROP_INDEX: _Documents.drop_index,
    Kind.DROP_SEARCH: _Documents.drop_search,
    Kind.DROP_UNIQUE: _Documents.drop_unique,
    Kind.DROP_CHECK: _Documents.drop_check,
    Kind.DROP_FIELD: _Documents.drop_field,
    Kind.RENAME_FIELD: _Documents.rename_field,
    Kind.CHANGE_TYPE: _Documents.change_type,
    Kind.ADD_FIELD: _Documents.add_field,
    Kind.CHANGE_DEFAULT: _Documents.change_default,
    Kind.RELAX: _Documents.relax,
    Kind.REQUIRE: _Documents.require,
    Kind.CHANGE_CHECK: _Documents.change_check,
    Kind.ADD_CHECK: _Documents.add_check,
    Kind.ADD_UNIQUE: _Documents.add_unique,
    Kind.ADD_SEARCH: _Documents.add_search,
    Kind.ADD_INDEX: _Documents.add_index,
}
