"""Which table each name of a statement means. Names of WITH come first, as far as they reach; the rest are tables.

A name of WITH gets another one that no table has, so that a statement never finds anything by a name it chose.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlglot import exp

from penstock.kit import errors
from penstock.queries.models import Scope, TableName
from penstock.queries.run.faults import fault
from penstock.queries.run.grammar import children, start_of

MAX_TABLES: Final = 100
_Env = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Named:
    """A table as the text names it: one to three parts, the last of them the table."""

    node: Any
    parts: tuple[str, ...]
    at: int | None

    @property
    def text(self) -> str:
        return ".".join(
            f'"{one}"' if not one.isidentifier() or one != one.lower() else one for one in self.parts
        )


def named_in(tree: Any, text: str) -> list[Named]:
    """The tables that a statement names; names of WITH are renamed throughout, and are not among them.

    Raises `errors.Invalid` for too many tables, and for a name that WITH gives twice.
    """
    found: list[Named] = []
    stack: list[tuple[Any, _Env]] = [(tree, {})]
    count = 0
    while stack:
        node, env = stack.pop()
        if isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier):
            _table(node, env, found, text)
        with_ = node.args.get("with_")
        inner = env
        if with_ is not None:
            inner, inside, count = _with(with_, env, count, text)
            stack += inside
        stack += [(child, inner) for child in children(node) if child is not with_]
    return sorted(found, key=lambda one: one.at or 0)


def _with(with_: Any, env: _Env, count: int, text: str) -> tuple[_Env, list[tuple[Any, _Env]], int]:
    """What is known after a WITH, its statements with what each of them knows, and how many names there were."""
    inner, inside = dict(env), list[tuple[Any, _Env]]()
    names: set[str] = set()
    for cte in with_.expressions:
        name = cte.args["alias"].this
        if name.this in names:
            raise fault(f"WITH gives the name '{name.this[:80]}' twice.", text, start_of(name))
        names.add(name.this)
    recursive = bool(with_.args.get("recursive"))
    if recursive:
        for number, cte in enumerate(with_.expressions, count + 1):
            inner[cte.args["alias"].this.this] = f"with {number}"
    for cte in with_.expressions:
        count += 1
        name = cte.args["alias"].this
        inside.append((cte.this, inner if recursive else dict(inner)))
        inner[name.this] = f"with {count}"
        name.set("this", f"with {count}")
    return inner, inside, count


def _table(node: Any, env: _Env, found: list[Named], text: str) -> None:
    parts = tuple(
        one.this for one in (node.args.get("catalog"), node.args.get("db"), node.this) if one is not None
    )
    given = env.get(parts[0]) if len(parts) == 1 else None
    if node.args.get("alias") is None:
        node.set("alias", exp.TableAlias(this=_quoted(parts[-1])))
    elif node.args["alias"].args.get("this") is None:
        node.args["alias"].set("this", _quoted(parts[-1]))
    if given is not None:
        node.set("this", _quoted(given))
        return
    found.append(Named(node, parts, start_of(node.args.get("catalog") or node.args.get("db") or node.this)))
    if len(found) > MAX_TABLES:
        raise fault(f"A query names tables at most {MAX_TABLES} times.", text, found[-1].at)


def _quoted(name: str) -> Any:
    return exp.Identifier(this=name, quoted=True)


def choose(named: Named, candidates: Sequence[TableName], scope: Scope | None, text: str) -> TableName | None:
    """The table that a name means among all of that name; None when there is none.

    Raises `errors.Invalid` when it may be several.
    """
    fitting = [
        one for one in candidates if (one.app, one.source, one.table)[-len(named.parts) :] == named.parts
    ]
    if scope is not None and len(named.parts) < 3:
        near = [one for one in fitting if one.app == scope.app]
        nearest = [one for one in near if one.source == scope.source]
        # A table by its name alone is one of the app; a source may also be one of another.
        fitting = nearest or near or ([] if len(named.parts) == 1 else fitting)
    if len(fitting) > 1:
        listed = ", ".join(_full(one) for one in sorted(fitting)[:5])
        raise fault(
            f"{named.text} may be any of {listed}.", text, named.at, hint="Name the app and source, too."
        )
    return fitting[0] if fitting else None


def unknown(named: Named, seen: Sequence[TableName], scope: Scope | None, text: str) -> errors.Invalid:
    """The error for a name that is no table that the caller sees."""
    around = [one for one in seen if scope is None or one.app == scope.app] or list(seen)
    wanted, length = named.parts[-1], len(named.parts)
    by_name: dict[str, TableName] = {one.table: one for one in around}
    close = errors.nearest(wanted, sorted(by_name))
    if length > 1:
        in_full = {".".join((one.app, one.source, one.table)[-length:]): one for one in seen}
        close = errors.nearest(".".join(named.parts), sorted(in_full)) or close
    same = [one.table for one in around if one.table.lower() == wanted.lower()]
    if same:
        close = f'Did you mean "{same[0]}", with its capitals in double quotes?'
    return fault(f"There is no table {named.text[:200]}.", text, named.at, hint=close)


def _full(name: TableName) -> str:
    return f'"{name.app}"."{name.source}"."{name.table}"'
