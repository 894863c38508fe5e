"""A bound tree to a query of MongoDB, in the three-valued logic of SQL.

Nulls are not stored, so a field that is absent is NULL. Each node is compiled to the documents for which it is true,
or to those for which it is false; unknown is in neither. Values never stand where an operator could.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeAlias

from bson.regex import Regex

from penstock.kit import errors
from penstock.kit.filters import And, BoundTree, Condition, Not, Related
from penstock.kit.folding import fold
from penstock.kit.operators import BY_NAME, Arity, ValueType
from penstock.tables.providers.base import Feature
from penstock.tables.providers.mongodb.config import CAPABILITIES
from penstock.tables.providers.mongodb.ranges import range_match
from penstock.tables.providers.mongodb.values import Unstorable, document, stored

Match: TypeAlias = "dict[str, Any]"
PathOf: TypeAlias = Callable[[str], str]
Found: TypeAlias = Callable[[Related[Condition], bool], Match]

NOTHING: Match = {"_id": {"$in": []}}
# MongoDB takes regular expressions of less than 32 KiB.
_LONGEST = 32_000
_LAST_CASED = 0x1E944
_JSON = (ValueType.JSON_OBJECT, ValueType.JSON_ARRAY, ValueType.JSON)
_COMPARISONS = {"eq": "$eq", "gt": "$gt", "gte": "$gte", "lt": "$lt", "lte": "$lte"}


def _alone(node: Related[Condition], truth: bool) -> Match:
    raise errors.Invalid({"filters": ["A condition on related records has no place in this request."]})


def compile_match(tree: BoundTree, path_of: PathOf, found: Found = _alone, *, truth: bool = True) -> Match:
    """The documents for which the tree is `truth`. Raises `Invalid` for what MongoDB cannot answer.

    `found` gives the match of those for which a condition on related records is true, or false.
    """
    if isinstance(tree, Condition):
        return _leaf(tree, path_of(tree.column.name), truth)
    if isinstance(tree, Not):
        return compile_match(tree.item, path_of, found, truth=not truth)
    if isinstance(tree, Related):
        return found(tree, truth)
    items = [compile_match(item, path_of, found, truth=truth) for item in tree.items]
    return every(items) if isinstance(tree, And) is truth else some(items)


def every(items: Sequence[Match]) -> Match:
    kept = [item for item in items if item]
    if not kept:
        return {}
    return kept[0] if len(kept) == 1 else {"$and": kept}


def some(items: Sequence[Match]) -> Match:
    if any(not item for item in items):
        return {}
    if not items:
        return NOTHING
    return items[0] if len(items) == 1 else {"$or": list(items)}


def any_of(paths: Sequence[str], wanted: Sequence[Sequence[Any]]) -> Match:
    """The documents whose values at these paths are one of those wanted."""
    if len(paths) == 1:
        return {paths[0]: {"$in": [values[0] for values in wanted]}}
    return {
        "$or": [
            {path: {"$eq": value} for path, value in zip(paths, values, strict=True)} for values in wanted
        ]
    }


def filled(path: str) -> Match:
    return {path: {"$exists": True}}


def _leaf(condition: Condition, path: str, truth: bool) -> Match:
    operator, value = condition.operator, condition.value
    if condition.column.type is ValueType.TSVECTOR:
        _lacks(condition, Feature.SEARCH_CONDITIONS)
    if operator.arity is Arity.BOOLEAN:
        is_null = (operator.name == "null") is value
        return {path: {"$exists": is_null is not truth}}
    if operator.negates is not None:
        operator, truth = BY_NAME[operator.negates], not truth
    if operator.name in ("in", "ina") and not value:
        return NOTHING if truth else {}
    try:
        test = _test(condition, operator.name, path)
    except Unstorable as error:
        name = condition.column.name
        raise errors.Invalid(
            {f"{name}__{condition.operator.name}": [f"{error} So it cannot be compared."]}
        ) from error
    if truth:
        return test
    return {"$and": [filled(path), {"$nor": [test]}]}


def _test(condition: Condition, name: str, path: str) -> Match:  # noqa: PLR0911  (a table, one row a return)
    """The documents for which an operator that negates nothing holds."""
    kind, value = condition.column.type, condition.value
    if name in _TEXTS:
        if kind in _JSON:
            _lacks(condition, Feature.DOCUMENT_TEXT)
        return {path: _regex(condition, _TEXTS[name](value))}
    if kind is ValueType.JSON_ARRAY and name in _ARRAYS:
        return _ARRAYS[name](path, value)
    if kind in _JSON:
        return {"$expr": {"$eq": [f"${path}", {"$literal": document(value)}]}}
    if kind is ValueType.RANGE:
        return range_match(path, name, value)
    if name in _COMPARISONS:
        return {path: {_COMPARISONS[name]: stored(value)}}
    if name == "in":
        return {path: {"$in": [stored(item) for item in value]}}
    if name == "ina":
        return {path: _regex(condition, f"^(?:{'|'.join(map(_folded, value))})\\z")}
    if name == "between":
        low, high = value
        return {path: {"$gte": stored(low), "$lte": stored(high)}}
    return _refuse(condition, "is not available on MongoDB")


def _lacks(condition: Condition, feature: Feature) -> Any:
    reason = CAPABILITIES.refused[feature].rstrip(".")
    _refuse(condition, f"does not apply there under the provider '{CAPABILITIES.provider}': {reason}")


def _refuse(condition: Condition, reason: str) -> Any:
    name, operator = condition.column.name, condition.operator.name
    raise errors.Invalid({f"{name}__{operator}": [f"The operator '{operator}' {reason}."]})


# --- arrays: items compare as wholes


def _contains(path: str, items: Sequence[Sequence[Any]]) -> Match:
    found: dict[str, Any] = {"$ifNull": [f"${path}", []]}
    tests: list[dict[str, Any]] = [
        {"$or": [{"$in": [{"$literal": document(reading)}, found]} for reading in item]} for item in items
    ]
    return {"$and": [filled(path), {"$expr": {"$and": tests}}]}


def _contained(path: str, items: Sequence[Sequence[Any]]) -> Match:
    known = [document(reading) for item in items for reading in item]
    return {
        "$and": [
            filled(path),
            {"$expr": {"$setIsSubset": [{"$ifNull": [f"${path}", []]}, {"$literal": known}]}},
        ]
    }


def _overlap(path: str, items: Sequence[Sequence[Any]]) -> Match:
    found: dict[str, Any] = {"$ifNull": [f"${path}", []]}
    return {
        "$expr": {"$or": [{"$in": [{"$literal": document(one)}, found]} for item in items for one in item]}
    }


_ARRAYS: dict[str, Callable[[str, Any], Match]] = {
    "acontains": _contains,
    "acontainedby": _contained,
    "aoverlap": _overlap,
    "aelement": _overlap,
}


# --- text: regular expressions of plain characters and classes of characters, never of a caller's own making


def _regex(condition: Condition, expression: str) -> Any:
    if len(expression.encode()) > _LONGEST:
        _refuse(condition, "takes no text this long on MongoDB; a few thousand characters will do")
    return Regex(expression, "s")


def _plain(text: str) -> str:
    return "".join(letter if letter.isalnum() else f"\\x{{{ord(letter):x}}}" for letter in text)


def _folded(text: str) -> str:
    """Every spelling that folds to the same text as this one."""
    return "".join(_class(letter) for letter in fold(text))


def _class(letter: str) -> str:
    spellings = _unfolded().get(letter)
    if not spellings:
        return _plain(letter)
    return f"[{_plain(letter)}{_plain(spellings)}]"


@cache
def _unfolded() -> dict[str, str]:
    """By folded character, the others that fold to it: what folding is, and not what the server takes for it."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for point in range(_LAST_CASED):
        letter = chr(point)
        if 0xD800 <= point < 0xE000 or (same := fold(letter)) == letter:
            continue
        found[same].append(letter)
    return {same: "".join(letters) for same, letters in found.items()}


def _pattern(text: str, plain: Callable[[str], str]) -> str:
    """A LIKE pattern: `%` is any text, `_` any character, a backslash takes the meaning of what follows.

    What stands between two `%` is found where it first occurs, and nowhere else is looked for it: this is all that
    LIKE needs, and no pattern takes more than one pass through a text for each of its parts.
    """
    parts = [""]
    letters = iter(text)
    for letter in letters:
        if letter == "%":
            parts.append("")
        elif letter == "_":
            parts[-1] += "."
        else:
            parts[-1] += plain(next(letters) if letter == "\\" else letter)
    if len(parts) == 1:
        return f"^{parts[0]}\\z"
    inner = "".join(f"(?>.*?{part})" for part in parts[1:-1] if part)
    return f"^{parts[0]}{inner}.*{parts[-1]}\\z" if parts[-1] else f"^{parts[0]}{inner}"


_TEXTS: dict[str, Callable[[str], str]] = {
    "contains": _folded,
    "containss": _plain,
    "startswith": lambda text: f"^{_folded(text)}",
    "startswiths": lambda text: f"^{_plain(text)}",
    "endswith": lambda text: f"{_folded(text)}\\z",
    "endswiths": lambda text: f"{_plain(text)}\\z",
    "like": lambda text: _pattern(text, _plain),
    "ilike": lambda text: _pattern(text, _folded),
}


def containing(path: str, word: str) -> Match:
    """Text that has the word in it, in any case. Raises `Invalid` for `search`."""
    expression = _folded(word)
    if len(expression.encode()) > _LONGEST:
        raise errors.Invalid({"search": ["The text is too long to look for on MongoDB."]})
    return {path: Regex(expression, "s")}
