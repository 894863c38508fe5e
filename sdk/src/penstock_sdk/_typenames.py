"""Names in generated code: identifiers that shadow nothing and clash with nothing, the same in every run."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import chain, count

# Parameters of the generated methods, and names that annotations in a class body must go on to find.
_TAKEN = frozenset(
    {
        *("self", "order_by", "search", "where", "page", "page_size", "match", "case", "type"),
        *("bool", "dict", "float", "int", "list", "object", "str", "tuple"),
    }
)
_IRREGULAR = frozenset({"species", "series", "news", "lens", "bus", "gas", "data"})


class Names:
    """Gives each name once; a second one like it gets a number."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)

    def take(self, name: str) -> str:
        found, number = name, 2
        while found in self._taken:
            found, number = f"{name}_{number}", number + 1
        self._taken.add(found)
        return found

    def take_family(self, wished: Sequence[str], forms: Sequence[str]) -> str:
        """The first name of which all forms (such as `{}Create`) are free; the last one with a number if none is."""
        numbered = (f"{wished[-1]}_{number}" for number in count(2))
        for name in chain(wished, numbered):
            family = {form.format(name) for form in forms}
            if not family & self._taken:
                self._taken |= family
                return name
        raise AssertionError("unreachable")


def attribute(name: str) -> str:
    """A field or table as an attribute or a keyword argument."""
    # Python reads identifiers in this form, whatever is written.
    text = unicodedata.normalize("NFKC", name)
    text = "".join(one if f"a{one}".isidentifier() else "_" for one in text)
    if not text.strip("_"):
        return "field"
    if text.startswith("_"):
        text = "field_" + text.lstrip("_")
    if not text[0].isidentifier():
        text = f"n{text}"
    return f"{text}_" if keyword.iskeyword(text) or text in _TAKEN else text


def class_name(name: str) -> str:
    """`order_items` as `OrderItems`."""
    words = re.split(r"[^0-9a-zA-Z]+|(?<=[a-z0-9])(?=[A-Z])", name)
    joined = "".join(word[:1].upper() + word[1:] for word in words)
    if not joined:
        return "Table"
    joined = joined if joined[0].isalpha() else f"N{joined}"
    return f"{joined}_" if keyword.iskeyword(joined) else joined


def singular(name: str) -> str:
    """`customers` as `customer`; what is not surely a plural stays."""
    last = re.split(r"[_\-]", name)[-1].lower()
    if last in _IRREGULAR or len(last) < 4 or not last.endswith("s") or last.endswith(("ss", "us", "is")):
        return name
    if last.endswith("ies") and len(last) > 4:
        return f"{name[:-3]}y"
    if last.endswith(("sses", "shes", "ches", "xes", "zes")):
        return name[:-2]
    return name[:-1]
