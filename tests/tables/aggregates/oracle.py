"""What aggregates must answer, worked out in plain Python: it shares no code with the server.

Expressions are tuples: `("field", name)`, `("number", Decimal)`, `("minus", e)`, `("+", l, r)` and so on,
`("part", unit, name, zone)`, `("period", unit, name, zone)`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, localcontext
from typing import Any
from zoneinfo import ZoneInfo

Row = Mapping[str, Any]
Expression = tuple[Any, ...]


class DividesByZero(Exception):
    """As a request that is refused."""


@dataclass(frozen=True)
class Output:
    function: str
    argument: Expression | None
    distinct: bool
    alias: str | None


@dataclass(frozen=True)
class Key:
    expression: Expression
    alias: str | None


@dataclass(frozen=True)
class Limit:
    """A condition on the output `name`; `sign` as `_having` writes it."""

    name: str
    sign: str
    value: Decimal


@dataclass(frozen=True)
class Asked:
    """A request: `keeps` is its filter, `having` alternatives of conditions that must hold together."""

    outputs: tuple[Output, ...]
    keys: tuple[Key, ...]
    keeps: Callable[[Row], bool]
    having: tuple[tuple[Limit, ...], ...]
    order: tuple[tuple[str, bool], ...]


def answer(rows: Sequence[Row], asked: Asked) -> list[dict[str, Any]]:
    """The groups in order, their values as JSON shows them (numbers as Decimal)."""
    groups: dict[tuple[Any, ...], list[Row]] = {}
    if not asked.keys:
        groups[()] = []
    for row in rows:
        if asked.keeps(row):
            groups.setdefault(tuple(value(key.expression, row) for key in asked.keys), []).append(row)
    made: list[dict[str, Any]] = []
    for key, members in groups.items():
        made.append(dict(zip(map(key_name, asked.keys), key, strict=True)))
        made[-1].update({output_name(one): outcome(one, members) for one in asked.outputs})
    if asked.having:
        made = [
            one for one in made if any(all(holds(limit, one) for limit in all_of) for all_of in asked.having)
        ]
    # The keys first, so that the sorts after it, being stable, leave them in order.
    for name, descending in reversed([*asked.order, *((key_name(key), False) for key in asked.keys)]):
        made.sort(key=lambda one, name=name: ascending(one[name]), reverse=descending)
    return [{name: shown(found) for name, found in one.items()} for one in made]


def ascending(found: Any) -> tuple[bool, Any]:
    """Nothing comes last, and first when reversed."""
    return (found is None, 0 if found is None else found)


def holds(limit: Limit, group: Row) -> bool:
    found = group[limit.name]
    if found is None:
        return False
    return {
        ">": found > limit.value,
        ">=": found >= limit.value,
        "<": found < limit.value,
        "<=": found <= limit.value,
        "=": found == limit.value,
        "!=": found != limit.value,
    }[limit.sign]


def outcome(output: Output, members: Sequence[Row]) -> Any:
    if output.argument is None:
        return len(members)
    every = [value(output.argument, row) for row in members]
    if output.distinct:
        every = sorted(set(every), key=ascending)
    found = [one for one in every if one is not None]
    with localcontext(prec=200):
        match output.function:
            case "count":
                return len(found)
            case "array_agg" | "json_agg":
                return every or None
            case "string_agg":
                return ", ".join(text(one) for one in found) if found else None
            case _ if not found:
                return None
            case "sum":
                return sum(found)
            case "avg":
                return Decimal(sum(found)) / len(found)
            case "min":
                return min(found)
            case "max":
                return max(found)
        if len(found) < 2:
            return None
        mean = Decimal(sum(found)) / len(found)
        variance = Decimal(sum((one - mean) ** 2 for one in found)) / (len(found) - 1)
        return variance if output.function == "variance" else variance.sqrt()


def value(expression: Expression, row: Row) -> Any:
    match expression:
        case ("field", name):
            return row[name]
        case ("number", number):
            return number
        case ("minus", item):
            found = value(item, row)
            return None if found is None else -found
        case ("part" | "period" as what, unit, name, zone):
            moment = row[name]
            if moment is None:
                return None
            if isinstance(moment, datetime):
                moment = moment.astimezone(ZoneInfo(zone or "UTC")).replace(tzinfo=None)
            if what == "part":
                return part(unit, moment)
            began = period(unit, moment)
            return began.replace(tzinfo=UTC) if isinstance(began, datetime) and zone is None else began
        case (sign, left, right):
            with localcontext(prec=200):
                return join(sign, value(left, row), value(right, row))
    raise AssertionError(expression)


def join(sign: str, left: Any, right: Any) -> Any:
    if left is None or right is None:
        return None
    match sign:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
    if right == 0:
        raise DividesByZero
    return Decimal(left) / Decimal(right)


def part(unit: str, moment: datetime | date | time) -> Any:
    if unit in ("hour", "minute"):
        return getattr(moment, unit)
    if unit == "second":
        assert not isinstance(moment, date) or isinstance(moment, datetime)
        return moment.second + Decimal(moment.microsecond) / 10**6
    if unit == "epoch":
        if isinstance(moment, time):
            return moment.hour * 3600 + moment.minute * 60 + part("second", moment)
        whole = datetime(moment.year, moment.month, moment.day)
        seconds = part("epoch", moment.time()) if isinstance(moment, datetime) else 0
        return (whole - datetime(1970, 1, 1)).days * 86400 + seconds
    assert isinstance(moment, date)
    return {
        "year": lambda: moment.year,
        "isoyear": lambda: moment.isocalendar().year,
        "quarter": lambda: (moment.month + 2) // 3,
        "month": lambda: moment.month,
        "week": lambda: moment.isocalendar().week,
        "day": lambda: moment.day,
        "dow": lambda: moment.isoweekday() % 7,
        "isodow": lambda: moment.isoweekday(),
        "doy": lambda: moment.timetuple().tm_yday,
    }[unit]()


def period(unit: str, moment: Any) -> Any:
    if unit in ("second", "minute", "hour"):
        cut = {"microsecond": 0, "second": 0, "minute": 0}
        names = list(cut)[: {"second": 1, "minute": 2, "hour": 3}[unit]]
        return moment.replace(**dict.fromkeys(names, 0))
    if isinstance(moment, datetime):
        moment = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if unit == "week":
        return moment - timedelta(days=moment.isoweekday() - 1)
    month = {"year": 1, "quarter": (moment.month - 1) // 3 * 3 + 1}.get(unit, moment.month)
    return moment if unit == "day" else moment.replace(month=month, day=1)


def shown(found: Any) -> Any:
    """As JSON has it."""
    if isinstance(found, list):
        return [shown(one) for one in found]
    if isinstance(found, (date, time)):
        return text(found)
    return found


def text(found: Any) -> str:
    if isinstance(found, bool):
        return str(found).lower()
    if isinstance(found, (datetime, time)):
        written = found.isoformat().removesuffix("+00:00")
        if "." in written:
            written = written.rstrip("0")
        return written + ("Z" if isinstance(found, datetime) and found.tzinfo else "")
    return found.isoformat() if isinstance(found, date) else str(found)


def key_name(key: Key) -> str:
    if key.alias:
        return key.alias
    kind, *rest = key.expression
    return rest[0] if kind == "field" else f"{rest[1]}_{rest[0]}"


def output_name(output: Output) -> str:
    if output.alias:
        return output.alias
    return "count" if output.argument is None else f"{output.function}_{output.argument[1]}"


# --- as a request writes it


def written(expression: Expression) -> str:
    match expression:
        case ("field", name):
            return name
        case ("number", number):
            return str(number)
        case ("minus", item):
            return f"-({written(item)})"
        case ("part", unit, name, zone):
            return f"extract({unit} from {name}{_zone(zone)})"
        case ("period", unit, name, zone):
            return f"date_trunc('{unit}',{name}{_zone(zone)})"
        case (sign, left, right):
            return f"({written(left)} {sign} {written(right)})"
    raise AssertionError(expression)


def _zone(zone: str | None) -> str:
    return "" if zone is None else f" AT TIME ZONE '{zone}'"


def written_output(output: Output) -> str:
    inner = (
        "*"
        if output.argument is None
        else ("distinct " if output.distinct else "") + written(output.argument)
    )
    return f"{output.function}({inner})" + (f" as {output.alias}" if output.alias else "")


def written_key(key: Key) -> str:
    return written(key.expression) + (f" as {key.alias}" if key.alias else "")


def written_having(having: tuple[tuple[Limit, ...], ...]) -> str:
    return " or ".join(
        "(" + " and ".join(f"{one.name} {one.sign} {one.value}" for one in all_of) + ")" for all_of in having
    )
