"""Whether the rows of a result fulfil a condition: exact numbers, text by code point, large results batch by batch."""

# pyright: basic
# pyarrow ships no types.

from __future__ import annotations

import asyncio
import math
import operator
from collections.abc import Callable, Iterator, Mapping
from decimal import Context as Precision
from decimal import Decimal, localcontext
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute

from penstock.queries.alerts.models import Condition, Outcome, Selector, State
from penstock.queries.alerts.options import number_of, text_of
from penstock.queries.results.columns import Column, Kind
from penstock.queries.results.instants import Instants
from penstock.queries.results.models import StoredFile
from penstock.queries.results.reading import ResultFiles
from penstock.queries.results.texts import plain_texts

_COMPARE: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}
_EQUALITY: Final = ("==", "!=")
_NUMBERS: Final = (Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL)
_EXACT: Final = Precision(prec=2000)
# Of a mean, which may have no end.
_DIGITS: Final = 30
_Scalar = Decimal | str
_compute: Any = pyarrow.compute


async def look(files: ResultFiles, file: StoredFile, condition: Condition, state: State) -> Outcome:
    """`state` is the one so far, since who is triggered recovers at another threshold."""
    outcome = await _looked(files, file, condition, state)
    if not file.truncated or condition.selector is Selector.FIRST:
        return outcome
    if condition.selector is Selector.ANY and outcome.state is State.TRIGGERED:
        return outcome
    return Outcome(State.UNKNOWN, outcome.value, "The result was cut off, and tells nothing of all rows.")


async def _looked(files: ResultFiles, file: StoredFile, condition: Condition, state: State) -> Outcome:
    if condition.selector is Selector.COUNT:
        return _judged(Decimal(file.rows), condition, state)
    place = next((n for n, one in enumerate(file.columns) if one.name == condition.column), None)
    if place is None:
        return Outcome(State.UNKNOWN, reason=f"The result has no column '{condition.column}'.")
    if not file.rows:
        return Outcome(condition.empty, reason="The result has no rows.")
    column = file.columns[place]
    if condition.selector is Selector.FIRST:
        (batch,) = await files.page(file, 0, 1)
        return _first(next(_values(batch.column(place), column), None), condition, state)
    if condition.selector is not Selector.ANY and column.kind not in _NUMBERS:
        sentence = (
            f"The column '{column.name}' has no numbers, of which `{condition.selector}` could be told."
        )
        return Outcome(State.UNKNOWN, reason=sentence)
    fold = _Any(condition, state) if condition.selector is Selector.ANY else _Fold(condition.selector)
    async for batch in files.batches(file):
        await asyncio.to_thread(fold.add, batch.column(place), column)
        if fold.is_done:
            break
    return fold.outcome(condition, state)


def _first(value: _Scalar | None, condition: Condition, state: State) -> Outcome:
    if value is None:
        return Outcome(State.UNKNOWN, reason="The value is null.")
    return _judged(value, condition, state)


def _judged(value: _Scalar, condition: Condition, state: State) -> Outcome:
    shown = text_of(value)
    threshold = _threshold(condition, state)
    if isinstance(value, Decimal):
        if isinstance(threshold, str):
            return Outcome(State.UNKNOWN, shown, "The value is a number, and the threshold is not.")
        held = _COMPARE[condition.op](value, threshold)
        return Outcome(State.TRIGGERED if held else State.OK, shown)
    if _COMPARE[condition.op](value, text_of(threshold)):
        return Outcome(State.TRIGGERED, shown)
    if condition.op in _EQUALITY:
        return Outcome(State.OK, shown)
    return Outcome(State.UNKNOWN, shown, "The value is text, of which only == and != can be told.")


def _threshold(condition: Condition, state: State) -> _Scalar:
    if state is State.TRIGGERED and condition.recover is not None:
        return condition.recover
    return condition.threshold


def _values(array: Any, column: Column) -> Iterator[Any]:
    """Numbers as they are, everything else as text; None for null and for what is no number among numbers."""
    if column.kind in (Kind.INTEGER, Kind.FLOAT):
        return iter([_number(value) for value in array.to_pylist()])
    if column.kind is Kind.BOOLEAN:
        return iter([None if value is None else str(value).lower() for value in array.to_pylist()])
    texts = plain_texts(array, column, Instants.DASHBOARD).to_pylist()
    if column.kind is Kind.DECIMAL:
        return iter([None if text is None else _number(Decimal(text)) for text in texts])
    if column.kind is Kind.STRING:
        return iter([None if text is None else _read(text) for text in texts])
    return iter(texts)


def _read(text: str) -> _Scalar:
    found = number_of(text)
    return text if found is None else found


def _number(value: Any) -> Decimal | None:
    if value is None or (isinstance(value, (float, Decimal)) and math.isnan(value)):
        return None
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


class _Any:
    """Until a row fulfils the condition; else the first value tells how it stands."""

    def __init__(self, condition: Condition, state: State) -> None:
        self._condition, self._state = condition, state
        self._threshold = _threshold(condition, state)
        self._outcome: Outcome | None = None

    @property
    def is_done(self) -> bool:
        return self._outcome is not None and self._outcome.state is State.TRIGGERED

    def add(self, array: Any, column: Column) -> None:
        for value in self._worth_a_look(array, column):
            if value is not None and (self._outcome is None or self._holds(value)):
                self._outcome = _judged(value, self._condition, self._state)
                if self.is_done:
                    return

    def _holds(self, value: _Scalar) -> bool:
        compare = _COMPARE[self._condition.op]
        if isinstance(value, Decimal):
            return isinstance(self._threshold, Decimal) and compare(value, self._threshold)
        return compare(value, text_of(self._threshold))

    def _worth_a_look(self, array: Any, column: Column) -> Iterator[Any]:
        """All values, or those few that tell it for all."""
        numbers = column.kind in (Kind.INTEGER, Kind.FLOAT) and isinstance(self._threshold, Decimal)
        if numbers and self._condition.op not in _EQUALITY:
            return iter(_ends(array, column))
        if column.kind is Kind.FLOAT:
            array = array.filter(_compute.invert(_compute.is_nan(array)))
        wanted = _scalar(self._threshold, column)
        if wanted is None or (column.kind is Kind.STRING and self._condition.op != "=="):
            return _values(array, column)
        compare = _compute.equal if self._condition.op == "==" else _compute.not_equal
        hits = array.filter(compare(array, wanted))
        return _values(pa.concat_arrays([hits.slice(0, 1), array.drop_null().slice(0, 1)]), column)

    def outcome(self, condition: Condition, state: State) -> Outcome:
        return self._outcome or Outcome(State.UNKNOWN, reason="Every value is null.")


def _scalar(threshold: _Scalar, column: Column) -> Any:
    """The threshold as a value of the column; None where it is none, or where values are compared one by one."""
    if isinstance(threshold, str):
        return threshold if column.kind is Kind.STRING else None
    if column.kind is Kind.INTEGER and threshold == threshold.to_integral_value() and abs(threshold) < 2**63:
        return int(threshold)
    if column.kind is Kind.FLOAT and Decimal(repr(float(threshold))) == threshold:
        return float(threshold)
    return None


class _Fold:
    """The greatest, the least, the sum or the mean of a column of numbers; nulls do not count."""

    def __init__(self, selector: Selector) -> None:
        self._selector = selector
        self._value: Decimal | None = None
        self._count = 0
        self.is_done = False

    def add(self, array: Any, column: Column) -> None:
        if self._selector in (Selector.SUM, Selector.MEAN):
            count, value = _sum(array, column)
            self._count += count
        else:
            values = [one for one in _ends(array, column) if one is not None]
            self._count += len(values)
            value = None
            if values:
                value = max(values) if self._selector is Selector.MAX else min(values)
        if value is not None:
            self._value = value if self._value is None else self._joined(self._value, value)

    def _joined(self, one: Decimal, other: Decimal) -> Decimal:
        if self._selector is Selector.MAX:
            return max(one, other)
        if self._selector is Selector.MIN:
            return min(one, other)
        return _added(one, other)

    def outcome(self, condition: Condition, state: State) -> Outcome:
        value = self._value
        if not self._count or value is None:
            return Outcome(State.UNKNOWN, reason="Every value is null.")
        if self._selector is Selector.MEAN:
            with localcontext(Precision(prec=_DIGITS)):
                value = value / self._count
        if value.is_nan():
            return Outcome(State.UNKNOWN, reason="The values have no sum.")
        return _judged(value, condition, state)


def _ends(array: Any, column: Column) -> list[Decimal | None]:
    """The least and the greatest value."""
    if column.kind is Kind.DECIMAL:
        values = [one for one in _values(array, column) if one is not None]
        return [min(values), max(values)] if values else []
    if column.kind is Kind.FLOAT:
        array = array.filter(_compute.invert(_compute.is_nan(array)))
    found = _compute.min_max(array).as_py()
    return [_number(found["min"]), _number(found["max"])]


def _sum(array: Any, column: Column) -> tuple[int, Decimal | None]:
    """How many values there are, and their sum, with every digit where they are not floats."""
    if column.kind is Kind.DECIMAL:
        values = [one for one in _values(array, column) if one is not None]
        total = Decimal(0)
        for one in values:
            total = _added(total, one)
        return len(values), total if values else None
    if column.kind is Kind.FLOAT:
        array = array.filter(_compute.invert(_compute.is_nan(array)))
    else:
        # Sums of 64-bit integers wrap around.
        array = array.cast(pa.decimal128(38, 0))
    count = len(array) - array.null_count
    found = _compute.sum(array).as_py() if count else None
    return count, Decimal(repr(found)) if isinstance(found, float) else found


def _added(one: Decimal, other: Decimal) -> Decimal:
    """Infinities of both signs have no sum: it is NaN then."""
    if one.is_infinite() and other.is_infinite() and one != other:
        return Decimal("NaN")
    return _EXACT.add(one, other)
