"""The statements that make one schema of a standing table into the next, each with what undoes it.

A small table is changed in one transaction. Of a large one nothing that takes long happens under a lock that keeps
readers or writers out: constraints are added `NOT VALID` and validated after the transaction, indexes are built
`CONCURRENTLY` after it, and the rows that would be in the way are looked for before it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from penstock.kit import sql
from penstock.tables.models import UNSET, Field, ForeignKey, Index, TableSchema
from penstock.tables.schema import checks, conversions, ddl, feeds, identity, widening
from penstock.tables.schema.companion import companion_steps, edges_place
from penstock.tables.schema.ddl import Later, Place, Rule, Step
from penstock.tables.schema.diff import Change, Followed, Kind, Version, is_required
from penstock.tables.schema.language import SEARCH_COLUMN
from penstock.tables.schema.widening import Widening

# Counting what is in the way ends here.
MOST_COUNTED = 1000
_CONSTRAINTS = {
    "minlength": "min_length",
    "maxlength": "max_length",
    "minimum": "minimum",
    "maximum": "maximum",
    "pattern": "pattern",
    "enum": "enum",
}
# Changes that make or lose values.
_VALUES = frozenset({Kind.ADD_FIELD, Kind.DROP_FIELD, Kind.ADD_EDGES, Kind.DROP_EDGES})
_REPEATED = "have a value that others have too"
# Where the table is that a foreign key refers to; None when it is gone.
Targets = Callable[[ForeignKey], Place | None]


def steps(
    place: Place,
    name: str,
    old: Version,
    new: Version,
    changes: Sequence[Change],
    targets: Targets,
    *,
    large: bool,
    table_id: int = 0,
) -> list[tuple[Change, Step]]:
    """A step for each change, in the order of the changes."""
    builder = Builder(place, name, old, new, targets, large, table_id)
    return [(change, builder.of(change)) for change in changes]


def counting(rows: str) -> str:
    """How many rows there are, counted up to a bound: a full count would read all of a table that is in the way."""
    return f"SELECT count(*) FROM (SELECT FROM {rows} LIMIT {MOST_COUNTED + 1}) AS found"


class Builder:
    """Knows what the table looks like between two steps: the names of constraints follow those of fields."""

    def __init__(
        self,
        place: Place,
        name: str,
        old: Version,
        new: Version,
        targets: Targets,
        large: bool,
        table_id: int,
    ) -> None:
        self.place, self.targets, self.large, self.table_id = place, targets, large, table_id
        self.own = ("", name)
        self.old, self.new = old.schema, new.schema
        self.current: TableSchema = old.schema
        known = set(old.ids.values())
        self.added = {one for one, given in new.ids.items() if given not in known}
        self.old_names = {to: since for since, to in identity.renames(old.ids, new.ids)}
        # Fields that are written anew under a lock, and those that are before, under another name.
        self.retyped: set[str] = set()
        self.widened: dict[str, Widening] = {}

    def of(self, change: Change) -> Step:
        return self.marked(change, _STEPS[change.kind](self, change))

    def marked(self, change: Change, step: Step) -> Step:
        """The step with what of the data the change makes or loses."""
        keeps = change.kind not in _VALUES and not step.rewrites and step.widening is None
        return replace(step, loses=change.loses, keeps_values=keeps)

    def alter(self, *actions: str) -> str:
        return f"ALTER TABLE {self.place.sql} {', '.join(actions)};"

    def add_edges(self, change: Change) -> Step:
        return self._edges("Make the table of edges", change.after)

    def drop_edges(self, change: Change) -> Step:
        made = self._edges("Drop the table of edges", change.before)
        assert made.rollback_sql is not None
        return replace(made, sql=made.rollback_sql, rollback_sql=made.sql)

    def _edges(self, text: str, schema: TableSchema) -> Step:
        steps = companion_steps(self.own[1], self.place, schema)
        make = "\n".join(one.sql for one in steps)
        return Step("ALTER", text, make, f"DROP TABLE {edges_place(self.place).sql};")

    # What is in the way goes first, under its old name.

    def drop_key(self, change: Change) -> Step:
        key: ForeignKey = change.before
        target = self.targets(key)
        undo, undo_after = None, ()
        if target is not None:
            constraint = ddl.foreign_name(self.place, key)
            undo, undo_after = self._added(
                constraint, ddl.foreign_key(self.place, key, target), rule=_key_rule(key)
            )
        self.current = replace(self.current, foreign_keys=_without(self.current.foreign_keys, key))
        drop = self.alter(_dropped(ddl.foreign_name(self.place, key)))
        return Step(
            "ALTER", f"Drop foreign key ({', '.join(key.fields)})", drop, undo, rollback_after=undo_after
        )

    def drop_index(self, change: Change) -> Step:
        index: Index = change.before
        self.current = replace(self.current, indexes=_without(self.current.indexes, index))
        return Step(
            "INDEX",
            f"Drop index {index.name}",
            ddl.drop_index(self.place, index),
            "" if self.large else ddl.create_index(self.place, index, unless_there=True),
            rollback_after=self._index_later(index) if self.large else (),
        )

    def drop_search(self, change: Change) -> Step:
        schema: TableSchema = change.before
        add = self.alter(f"ADD COLUMN {ddl.search_column(schema)}")
        index = ddl.create_search_index(self.place)
        self.current = replace(self.current, search_fields=())
        return Step(
            "ALTER",
            "Drop the search vector",
            self.alter(f"DROP COLUMN {sql.identifier(SEARCH_COLUMN)}"),
            add if self.large else f"{add}\n{index}",
            rollback_after=self._search_index_later(),
        )

    def drop_unique(self, change: Change) -> Step:
        field: Field = change.before
        name = ddl.unique_name(self.place, field)
        self._constrain(field.name, unique=False)
        undo, undo_after = self.alter(f"ADD {ddl.unique(self.place, field)}"), ()
        if self.large:
            undo, undo_after = "", self._unique_later(field)
        return Step(
            "ALTER", f"Let '{field.name}' repeat", self._no_unique(name), undo, rollback_after=undo_after
        )

    def _no_unique(self, name: str) -> str:
        drop = self.alter(_dropped(name))
        if self.large:
            # The index alone, while its constraint is still to be made of it.
            drop += f"\nDROP INDEX IF EXISTS {sql.qualified(self.place.schema, name)};"
        return drop

    def drop_check(self, change: Change) -> Step:
        field: Field = change.before
        name = ddl.check_name(self.place, field, change.what)
        undo, undo_after = self._added(
            name, ddl.field_checks(self.place, field)[change.what], rule=rule_of(field.name, change.what)
        )
        self._constrain(field.name, **{_CONSTRAINTS[change.what]: None})
        text = f"Drop {words_of(change.what)} of '{field.name}'"
        return Step("ALTER", text, self.alter(_dropped(name)), undo, rollback_after=undo_after)

    def drop_field(self, change: Change) -> Step:
        field: Field = change.before
        column = ddl.column(field, self.old)
        parts = [f"ADD COLUMN {column}"]
        parts += [f"ADD {one}" for one in ddl.field_checks(self.place, field).values()]
        if ddl.has_unique(field, self.old):
            parts.append(f"ADD {ddl.unique(self.place, field)}")
        kept = tuple(one for one in self.current.fields if one.name != field.name)
        self.current = replace(self.current, fields=kept)
        drop = self.alter(f"DROP COLUMN {sql.identifier(field.name)}")
        return Step("ALTER", f"Drop column '{field.name}'", drop, self.alter(*parts))

    def rename_field(self, change: Change) -> Step:
        since, to = change.before, change.after
        before = self.current
        after = identity.renamed(before, {since: to}, self.own)
        self.current = after
        names = zip(self._constraint_names(before), self._constraint_names(after), strict=True)
        moved = [("COLUMN", since, to), *(("CONSTRAINT", one, other) for one, other in names if one != other)]
        do = [self._rename(what, one, other) for what, one, other in moved]
        undo = [self._rename(what, other, one) for what, one, other in reversed(moved)]
        text = f"Rename column '{since}' to '{to}'"
        return Step("RENAME", text, "\n".join(do), "\n".join(undo))

    def _rename(self, what: str, since: str, to: str) -> str:
        return self.alter(f"RENAME {what} {sql.identifier(since)} TO {sql.identifier(to)}")

    # From here on fields have their new names.

    def change_type(self, change: Change) -> Step:
        before, after = replace(change.before, name=change.after.name), change.after
        text = f"Change type of '{after.name}' from {conversions.kind(before)} to {conversions.kind(after)}"
        column = sql.identifier(after.name)
        unsound = conversions.unsound(before, after, column)
        verify = counting(f"{self.place.sql} WHERE {unsound}") if unsound else None
        if not conversions.rewrites(before, after):
            return Step("ALTER", text, "", "", verify=verify)
        if self.large and self._can_widen(before, after):
            return self._widen(change, text)
        self.retyped.add(after.name)
        old = ddl.column_default(change.before, self.old)
        new = ddl.column_default(after, self.new)
        return Step(
            "ALTER",
            text,
            self._retype(before, after, new),
            self._retype(after, before, old),
            verify=verify,
            rewrites=True,
        )

    def _can_widen(self, before: Field, after: Field) -> bool:
        """Nothing may fail or depend on the column, besides what the swap brings with it."""
        keys = (*self.current.foreign_keys, *self.new.foreign_keys)
        named = {name for key in keys for name in (*key.fields, *key.reference_fields)}
        named |= {name for index in self.new.indexes if index.unique for name in index.fields}
        return conversions.widens(before, after) and after.name not in named

    def _widen(self, change: Change, text: str) -> Step:
        before, after = change.before, change.after
        column = f"NEW.{sql.identifier(before.name)}"
        stays_unique = ddl.has_unique(before, self.old) and ddl.has_unique(after, self.new)
        one = self.widened[after.name] = Widening(
            column=before.name,
            after=after.name,
            type=conversions.column_type(after),
            value=conversions.using(before, after, column),
            required=is_required(before, self.old) and is_required(after, self.new),
            unique=ddl.unique_name(self.place, after) if stays_unique else None,
        )
        return Step(
            "ALTER",
            text,
            widening.swap(self.place, one, ddl.column_default(after, self.new)),
            self._retype(after, replace(before, name=after.name), ddl.column_default(before, self.old)),
            widening=one,
            before=widening.text(self.place, [one]),
        )

    def _retype(self, before: Field, after: Field, default: str | None) -> str:
        """The default makes way first: PostgreSQL would try to convert it by itself."""
        column = sql.identifier(after.name)
        using = conversions.using(before, after, column)
        actions = [
            f"ALTER COLUMN {column} DROP DEFAULT",
            f"ALTER COLUMN {column} TYPE {conversions.column_type(after)} USING {using}",
        ]
        if default is not None:
            actions.append(f"ALTER COLUMN {column} SET DEFAULT {default}")
        return self.alter(*actions)

    def add_field(self, change: Change) -> Step:
        field: Field = change.after
        column = sql.identifier(field.name)
        actions = [f"ADD COLUMN {ddl.column(field, self.new)}"]
        if self.new.manages(field.name) and field.default is UNSET and not field.constraints.required:
            # When rows of before were made or changed nobody knows.
            actions = [
                f"ADD COLUMN {column} {ddl.column_type(field)}",
                f"ALTER COLUMN {column} SET DEFAULT {ddl.column_default(field, self.new)}",
            ]
        after: list[Later] = []
        for what, check in ddl.field_checks(self.place, field).items():
            actions.append(f"ADD {check}" + (" NOT VALID" if self.large else ""))
            if self.large:
                name = ddl.check_name(self.place, field, what)
                after.append(self._validate(name, rule_of(field.name, what)))
        if ddl.has_unique(field, self.new):
            if self.large:
                after += self._unique_later(field)
            else:
                actions.append(f"ADD {ddl.unique(self.place, field)}")
        undo = self.alter(f"DROP COLUMN {column}")
        return Step("ALTER", f"Add column '{field.name}'", self.alter(*actions), undo, tuple(after))

    def change_default(self, change: Change) -> Step:
        return Step(
            "ALTER",
            f"Change default of '{change.name}'",
            self._default(change.name, change.after),
            self._default(change.name, change.before),
        )

    def _default(self, name: str, value: str | None) -> str:
        column = sql.identifier(name)
        what = "DROP DEFAULT" if value is None else f"SET DEFAULT {value}"
        return self.alter(f"ALTER COLUMN {column} {what}")

    def relax(self, change: Change) -> Step:
        column = sql.identifier(change.name)
        drop, require = (self.alter(f"ALTER COLUMN {column} {verb} NOT NULL") for verb in ("DROP", "SET"))
        undo, undo_after = require, ()
        name = ddl.check_name(self.place, change.after, "required")
        if self.large:
            drop = self.alter(f"ALTER COLUMN {column} DROP NOT NULL", _dropped(name))
            undo, _ = self._required_later(change.after, name)
            # By then the field has its old name again.
            _, undo_after = self._required_later(change.before, name)
        return Step("ALTER", f"Make '{change.name}' optional", drop, undo, rollback_after=undo_after)

    def require(self, change: Change) -> Step:
        column = sql.identifier(change.name)
        text = f"Require '{change.name}'"
        obstacle = self._probe(change, lambda column: f"{column} IS NULL"), "have no value"
        drop, do = (self.alter(f"ALTER COLUMN {column} {verb} NOT NULL") for verb in ("DROP", "SET"))
        if not self._takes_later(change):
            return Step("ALTER", text, do, drop, probe=obstacle[0], obstacle=obstacle[1])
        name = ddl.check_name(self.place, change.after, "required")
        do, after = self._required_later(change.after, name)
        undo = self.alter(_dropped(name), f"ALTER COLUMN {column} DROP NOT NULL")
        return Step("ALTER", text, do, undo, after, probe=obstacle[0], obstacle=obstacle[1])

    def _required_later(self, field: Field, name: str) -> tuple[str, tuple[Later, ...]]:
        """A validated check spares `SET NOT NULL` its look at every row, which it takes under an exclusive lock."""
        column = sql.identifier(field.name)
        check = f"CONSTRAINT {sql.identifier(name)} CHECK ({column} IS NOT NULL)"
        do, after = self._added(name, check, rule=rule_of(field.name, "required"))
        final = self.alter(f"ALTER COLUMN {column} SET NOT NULL", _dropped(name))
        return do, (*after, Later(final, rule=rule_of(field.name, "required")))

    def change_check(self, change: Change) -> Step:
        field: Field = change.after
        before = replace(change.before, name=field.name)
        name = ddl.check_name(self.place, field, change.what)
        new, old = (ddl.field_checks(self.place, one)[change.what] for one in (field, before))
        undo, undo_after = self._added(name, old, _dropped(name))
        if undo_after:
            # By then the field, and the constraint with it, has its old name again.
            name = ddl.check_name(self.place, change.before, change.what)
            undo_after = (self._validate(name, rule_of(change.before.name, change.what)),)
        dropped = _dropped(ddl.check_name(self.place, field, change.what))
        return self._check(change, f"Change {words_of(change.what)}", new, undo, undo_after, dropped)

    def add_check(self, change: Change) -> Step:
        field: Field = change.after
        check = ddl.field_checks(self.place, field)[change.what]
        undo = self.alter(_dropped(ddl.check_name(self.place, field, change.what)))
        return self._check(change, f"Add {words_of(change.what)}", check, undo, ())

    def _check(
        self, change: Change, text: str, check: str, undo: str, undo_after: tuple[Later, ...], *first: str
    ) -> Step:
        def broken(column: str) -> str:
            return f"NOT ({dict(checks.as_sql(change.after, column))[change.what]})"

        do, after = self.alter(*first, f"ADD {check}"), ()
        if self._takes_later(change):
            name = ddl.check_name(self.place, change.after, change.what)
            do, after = self._added(name, check, *first, rule=rule_of(change.name, change.what))
        return Step(
            "ALTER",
            f"{text} of '{change.name}'",
            do,
            undo,
            after,
            rollback_after=undo_after,
            probe=self._probe(change, broken),
            obstacle="break it",
        )

    def add_unique(self, change: Change) -> Step:
        field: Field = change.after
        name = ddl.unique_name(self.place, field)
        undo = self._no_unique(name)
        text = f"Make '{field.name}' unique"
        do, after = self.alter(f"ADD {ddl.unique(self.place, field)}"), ()
        if self._takes_later(change):
            do, after = "", self._unique_later(field)
        probe = self._repeated([self._old_column(change.name)]) if self._is_plain(change) else None
        return Step("ALTER", text, do, undo, after, probe=probe, obstacle=_REPEATED)

    def add_search(self, change: Change) -> Step:
        add = self.alter(f"ADD COLUMN {ddl.search_column(change.after)}")
        index = ddl.create_search_index(self.place)
        after = self._search_index_later()
        undo = self.alter(f"DROP COLUMN {sql.identifier(SEARCH_COLUMN)}")
        do = add if self.large else f"{add}\n{index}"
        return Step("ALTER", "Add the search vector", do, undo, after, rewrites=True)

    def add_index(self, change: Change) -> Step:
        index: Index = change.after
        undo = ddl.drop_index(self.place, index)
        text = f"Create index {index.name}"
        fields = set(index.fields)
        probe = None
        if index.unique and fields and not index.where and not fields & (self.added | self.retyped):
            probe = self._repeated([self._old_column(one) for one in index.fields])
        do, after = ddl.create_index(self.place, index), ()
        if self.large and not (index.unique and fields & self.retyped):
            do, after = "", self._index_later(index)
        return Step("INDEX", text, do, undo, after, probe=probe, obstacle=_REPEATED)

    def add_key(self, change: Change) -> Step:
        key: ForeignKey = change.after
        target = self.targets(key)
        assert target is not None
        step = ddl.foreign_key_step(self.place, key, target)
        if set(key.fields) & self.retyped or not self.large:
            return step
        name = ddl.foreign_name(self.place, key)
        do, after = self._added(name, ddl.foreign_key(self.place, key, target), rule=_key_rule(key))
        probe = None
        named = {*key.fields, *(key.reference_fields if target == self.place else ())}
        if not named & (self.added | self.retyped):
            probe = self._orphans(key, target)
        return replace(step, sql=do, after=after, probe=probe, obstacle="refer to nothing")

    def stop_changes(self, change: Change) -> Step:
        return feeds.stop_step(self.table_id, self.place, hidden=feeds.hidden_in(change.before))

    def follow_changes(self, change: Change) -> Step:
        followed: Followed = change.after
        return feeds.follow_step(
            self.table_id,
            self.place,
            [feeds.Reading(followed.names)],
            [feeds.Reading(followed.back)],
            hidden=(feeds.hidden_in(change.before), feeds.hidden_in(followed.schema)),
        )

    def start_changes(self, change: Change) -> Step:
        return feeds.start_step(self.table_id, self.place, hidden=feeds.hidden_in(change.after))

    # Parts of statements.

    def _added(
        self, name: str, constraint: str, *first: str, rule: Rule | None = None
    ) -> tuple[str, tuple[Later, ...]]:
        """A constraint made; of a large table its look at the rows comes later."""
        if not self.large:
            return self.alter(*first, f"ADD {constraint}"), ()
        return self.alter(*first, f"ADD {constraint} NOT VALID"), (self._validate(name, rule),)

    def _validate(self, name: str, rule: Rule | None) -> Later:
        return Later(self.alter(f"VALIDATE CONSTRAINT {sql.identifier(name)}"), rule=rule)

    def _unique_later(self, field: Field) -> tuple[Later, ...]:
        index = ddl.unique_name(self.place, field)
        name, column = sql.identifier(index), sql.identifier(field.name)
        build = f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON {self.place.sql} ({column});"
        use = self.alter(f"ADD CONSTRAINT {name} UNIQUE USING INDEX {name}")
        rule = rule_of(field.name, "unique")
        return Later(build, index, rule), Later(use, rule=rule)

    def _index_later(self, index: Index) -> tuple[Later, ...]:
        build = ddl.create_index(self.place, index, concurrently=True)
        return (Later(build, ddl.index_name(self.place, index), Rule("index", index.name)),)

    def _search_index_later(self) -> tuple[Later, ...]:
        if not self.large:
            return ()
        return (Later(ddl.create_search_index(self.place, concurrently=True), ddl.search_name(self.place)),)

    def _takes_later(self, change: Change) -> bool:
        """Values that are written anew anyway are looked at then."""
        return self.large and change.name not in self.retyped

    def _is_plain(self, change: Change) -> bool:
        """True when the field's values are there already and stay what they are."""
        return change.name not in self.retyped and change.name not in self.added

    def _old_column(self, name: str) -> str:
        if name in self.widened:
            return sql.identifier(self.widened[name].shadow)
        return sql.identifier(self.old_names.get(name, name))

    def _probe(self, change: Change, obstacle: Callable[[str], str]) -> str | None:
        """Probes run before anything is done, so they use the old name."""
        if not self._is_plain(change):
            return None
        return counting(f"{self.place.sql} WHERE {obstacle(self._old_column(change.name))}")

    def _repeated(self, columns: Sequence[str]) -> str:
        filled = " AND ".join(f"{one} IS NOT NULL" for one in columns)
        names = ", ".join(columns)
        return counting(f"{self.place.sql} WHERE {filled} GROUP BY {names} HAVING count(*) > 1")

    def _orphans(self, key: ForeignKey, target: Place) -> str:
        own = [f"t.{self._old_column(one)}" for one in key.fields]
        name = self._old_column if target == self.place else sql.identifier
        theirs = [f"p.{name(one)}" for one in key.reference_fields]
        same = " AND ".join(f"{one} = {other}" for one, other in zip(own, theirs, strict=True))
        filled = " AND ".join(f"{one} IS NOT NULL" for one in own)
        return counting(
            f"{self.place.sql} AS t WHERE {filled} AND NOT EXISTS (SELECT FROM {target.sql} AS p WHERE {same})"
        )

    def _constrain(self, name: str, **changes: Any) -> None:
        fields = tuple(
            replace(one, constraints=replace(one.constraints, **changes)) if one.name == name else one
            for one in self.current.fields
        )
        self.current = replace(self.current, fields=fields)

    def _constraint_names(self, schema: TableSchema) -> list[str]:
        found: list[str] = []
        for field in schema.fields:
            if ddl.has_unique(field, schema):
                found.append(ddl.unique_name(self.place, field))
            found += [ddl.check_name(self.place, field, what) for what, _ in checks.as_sql(field, "c")]
        return found + [ddl.foreign_name(self.place, key) for key in schema.foreign_keys]


def _dropped(name: str) -> str:
    return f"DROP CONSTRAINT IF EXISTS {sql.identifier(name)}"


def rule_of(field: str, what: str) -> Rule:
    """The constraint of a field as a rule, by the kind of its check."""
    return Rule("constraint", field, words_of(what))


def _key_rule(key: ForeignKey) -> Rule:
    return Rule("foreign_key", key.resource, fields=key.fields)


def _without(items: Sequence[Any], one: Any) -> tuple[Any, ...]:
    return tuple(item for item in items if item != one)


def words_of(what: str) -> str:
    """The kind of a check as schemas call it."""
    return {"minlength": "minLength", "maxlength": "maxLength"}.get(what, what)


_STEPS: Mapping[Kind, Callable[[Builder, Change], Step]] = {
    Kind.DROP_EDGES: Builder.drop_edges,
    Kind.DROP_KEY: Builder.drop_key,
    Kind.DROP_INDEX: Builder.drop_index,
    Kind.DROP_SEARCH: Builder.drop_search,
    Kind.DROP_UNIQUE: Builder.drop_unique,
    Kind.DROP_CHECK: Builder.drop_check,
    Kind.DROP_FIELD: Builder.drop_field,
    Kind.RENAME_FIELD: Builder.rename_field,
    Kind.CHANGE_TYPE: Builder.change_type,
    Kind.ADD_FIELD: Builder.add_field,
    Kind.CHANGE_DEFAULT: Builder.change_default,
    Kind.RELAX: Builder.relax,
    Kind.REQUIRE: Builder.require,
    Kind.CHANGE_CHECK: Builder.change_check,
    Kind.ADD_CHECK: Builder.add_check,
    Kind.ADD_UNIQUE: Builder.add_unique,
    Kind.ADD_SEARCH: Builder.add_search,
    Kind.ADD_INDEX: Builder.add_index,
    Kind.ADD_EDGES: Builder.add_edges,
    Kind.ADD_KEY: Builder.add_key,
    Kind.STOP_CHANGES: Builder.stop_changes,
    Kind.FOLLOW_CHANGES: Builder.follow_changes,
    Kind.START_CHANGES: Builder.start_changes,
}
