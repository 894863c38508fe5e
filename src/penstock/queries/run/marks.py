"""What the parameters of a text say before it is parsed: which they are, and whether any of them could be text."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.kit import errors
from penstock.queries.models import Parameter, ParameterType, Place, Placeholder
from penstock.queries.run.lexemes import lexemes, placeholders


def names(text: str) -> list[str]:
    """The parameters that a text uses, in order; none where it cannot be read."""
    return list(dict.fromkeys(one.name for one in _marks(text) or () if one.place is not Place.COMMENT))


def is_safe(text: str, parameters: Sequence[Parameter]) -> bool:
    """True when who may only run the query as it is cannot make it ask anything else: no text from whoever runs it."""
    declared = {one.name: one.type for one in parameters}
    marks = _marks(text)
    if marks is None:
        return False
    for one in marks:
        kind = declared.get(one.name) or declared.get(one.name.rpartition(".")[0])
        if kind is None or kind is ParameterType.TEXT or one.place in (Place.COMMENT, Place.NAME):
            return False
    return True


def _marks(text: str) -> list[Placeholder] | None:
    try:
        return placeholders(text, list(lexemes(text)))
    except errors.Invalid:
        return None
