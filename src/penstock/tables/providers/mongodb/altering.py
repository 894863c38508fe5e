"""What makes one schema of a collection into the next: the layout that follows, and what is done to the documents.

Nothing here needs a connection. Renaming and dropping write no document, and no path is used twice: what is written
for a change that fails is where nobody looks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, Literal

import msgspec

from penstock.kit import ids
from penstock.tables.models import UNSET, Constraints, DataTable, Field, ForeignKey, Index, TableSchema
from penstock.tables.providers.mongodb.definition import (
    IndexWish,
    Layout,
    create_indexes,
    own_path,
    path_in,
    text_of,
    validator,
    wish_for,
)
from penstock.tables.schema import conversions, edges_place, identity, place_of
from penstock.tables.schema.ddl import Step
from penstock.tables.schema.diff import Change, Kind, Version, is_required

# Changes after which a writer who knows only the schema of before must be refused.
_FENCED: Final = frozenset(
    {Kind.ADD_FIELD, Kind.CHANGE_TYPE, Kind.REQUIRE, Kind.CHANGE_CHECK, Kind.ADD_CHECK, Kind.ADD_KEY}
)
_VALUES: Final = frozenset({Kind.ADD_FIELD, Kind.DROP_FIELD, Kind.ADD_EDGES, Kind.DROP_EDGES})
# Types whose values are kept alike, so that they are left as they are.
_ALIKE: Final = frozenset(
    {
        ("year", "integer"),
        ("geopoint", "array"),
        ("geojson", "object"),
        ("yearmonth", "string"),
        ("duration", "string"),
        *(
            (one, "any")
            for one in ("object", "array", "geopoint", "geojson", "string", "yearmonth", "duration")
        ),
    }
)
_CONSTRAINTS: Final = {
    "minlength": "min_length",
    "maxlength": "max_length",
    "minimum": "minimum",
    "maximum": "maximum",
    "pattern": "pattern",
    "enum": "enum",
}
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
_WORDS: Final = {"minlength": "minLength", "maxlength": "maxLength"}


@dataclass(frozen=True, slots=True)
class Conversion:
    """Values of one path become values of another type at another path."""

    before: Field
    after: Field
    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Look:
    """What records must not be in the way of; `obstacle` says what those that are do."""

    kind: Literal["required", "check", "reference", "unique"]
    path: str
    obstacle: str
    field: Field | None = None
    key: ForeignKey | None = None
    wish: IndexWish | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """One change, with what the history says of it. `filling` is a path and the value that every record gets there."""

    change: Change
    step: Step
    look: Look | None = None
    conversion: Conversion | None = None
    filling: tuple[str, Any] | None = None
    clears_edges: bool = False


@dataclass(frozen=True, slots=True)
class Alteration:
    """All of a change of one collection."""

    table: DataTable
    schema: tuple[TableSchema, TableSchema]
    layout: tuple[Layout, Layout]
    acts: Sequence[Act]
    # The collections that foreign keys lead to, by the name of the table.
    targets: Mapping[str, str]

    @property
    def is_fenced(self) -> bool:
        return self.layout[0].token != self.layout[1].token

    @property
    def steps(self) -> list[tuple[Change, Step]]:
        return [(one.change, one.step) for one in self.acts]


def alteration(
    table: DataTable,
    old: Version,
    new: Version,
    layout: Layout,
    changes: Sequence[Change],
    targets: Mapping[str, str],
) -> Alteration:
    builder = _Builder(table, old.schema, new.schema, layout)
    acts = [builder.act(change) for change in changes]
    after = builder.layout(is_fenced=any(change.kind in _FENCED for change in changes))
    rules = [validator(old.schema, layout), validator(new.schema, after)]
    if rules[0] != rules[1]:
        do, undo = (
            f"db.runCommand({text_of({'collMod': table.physical_name, 'validator': one})});"
            for one in reversed(rules)
        )
        step = Step("ALTER", "Have MongoDB check what fields must be", do, undo)
        acts.append(Act(Change(Kind.CHANGE_CHECK, "validator"), step))
    return Alteration(table, (old.schema, new.schema), (layout, after), acts, targets)


class _Builder:
    """Knows where the fields are between two changes."""

    def __init__(self, table: DataTable, old: TableSchema, new: TableSchema, layout: Layout) -> None:
        self.collection = table.physical_name
        self.edges = edges_place(place_of(table)).name
        self.old, self.new, self.before = old, new, layout
        self.current = old
        self.own = ("", table.name)
        self.paths = {name: path_in(old, layout, name) for name in old.names}
        self.gone = list(layout.gone)

    def layout(self, *, is_fenced: bool) -> Layout:
        paths = {name: path for name, path in self.paths.items() if path != own_path(self.new, name)}
        token = ids.lower(8) if is_fenced else self.before.token
        return Layout(token, paths, tuple(dict.fromkeys(self.gone)))

    def act(self, change: Change) -> Act:
        made = _ACTS[change.kind](self, change)
        keeps = change.kind not in _VALUES and made.conversion is None
        step = replace(
            made.step, loses=change.loses, keeps_values=keeps, rewrites=made.conversion is not None
        )
        if made.look is not None:
            step = replace(step, obstacle=made.look.obstacle)
        return replace(made, step=step)

    def _fresh(self, name: str) -> str:
        return f"{name}#{ids.lower(6)}"

    def _noted(self, change: Change, text: str, do: str, undo: str, **more: Any) -> Act:
        return Act(change, Step("ALTER", text, f"// {do}", f"// {undo}"), **more)

    # --- edges

    def add_edges(self, change: Change) -> Act:
        drop, make = self._edges()
        return Act(change, Step("ALTER", "Make the collection of edges", make, drop), clears_edges=True)

    def drop_edges(self, change: Change) -> Act:
        drop, make = self._edges()
        return Act(change, Step("ALTER", "Drop the collection of edges", drop, make))

    def _edges(self) -> tuple[str, str]:
        name = text_of(self.edges)
        return f"db.getCollection({name}).drop();", f"db.createCollection({name});"

    # --- fields

    def drop_field(self, change: Change) -> Act:
        name = change.name
        path = self.paths.pop(name)
        self.gone.append(path)
        self.current = replace(
            self.current, fields=tuple(one for one in self.current.fields if one.name != name)
        )
        do = f"Nothing reads any more what documents hold under {text_of(path)}."
        return self._noted(change, f"Drop column '{name}'", do, f"'{name}' comes back, without values.")

    def rename_field(self, change: Change) -> Act:
        since, to = change.before, change.after
        self.paths[to] = self.paths.pop(since)
        self.current = identity.renamed(self.current, {since: to}, self.own)
        held = f"documents go on to hold it under {text_of(self.paths[to])}."
        act = self._noted(
            change, f"Rename column '{since}' to '{to}'", f"As '{to}', {held}", f"As '{since}', {held}"
        )
        return replace(act, step=replace(act.step, operation_type="RENAME"))

    def change_type(self, change: Change) -> Act:
        before, after = change.before, change.after
        kinds = conversions.kind(before), conversions.kind(after)
        text = f"Change type of '{after.name}' from {kinds[0]} to {kinds[1]}"
        if kinds in _ALIKE:
            return self._noted(
                change, text, "Documents hold it as they did.", "Documents hold it as they did."
            )
        source, target = self.paths[after.name], self._fresh(after.name)
        self.gone.append(source)
        self.paths[after.name] = target
        do = (
            f"Each {text_of(source)} is converted as PostgreSQL converts it, and put under {text_of(target)}."
        )
        undo = f"Each {text_of(target)} is converted back."
        return self._noted(change, text, do, undo, conversion=Conversion(before, after, source, target))

    def add_field(self, change: Change) -> Act:
        field: Field = change.after
        value, own = _filling(field, self.new), own_path(self.new, field.name)
        is_new = value is None and own not in {*self.paths.values(), *self.gone}
        path = self.paths[field.name] = own if is_new else self._fresh(field.name)
        text = f"Add column '{field.name}'"
        undo = f"Nothing reads any more what documents hold under {text_of(path)}."
        if value is None:
            look = Look("required", path, "have no value for it") if is_required(field, self.new) else None
            return self._noted(change, text, f"Documents hold it under {text_of(path)}.", undo, look=look)
        shown = _ENCODER.encode({"$set": {path: value}}).decode()
        do = f"db.getCollection({text_of(self.collection)}).updateMany({{}},{shown});"
        return Act(change, Step("ALTER", text, do, f"// {undo}"), filling=(path, value))

    def change_default(self, change: Change) -> Act:
        do, undo = (
            f"The server gives new records {'nothing' if one is None else one}."
            for one in (change.after, change.before)
        )
        return self._noted(change, f"Change default of '{change.name}'", do, undo)

    # --- what values must be

    def relax(self, change: Change) -> Act:
        return self._noted(change, f"Make '{change.name}' optional", "It may be absent.", "It must be there.")

    def require(self, change: Change) -> Act:
        look = Look("required", self.paths[change.name], "have no value")
        do, undo = "It must be there.", "It may be absent."
        return self._noted(change, f"Require '{change.name}'", do, undo, look=look)

    def drop_check(self, change: Change) -> Act:
        return self._checked(change, "Drop", change.before, None)

    def add_check(self, change: Change) -> Act:
        return self._checked(change, "Add", None, change.after)

    def change_check(self, change: Change) -> Act:
        return self._checked(change, "Change", change.before, change.after)

    def _checked(self, change: Change, verb: str, before: Field | None, after: Field | None) -> Act:
        what = _WORDS.get(change.what, change.what)
        do, undo = (
            f"The server {f'keeps to {what} {_said(one, change.what)}' if one else f'does not keep to {what}'}."
            for one in (after, before)
        )
        look = None
        if after is not None:
            value = getattr(after.constraints, _CONSTRAINTS[change.what])
            field = replace(after, constraints=Constraints(**{_CONSTRAINTS[change.what]: value}))
            look = Look("check", self.paths[after.name], "break it", field=field)
        return self._noted(change, f"{verb} {what} of '{change.name}'", do, undo, look=look)

    # --- indexes

    def drop_unique(self, change: Change) -> Act:
        wish = self._wish(self.old, (change.name,), unique=True)
        return self._unindexed(change, f"Let '{change.name}' repeat", wish)

    def add_unique(self, change: Change) -> Act:
        wish = self._wish(self.new, (change.name,), unique=True)
        return self._indexed(change, f"Make '{change.name}' unique", wish)

    def drop_index(self, change: Change) -> Act:
        index: Index = change.before
        wish = self._wish(self.old, index.fields, unique=index.unique)
        return self._unindexed(change, f"Drop index {index.name}", wish)

    def add_index(self, change: Change) -> Act:
        index: Index = change.after
        wish = self._wish(self.new, index.fields, unique=index.unique)
        return self._indexed(change, f"Create index {index.name}", wish)

    def _wish(self, schema: TableSchema, fields: Sequence[str], *, unique: bool) -> IndexWish:
        layout = Layout(paths={name: self.paths[name] for name in fields})
        return wish_for(schema, layout, fields, unique=unique)

    def _indexed(self, change: Change, text: str, wish: IndexWish) -> Act:
        kind = "INDEX" if change.kind is Kind.ADD_INDEX else "ALTER"
        step = Step(kind, text, create_indexes(self.collection, [wish]), self._dropped(wish))
        look = Look("unique", "", "have a value that others have too", wish=wish) if wish.unique else None
        return Act(change, step, look=look)

    def _unindexed(self, change: Change, text: str, wish: IndexWish) -> Act:
        kind = "INDEX" if change.kind is Kind.DROP_INDEX else "ALTER"
        return Act(change, Step(kind, text, self._dropped(wish), create_indexes(self.collection, [wish])))

    def _dropped(self, wish: IndexWish) -> str:
        return f"db.getCollection({text_of(self.collection)}).dropIndex({text_of(wish.name)});"

    def drop_search(self, change: Change) -> Act:
        fields = ", ".join(name for name, _ in change.before.search_fields)
        do, undo = "No words are looked for any more.", f"Words are looked for in {fields}."
        return self._noted(change, "Drop the search vector", do, undo)

    def add_search(self, change: Change) -> Act:
        fields = ", ".join(name for name, _ in change.after.search_fields)
        do, undo = f"Words are looked for in {fields}.", "No words are looked for any more."
        return self._noted(change, "Add the search vector", do, undo)

    # --- references

    def drop_key(self, change: Change) -> Act:
        key: ForeignKey = change.before
        text = f"Drop foreign key ({', '.join(key.fields)})"
        return self._noted(change, text, "The server does not keep to it.", "The server keeps to it.")

    def add_key(self, change: Change) -> Act:
        key: ForeignKey = change.after
        text = f"Add foreign key ({', '.join(key.fields)}) to {key.resource or 'itself'}"
        look = Look("reference", self.paths[key.fields[0]], "refer to what does not exist", key=key)
        return self._noted(
            change, text, "The server keeps to it.", "The server does not keep to it.", look=look
        )


def _filling(field: Field, schema: TableSchema) -> Any:
    """What records get that were there before; None is nothing."""
    if field.default is not UNSET:
        return field.default
    if schema.manages(field.name):
        # When records of before were made or changed nobody knows.
        return datetime.now(UTC) if field.constraints.required else None
    return False if field.name == "is_deleted" and schema.soft_deletes else None


def _said(field: Field, what: str) -> str:
    return str(getattr(field.constraints, _CONSTRAINTS[what]))


_ACTS: Mapping[Kind, Callable[[_Builder, Change], Act]] = {
    Kind.DROP_EDGES: _Builder.drop_edges,
    Kind.DROP_KEY: _Builder.drop_key,
    Kind.DROP_INDEX: _Builder.drop_index,
    Kind.DROP_SEARCH: _Builder.drop_search,
    Kind.ADD_SEARCH: _Builder.add_search,
    Kind.DROP_UNIQUE: _Builder.drop_unique,
    Kind.DROP_CHECK: _Builder.drop_check,
    Kind.DROP_FIELD: _Builder.drop_field,
    Kind.RENAME_FIELD: _Builder.rename_field,
    Kind.CHANGE_TYPE: _Builder.change_type,
    Kind.ADD_FIELD: _Builder.add_field,
    Kind.CHANGE_DEFAULT: _Builder.change_default,
    Kind.RELAX: _Builder.relax,
    Kind.REQUIRE: _Builder.require,
    Kind.CHANGE_CHECK: _Builder.change_check,
    Kind.ADD_CHECK: _Builder.add_check,
    Kind.ADD_UNIQUE: _Builder.add_unique,
    Kind.ADD_INDEX: _Builder.add_index,
    Kind.ADD_EDGES: _Builder.add_edges,
    Kind.ADD_KEY: _Builder.add_key,
}
