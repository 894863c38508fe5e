"""What the options of a COUNTER say, read against the rows of a result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from penstock.kit import errors
from penstock.queries.charts.formats import NumberFormat
from penstock.queries.charts.rows import Texts
from penstock.queries.charts.vega import CONFIG, SCHEMA

_LONGEST: Final = 120


@dataclass(frozen=True, slots=True)
class Counter:
    """One value, what it is called, and what it was to be."""

    label: str
    value: str
    target: str | None = None
    # Whether the target is reached; None when that cannot be said.
    reached: bool | None = None


def needed(options: Mapping[str, Any], total: int) -> tuple[int, int]:
    """From which row on, and how many rows of the result a counter needs."""
    if options.get("countRow") is True or not total:
        return 0, 0
    places = [_row(options, name, total) for name in ("rowNumber", "targetRowNumber")]
    return min(places), max(places) - min(places) + 1


def counter_of(options: Mapping[str, Any], texts: Texts, start: int, name: str) -> Counter:
    """`texts` are the rows from `start` on. Raises `BadRequest` for columns that are not there."""
    label = _text(options, "counterLabel") or name
    if options.get("countRow") is True:
        return Counter(label, _written(options, str(texts.total)))
    value = _value(options, "counterColName", "rowNumber", texts, start)
    target = None
    if options.get("targetColName"):
        target = _value(options, "targetColName", "targetRowNumber", texts, start)
    goal = (
        None if target is None else _written(options, target) if options.get("formatTargetValue") else target
    )
    return Counter(label, "-" if value is None else _written(options, value), goal, _reached(value, target))


def document(counter: Counter, width: int, height: int) -> dict[str, Any]:
    """As a Vega-Lite document."""
    color = {True: "#2e9e4f", False: "#d9534f", None: "#323232"}[counter.reached]
    size = max(12, min(height * 0.4, 1.6 * width / max(len(counter.value), 4)))
    lines = [(counter.value, size, color, -size * 0.15)]
    if counter.target is not None:
        lines.append((f"({counter.target})", max(11, size * 0.3), "#777", size * 0.6))
    lines.append((counter.label, 14, "#555", min(height * 0.42, size * 0.6 + 30)))
    return {
        "$schema": SCHEMA,
        "config": CONFIG,
        "width": width,
        "height": height,
        "data": {"values": [{}]},
        "layer": [
            {
                "mark": {
                    "type": "text",
                    "text": text,
                    "fontSize": round(big, 1),
                    "color": tone,
                    "dy": round(down, 1),
                    "limit": width,
                }
            }
            for text, big, tone, down in lines
        ],
    }


def _value(options: Mapping[str, Any], column: str, row: str, texts: Texts, start: int) -> str | None:
    wanted = options.get(column)
    if not isinstance(wanted, str) or not wanted:
        raise errors.BadRequest(f"The counter's option `{column}` names no column.", hint=_known(texts))
    place = next((n for n, one in enumerate(texts.columns) if one.name == wanted), None)
    if place is None:
        raise errors.BadRequest(
            f"The counter's option `{column}` is '{wanted[:60]}', which the result has not.",
            hint=_known(texts),
        )
    if not texts.total:
        return None
    return texts.rows[_row(options, row, texts.total) - start][place]


def _known(texts: Texts) -> str:
    return f"The columns are {', '.join(one.name for one in texts.columns)[:500]}."


def _row(options: Mapping[str, Any], name: str, total: int) -> int:
    """Counted from 1, or from the end when it is negative; 0 is the first too, as clients have it."""
    number = options.get(name, 1)
    if isinstance(number, str) and number.removeprefix("-").isdecimal() and len(number) < 18:
        number = int(number)
    if isinstance(number, bool) or not isinstance(number, int):
        raise errors.BadRequest(f"The counter's option `{name}` must be the number of a row.")
    place = number - 1 if number > 0 else total + number if number < 0 else 0
    return max(0, min(place, total - 1))


def _written(options: Mapping[str, Any], text: str) -> str:
    digits = options.get("stringDecimal")
    whole = digits if isinstance(digits, int) and not isinstance(digits, bool) and 0 <= digits <= 20 else None
    form = NumberFormat() if whole is None else NumberFormat(digits=whole, optional=0)
    written = form.text(text)
    point, comma = _text(options, "stringDecChar", "."), _text(options, "stringThouSep", ",")
    if _is_number(text):
        written = written.translate({ord("."): point, ord(","): comma})
    return f"{_text(options, 'stringPrefix')}{written}{_text(options, 'stringSuffix')}"


def _text(options: Mapping[str, Any], name: str, otherwise: str = "") -> str:
    found = options.get(name)
    return found[:_LONGEST] if isinstance(found, str) else otherwise


def _is_number(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False


def _reached(value: str | None, target: str | None) -> bool | None:
    if value is None or target is None or not _is_number(value) or not _is_number(target):
        return None
    return Decimal(value) >= Decimal(target)
