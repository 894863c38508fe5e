"""`_aggregate`, `_group_by` and `_having` to trees, by recursive descent. Nothing but the grammar gets through.

outputs    = output {"," output}        output = aggregate ["as" name]
aggregate  = function "(" ("*" | ["distinct"] sum) ")"
sum        = product {("+" | "-") product}
product    = factor {("*" | "/") factor}
factor     = "-" factor | "(" sum ")" | number | part | period | field
part       = "extract" "(" unit "from" moment ")"
period     = "date_trunc" "(" 'unit' "," moment ")"
moment     = field ["at" "time" "zone" 'zone']
keys       = key {"," key}              key = (field | part | period) ["as" name]
having     = any {"," any}              any = all {"or" all}      all = condition {"and" condition}
condition  = "(" any ")" | (name | aggregate) sign number | name "__" operator "=" number
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from decimal import Decimal
from typing import NoReturn, TypeVar

from penstock.kit import errors
from penstock.kit.filters import And, Or
from penstock.kit.filters.values import Uncastable, check_number
from penstock.tables.aggregates.tokens import Kind, Token, refuse, tokens
from penstock.tables.aggregates.tree import (
    MAX_DEPTH,
    MAX_KEYS,
    MAX_NODES,
    MAX_OUTPUTS,
    MAX_THRESHOLDS,
    Aggregate,
    Aggregation,
    Arithmetic,
    Expression,
    Function,
    Having,
    Key,
    Name,
    Negative,
    Number,
    Output,
    Part,
    Period,
    Threshold,
    key_name,
    output_name,
)

PARAMETERS = frozenset({"_aggregate", "_group_by", "_having"})
SIGNS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "eq": "=", "ne": "!="}
_ALIAS = re.compile(r"[^\W\d]\w*")
_ALIAS_BYTES = 63
T = TypeVar("T")


def parse(given: dict[str, str]) -> Aggregation:
    """The parameters that were sent, by name. Raises `errors.Invalid` naming the parameter."""
    if not given.get("_aggregate", "").strip():
        name = next((name for name in ("_having", "_group_by") if name in given), "_aggregate")
        refuse(name, "It needs an '_aggregate' that says what to compute, such as count(*).")
    outputs = parse_outputs(given["_aggregate"])
    keys = parse_keys(given["_group_by"]) if "_group_by" in given else ()
    names = {name for output in outputs if (name := output_name(output))} | {key_name(key) for key in keys}
    having = parse_having(given["_having"], names) if "_having" in given else None
    return Aggregation(outputs, keys, having)


def parse_outputs(text: str) -> tuple[Output, ...]:
    reader = _Reader("_aggregate", text)
    return reader.whole(lambda: reader.listed(reader.output, MAX_OUTPUTS))


def parse_keys(text: str) -> tuple[Key, ...]:
    reader = _Reader("_group_by", text)
    return reader.whole(lambda: reader.listed(reader.key, MAX_KEYS))


def parse_having(text: str, names: Collection[str]) -> Having:
    """`names` are the outputs: a name that ends like an operator may be one of them."""
    reader = _Reader("_having", text, names)
    return reader.whole(reader.having)


class _Reader:
    """The tokens of one parameter and how far they are read."""

    def __init__(self, parameter: str, text: str, names: Collection[str] = ()) -> None:
        self.parameter = parameter
        self.names = names
        self.tokens: Sequence[Token] = tokens(parameter, text)
        self.position = 0
        self.nodes = 0
        self.depth = 0
        self.thresholds = 0

    # --- tokens

    @property
    def here(self) -> Token:
        return self.tokens[self.position]

    def next(self) -> Token:
        token = self.here
        self.position += token.kind is not Kind.END
        return token

    def is_sign(self, *signs: str) -> bool:
        return self.here.kind is Kind.SIGN and self.here.text in signs

    def is_word(self, word: str) -> bool:
        return self.here.kind is Kind.NAME and self.here.text.lower() == word

    @property
    def after(self) -> Token:
        return self.tokens[min(self.position + 1, len(self.tokens) - 1)]

    def opens(self) -> bool:
        """True at a name that a parenthesis follows."""
        return self.here.kind is Kind.NAME and self.after.kind is Kind.SIGN and self.after.text == "("

    def is_distinct(self) -> bool:
        """A field may be called so too: then what follows cannot begin an expression."""
        after = self.after
        return self.is_word("distinct") and (after.kind is not Kind.SIGN or after.text in "(-")

    def take(self, sign: str) -> None:
        if not self.is_sign(sign):
            self.unexpected(f"'{sign}'")
        self.next()

    def word(self, word: str) -> None:
        if not self.is_word(word):
            self.unexpected(f"'{word}'")
        self.next()

    def text(self, what: str) -> str:
        if self.here.kind is not Kind.TEXT:
            self.unexpected(f"{what} in single quotes")
        return self.next().text

    def unexpected(self, expected: str, hint: str | None = None) -> NoReturn:
        token = self.here
        seen = "the end" if token.kind is Kind.END else f"'{token.text[:40]}'"
        if hint is None and token.kind in (Kind.NAME, Kind.NUMBER, Kind.QUOTED):
            hint = (
                'In a URL "+" is written %2B; a field whose name has spaces or signs stands in double quotes.'
            )
        refuse(self.parameter, f"Character {token.at}: expected {expected}, not {seen}.", hint)

    # --- lists

    def whole(self, read: Callable[[], T]) -> T:
        found = read()
        if self.here.kind is not Kind.END:
            self.unexpected("a comma or the end")
        return found

    def listed(self, read: Callable[[], T], most: int) -> tuple[T, ...]:
        found = [read()]
        while self.is_sign(","):
            self.next()
            found.append(read())
            if len(found) > most:
                refuse(self.parameter, f"It has more than {most} terms.")
        return tuple(found)

    # --- aggregates and keys

    def output(self) -> Output:
        return Output(self.aggregate(), self.alias())

    def key(self) -> Key:
        self.nodes = 0
        expression = self.moment_function() if self.opens() else self.name()
        return Key(expression, self.alias())

    def alias(self) -> str | None:
        if not self.is_word("as"):
            return None
        self.next()
        token = self.here
        if token.kind not in (Kind.NAME, Kind.QUOTED):
            self.unexpected("a name for the output")
        if not _ALIAS.fullmatch(token.text) or len(token.text.encode()) > _ALIAS_BYTES:
            refuse(
                self.parameter,
                f"'{token.text[:80]}' cannot name an output: a name begins with a letter or underscore, has "
                f"letters, digits and underscores, and at most {_ALIAS_BYTES} bytes.",
            )
        return self.next().text

    def aggregate(self) -> Aggregate:
        if not self.opens():
            self.unexpected("an aggregate such as sum(field)")
        function = self.function()
        self.take("(")
        self.nodes = 0
        if self.is_sign("*"):
            if function is not Function.COUNT:
                self.unexpected(
                    "a field", f"Only count takes '*'; {function} takes a field or an expression."
                )
            self.next()
            self.take(")")
            return Aggregate(function, None)
        distinct = self.is_distinct()
        if distinct:
            self.next()
        argument = self.sum()
        self.take(")")
        return Aggregate(function, argument, distinct)

    def function(self) -> Function:
        token = self.next()
        try:
            return Function(token.text.lower())
        except ValueError:
            known = [one.value for one in Function]
            message = f"Character {token.at}: there is no aggregate '{token.text[:40]}'. There are {', '.join(known)}."
            refuse(self.parameter, message, errors.nearest(token.text.lower(), known))

    # --- expressions

    def sum(self) -> Expression:
        found = self.product()
        while self.is_sign("+", "-"):
            sign = self.next().text
            found = self.counted(Arithmetic(sign, found, self.product()))
        return found

    def product(self) -> Expression:
        found = self.factor()
        while self.is_sign("*", "/"):
            sign = self.next().text
            found = self.counted(Arithmetic(sign, found, self.factor()))
        return found

    def factor(self) -> Expression:
        self.deeper()
        try:
            if self.is_sign("-"):
                self.next()
                return self.counted(Negative(self.factor()))
            if self.is_sign("("):
                self.next()
                found = self.sum()
                self.take(")")
                return found
            if self.here.kind is Kind.NUMBER:
                return self.counted(Number(self.number()))
            return self.moment_function() if self.opens() else self.name()
        finally:
            self.depth -= 1

    def name(self) -> Name:
        token = self.here
        if token.kind not in (Kind.NAME, Kind.QUOTED):
            self.unexpected("a field")
        return self.counted(Name(self.next().text))

    def moment_function(self) -> Part | Period:
        function = self.here.text.lower()
        if function == "extract":
            self.next()
            self.take("(")
            if self.here.kind not in (Kind.NAME, Kind.TEXT):
                self.unexpected("a unit such as year")
            unit = self.next().text.lower()
            self.word("from")
            return self.counted(Part(unit, *self.moment()))
        if function == "date_trunc":
            self.next()
            self.take("(")
            unit = self.text("a unit such as month").lower()
            self.take(",")
            return self.counted(Period(unit, *self.moment()))
        self.unexpected("a field, extract(…) or date_trunc(…)", "Aggregates do not stand inside one another.")

    def moment(self) -> tuple[str, str | None]:
        field, zone = self.name().field, None
        if self.is_word("at"):
            self.next()
            self.word("time")
            self.word("zone")
            zone = self.text("a time zone")
        self.take(")")
        return field, zone

    def number(self) -> Decimal:
        sign = ""
        if self.is_sign("-", "+"):
            sign = self.next().text
        if self.here.kind is not Kind.NUMBER:
            self.unexpected("a number")
        text = self.next().text
        try:
            return check_number(Decimal(sign + text))
        except Uncastable as error:
            refuse(self.parameter, f"'{text[:40]}' {error}.")

    def counted(self, node: T) -> T:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            refuse(self.parameter, f"An expression has at most {MAX_NODES} operands and operators.")
        return node

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            refuse(self.parameter, f"Expressions nest at most {MAX_DEPTH} levels deep.")

    # --- conditions

    def having(self) -> Having:
        return _joined(And, self.listed(self.any, MAX_THRESHOLDS))

    def any(self) -> Having:
        return self.chain("or", self.all, Or)

    def all(self) -> Having:
        return self.chain("and", self.condition, And)

    def chain(
        self, word: str, read: Callable[[], Having], kind: type[And[Threshold] | Or[Threshold]]
    ) -> Having:
        found = [read()]
        while self.is_word(word):
            self.next()
            found.append(read())
        return _joined(kind, tuple(found))

    def condition(self) -> Having:
        if self.is_sign("("):
            self.deeper()
            self.next()
            found = self.any()
            self.take(")")
            self.depth -= 1
            return found
        self.thresholds += 1
        if self.thresholds > MAX_THRESHOLDS:
            refuse(self.parameter, f"It has more than {MAX_THRESHOLDS} conditions.")
        subject: str | Aggregate = self.aggregate() if self.opens() else self.name().field
        self.nodes = 0
        return self.threshold(subject)

    def threshold(self, subject: str | Aggregate) -> Threshold:
        token = self.here
        if not self.is_sign(">", ">=", "<", "<=", "=", "!=", "<>"):
            self.unexpected("a comparison: >, >=, <, <=, = or !=")
        sign = "!=" if token.text == "<>" else token.text
        if isinstance(subject, str) and sign == "=" and subject not in self.names:
            name, separator, operator = subject.rpartition("__")
            if separator and name:
                if operator not in SIGNS:
                    refuse(
                        self.parameter,
                        f"'{subject[:80]}' ends in no operator of '_having'; there are {', '.join(SIGNS)}.",
                    )
                subject, sign = name, SIGNS[operator]
        self.next()
        return Threshold(subject, sign, self.number())


def _joined(kind: type[And[Threshold] | Or[Threshold]], items: tuple[Having, ...]) -> Having:
    return items[0] if len(items) == 1 else kind(items)
