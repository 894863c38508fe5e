"""Formats of numbers and instants as the options of visualizations have them: for D3, and for text of our own.

Numbers are written as numeral.js does (`0,0.00`), instants as Moment does (`DD/MM/YYYY HH:mm`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from typing import Any, Final

_NUMBER: Final = re.compile(
    r"(?P<sign>\$)?0*(?P<group>,0+)?(?:(?P<optional>\[)?\.\]?(?P<digits>0*)(?:\[(?P<more>0+)\])?)?"
    r"(?P<space> )?(?P<tail>[%a])?"
)
_MOST_DIGITS: Final = 20
_LONGEST: Final = 100  # characters of a format
_WIDE: Final = Context(prec=400)
# The longest come first, since one begins another.
_TOKENS: Final = (
    ("YYYY", "%Y"), ("YY", "%y"), ("MMMM", "%B"), ("MMM", "%b"), ("MM", "%m"), ("M", "%-m"),
    ("dddd", "%A"), ("ddd", "%a"), ("DDDD", "%j"), ("DD", "%d"), ("D", "%-d"), ("HH", "%H"), ("H", "%-H"),
    ("hh", "%I"), ("h", "%-I"), ("mm", "%M"), ("m", "%-M"), ("ss", "%S"), ("s", "%-S"), ("SSS", "%L"),
    ("A", "%p"), ("a", "%p"), ("Q", "%q"),
)  # fmt: skip
_SPLIT: Final = re.compile("|".join(token for token, _ in sorted(_TOKENS, key=lambda one: -len(one[0]))))
_OF_TOKEN: Final = dict(_TOKENS)


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """How a number is written. `digits` after the point, of which `optional` ones are left out when they are 0."""

    grouped: bool = True
    digits: int = 6
    optional: int = 6
    prefix: str = ""
    percent: bool = False
    short: bool = False

    @property
    def d3(self) -> str:
        """As D3 has it."""
        sign, comma = self.prefix, "," if self.grouped else ""
        trimmed = "~" if self.optional else ""
        kind = "%" if self.percent else "s" if self.short else "f"
        return f"{sign}{comma}.{self.digits or (3 if self.short else 0)}{trimmed}{kind}"

    def text(self, value: Any) -> str:
        """The number, or the text of one, as people read it; what is no finite number as it is."""
        try:
            number = Decimal(str(value))
            if not number.is_finite():
                return str(value)
            number = number * 100 if self.percent else number
            # Half to even is what the browser's library does not, but never shows a number that is further off.
            number = number.quantize(Decimal(1).scaleb(-self.digits), ROUND_HALF_EVEN, _WIDE)
        except InvalidOperation:
            return str(value)
        written = f"{number:,f}" if self.grouped else f"{number:f}"
        if self.optional and "." in written:
            least = len(written) - self.optional
            while len(written) > least and written.endswith("0"):
                written = written[:-1]
            written = written.removesuffix(".")
        if number == 0:
            written = written.removeprefix("-")
        return f"{self.prefix}{written}{'%' if self.percent else ''}"


PLAIN: Final = NumberFormat()
WHOLE: Final = NumberFormat(digits=0, optional=0)


def number_format(text: Any, otherwise: NumberFormat = PLAIN) -> NumberFormat:
    """As numeral.js means it; `otherwise` for what it does not mean anything by."""
    said = text.strip() if isinstance(text, str) and len(text) <= _LONGEST else ""
    found = _NUMBER.fullmatch(said) if said else None
    if found is None:
        return otherwise
    digits, more = len(found["digits"] or ""), len(found["more"] or "")
    whole = min(digits + more, _MOST_DIGITS)
    return NumberFormat(
        grouped=found["group"] is not None,
        digits=whole,
        optional=whole if found["optional"] else min(more, whole),
        prefix=found["sign"] or "",
        percent=found["tail"] == "%",
        short=found["tail"] == "a",
    )


def is_number_format(text: Any) -> bool:
    """True for what numeral.js means something by."""
    said = text.strip() if isinstance(text, str) and len(text) <= _LONGEST else ""
    return bool(said) and _NUMBER.fullmatch(said) is not None


def d3_time(text: Any) -> str | None:
    """A Moment format for D3; None for what is none."""
    if not isinstance(text, str) or not text.strip() or len(text) > _LONGEST:
        return None
    parts: list[str] = []
    end = 0
    for found in _SPLIT.finditer(text):
        parts += [text[end : found.start()].replace("%", "%%"), _OF_TOKEN[found[0]]]
        end = found.end()
    return "".join((*parts, text[end:].replace("%", "%%"))) if end else None


def moment_text(value: str, text: Any) -> str:
    """An ISO instant or day in a Moment format; as it is when either is none."""
    pattern = d3_time(text)
    if pattern is None:
        return value
    try:
        at = datetime.fromisoformat(value) if len(value) > 10 else datetime.combine(_day(value), time())
    except ValueError:
        return value
    pattern = pattern.replace("%q", str((at.month + 2) // 3)).replace("%L", f"{at.microsecond // 1000:03d}")
    return at.strftime(pattern)


def _day(value: str) -> date:
    return date.fromisoformat(value)
