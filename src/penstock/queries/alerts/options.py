"""Options of an alert: read from what a client sends, and made into a condition."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final, cast

from penstock.kit import errors
from penstock.queries.alerts import templates
from penstock.queries.alerts.models import Condition, Selector, State

# As they are written, and what they mean.
OPERATORS: Final[Mapping[str, str]] = {
    ">": ">",
    ">=": ">=",
    "<": "<",
    "<=": "<=",
    "==": "==",
    "!=": "!=",
    "greater than": ">",
    "less than": "<",
    "equals": "==",
}
_NUMERIC: Final = (Selector.MAX, Selector.MIN, Selector.SUM, Selector.MEAN, Selector.COUNT)
_LONGEST: Final = 1000
_LONGEST_SUBJECT, _LONGEST_BODY = 1000, 50_000
_LONGEST_NUMBER: Final = 200


def read(given: Any) -> dict[str, Any]:
    """The options as they are stored, unknown ones included. Raises `Invalid` for `options`."""
    if not isinstance(given, dict):
        raise _wrong("It must be an object.")
    found = dict(cast("dict[str, Any]", given))
    condition_of(found)
    for name, longest in (("custom_subject", _LONGEST_SUBJECT), ("custom_body", _LONGEST_BODY)):
        _check_template(name, found.get(name), longest)
    if not isinstance(found.get("muted", False), bool):
        raise _wrong("`muted` must be true or false.")
    if not isinstance(found.get("parameters") or {}, dict):
        raise _wrong("`parameters` must be an object: values by name.")
    return found


def condition_of(options: Mapping[str, Any]) -> Condition:
    """Raises `Invalid`."""
    selector = _selector(options.get("selector"))
    op = options.get("op")
    if not isinstance(op, str) or op not in OPERATORS:
        raise _wrong(f"`op` must be one of {', '.join(OPERATORS)}.")
    threshold = _threshold(selector, options.get("value"))
    return Condition(
        selector,
        _column(selector, options.get("column")),
        OPERATORS[op],
        threshold,
        _recover(OPERATORS[op], threshold, options.get("recover_value")),
        _empty(options.get("when_empty")),
    )


def number_of(value: Any) -> Decimal | None:
    """A finite number with all its digits; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal)):
        return None
    text = (
        value.strip() if isinstance(value, str) else repr(value) if isinstance(value, float) else str(value)
    )
    if len(text) > _LONGEST_NUMBER or "_" in text or not text.isascii():
        return None
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def text_of(value: Decimal | str) -> str:
    """A number without an exponent, unless it is beyond all writing down."""
    if isinstance(value, str):
        return value
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or abs(exponent) > 1000:
        return str(value)
    return format(value, "f")


def _selector(value: Any) -> Selector:
    if value is None:
        return Selector.FIRST
    if value not in tuple(Selector):
        raise _wrong(f"`selector` must be one of {', '.join(Selector)}.")
    return Selector(value)


def _column(selector: Selector, value: Any) -> str | None:
    if selector is Selector.COUNT and value in (None, ""):
        return None
    if not isinstance(value, str) or not 1 <= len(value) <= _LONGEST:
        raise _wrong("`column` must be the name of a column of the query.")
    return value


def _threshold(selector: Selector, value: Any) -> Decimal | str:
    if isinstance(value, bool):
        value = "true" if value else "false"
    found = number_of(value)
    if found is not None:
        return found
    if selector in _NUMERIC:
        raise _wrong(f"`value` must be a number for the selector `{selector}`.")
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise _wrong(f"`value` must be a number, or a text of at most {_LONGEST:,} characters.")
    return value


def _recover(op: str, threshold: Decimal | str, value: Any) -> Decimal | None:
    if value is None or value == "":
        return None
    found = number_of(value)
    if found is None or isinstance(threshold, str):
        raise _wrong("`recover_value` must be a number, and so must `value`.")
    if op in (">", ">=") and found <= threshold:
        return found
    if op in ("<", "<=") and found >= threshold:
        return found
    raise _wrong("`recover_value` goes with >, >=, < and <=, and lies on the far side of `value`.")


def _empty(value: Any) -> State:
    if value is None:
        return State.UNKNOWN
    if value not in tuple(State):
        raise _wrong(f"`when_empty` must be one of {', '.join(State)}.")
    return State(value)


def _check_template(name: str, text: Any, longest: int) -> None:
    if text is None:
        return
    if not isinstance(text, str) or len(text) > longest:
        raise _wrong(f"`{name}` must be a text of at most {longest:,} characters.")
    try:
        templates.parse(text)
    except templates.TemplateError as error:
        raise _wrong(f"`{name}`: {error}") from error


def _wrong(sentence: str) -> errors.Invalid:
    return errors.Invalid({"options": [sentence]})
