"""Whether the columns that a statement names exist, as far as that can be told without running it.

What cannot be told, such as the columns of a function, is left to PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from sqlglot import exp

from penstock.kit import errors
from penstock.queries.run.faults import fault
from penstock.queries.run.grammar import children, start_of
from penstock.queries.run.tokens import VALUE

# Names in order; None where they cannot be told.
Names = tuple[str, ...] | None
_RELATIONS = ("from_", "joins", "with_")


@dataclass
class _Scope:
    """What is known in one SELECT: its sources by their names there, and what is known around it."""

    outer: _Scope | None
    sources: dict[str, Names] = field(default_factory=dict[str, Names])
    aliases: frozenset[str] = frozenset()

    def chain(self) -> Iterator[_Scope]:
        scope: _Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.outer


class Columns:
    """One check of one statement. `tables` are the columns of its tables, by the ids of their nodes."""

    def __init__(self, text: str, tables: Mapping[int, tuple[str, ...]]) -> None:
        self._text = text
        self._tables = tables

    def check(self, tree: Any) -> Names:
        """The names of the columns of the answer. Raises `errors.Invalid` for a column that does not exist."""
        return self._outputs(tree, None, {})

    def _outputs(self, node: Any, outer: _Scope | None, known: Mapping[str, Names]) -> Names:
        known = self._with(node, outer, known)
        if isinstance(node, exp.SetOperation):
            return self._set_operation(node, outer, known)
        if isinstance(node, exp.Select):
            return self._select(node, outer, known)
        if isinstance(node, exp.Subquery):
            return self._outputs(node.this, outer, known)
        if isinstance(node, exp.Values) and node.expressions:
            self._expressions(node.expressions, _Scope(outer), known)
            first = node.expressions[0]
            return tuple(f"column{number}" for number, _ in enumerate(first.expressions, 1))
        return None

    def _with(self, node: Any, outer: _Scope | None, known: Mapping[str, Names]) -> Mapping[str, Names]:
        with_ = node.args.get("with_")
        if with_ is None:
            return known
        inner = dict(known)
        for cte in with_.expressions:
            alias = cte.args["alias"]
            renamed = tuple(one.this for one in alias.args.get("columns") or ())
            # In a recursive one its own columns are those it is said to have.
            inner[alias.this.this] = renamed or None
            found = self._outputs(cte.this, outer, inner)
            inner[alias.this.this] = _renamed(found, renamed)
        return inner

    def _set_operation(self, node: Any, outer: _Scope | None, known: Mapping[str, Names]) -> Names:
        branches: list[Any] = []
        while isinstance(node, exp.SetOperation):
            branches.append(node.args["expression"])
            node = node.this
            known = self._with(node, outer, known)
        found = self._outputs(node, outer, known)
        for branch in branches:
            self._outputs(branch, outer, known)
        return found

    def _select(self, node: Any, outer: _Scope | None, known: Mapping[str, Names]) -> Names:
        scope = _Scope(outer)
        merged = False
        if (first := node.args.get("from_")) is not None:
            self._relation(first.this, scope, known)
        for join in node.args.get("joins") or ():
            merged = merged or bool(join.args.get("using") or join.method)
            self._relation(join.this, scope, known)
            self._expressions([join.args["on"]] if join.args.get("on") else [], scope, known)
        named = frozenset(one.alias for one in node.expressions if isinstance(one, exp.Alias))
        for name, value in node.args.items():
            if name in _RELATIONS or value is None:
                continue
            scope.aliases = named if name in ("order", "group") else frozenset()
            self._expressions(cast("list[Any]", value) if isinstance(value, list) else [value], scope, known)
        scope.aliases = frozenset()
        return None if merged else _names(node.expressions, scope)

    def _relation(self, node: Any, scope: _Scope, known: Mapping[str, Names]) -> None:
        """Add what stands in FROM or JOIN."""
        alias = node.args.get("alias")
        renamed = tuple(one.this for one in alias.args.get("columns") or ()) if alias is not None else ()
        name = node.alias
        if isinstance(node, exp.Table):
            names = self._tables.get(id(node))
            if names is None and isinstance(node.this, exp.Identifier):
                names = known.get(node.this.this)
            self._expressions([] if isinstance(node.this, exp.Identifier) else [node.this], scope, known)
        elif isinstance(node, exp.Subquery) and isinstance(node.this, exp.Table):
            self._relation(node.this, scope, known)
            names = None
        elif isinstance(node, (exp.Subquery, exp.Values)):
            names = self._outputs(node, scope, known)
        else:
            self._expressions(list(children(node)), scope, known)
            names = None
        if name or not isinstance(node, exp.Subquery):
            scope.sources[name] = _renamed(names, renamed)
        for join in node.args.get("joins") or ():
            self._relation(join.this, scope, known)
            self._expressions([join.args["on"]] if join.args.get("on") else [], scope, known)

    def _expressions(self, given: Sequence[Any], scope: _Scope, known: Mapping[str, Names]) -> None:
        stack = [one for one in given if isinstance(one, exp.Expr)]
        while stack:
            node = stack.pop()
            if isinstance(node, (exp.Select, exp.SetOperation, exp.Subquery, exp.Values)):
                self._outputs(node, scope, known)
            elif isinstance(node, exp.Column):
                self._column(node, scope)
            else:
                stack += children(node)

    def _column(self, node: Any, scope: _Scope) -> None:
        name, table = node.this, node.args.get("table")
        if not isinstance(name, (exp.Identifier, exp.Star)) or name.name.startswith(VALUE):
            return
        if table is not None:
            # The source that a longer name tells is the one that FROM has under the last part.
            node.set("db", None)
            node.set("catalog", None)
            self._of_table(node, name, table, scope)
            return
        if isinstance(name, exp.Star):
            return
        around = [names for one in scope.chain() for names in one.sources.values()]
        if None in around or any(name.this in names for names in around if names):
            return
        if any(name.this in one.sources or name.this in one.aliases for one in scope.chain()):
            return
        near = sorted({one for names in around for one in names or ()})
        raise self._fault(f"There is no column {_shown(name.this)}.", node, name.this, near)

    def _of_table(self, node: Any, name: Any, table: Any, scope: _Scope) -> None:
        for one in scope.chain():
            if table.this in one.sources:
                names = one.sources[table.this]
                if names is not None and isinstance(name, exp.Identifier) and name.this not in names:
                    message = f"{_shown(table.this)} has no column {_shown(name.this)}."
                    raise self._fault(message, node, name.this, names)
                return
        if any("" in one.sources for one in scope.chain()):
            return
        near = sorted({source for one in scope.chain() for source in one.sources})
        raise self._fault(f"FROM has no table {_shown(table.this)} here.", node, table.this, near)

    def _fault(self, message: str, node: Any, name: str, near: Sequence[str]) -> errors.Invalid:
        same = [one for one in near if one.lower() == name.lower()]
        hint = errors.nearest(name, near)
        if same:
            hint = f'Did you mean "{same[0]}", with its capitals in double quotes?'
        return fault(message, self._text, start_of(node), hint=hint)


def _shown(name: str) -> str:
    return f"'{name[:80]}'"


def _renamed(names: Names, renamed: tuple[str, ...]) -> Names:
    if not renamed:
        return names
    return None if names is None else renamed + names[len(renamed) :]


def _names(expressions: Sequence[Any], scope: _Scope) -> Names:
    found: list[str] = []
    for one in expressions:
        inner = one
        while isinstance(inner, (exp.Window, exp.Filter, exp.WithinGroup, exp.Paren)):
            inner = inner.this
        if isinstance(one, exp.Alias):
            found.append(one.alias)
        elif isinstance(one, exp.Star) or (isinstance(one, exp.Column) and isinstance(one.this, exp.Star)):
            table = one.args.get("table")
            named = [scope.sources.get(table.this)] if table is not None else list(scope.sources.values())
            for names in named:
                if names is None:
                    return None
                found += names
        elif isinstance(inner, exp.Column) and not inner.name.startswith(VALUE):
            found.append(inner.name)
        elif isinstance(inner, exp.Anonymous):
            found.append(inner.this)
        else:
            return None
    return tuple(found)
