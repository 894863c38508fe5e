"""The parameters of a list by nearness, checked for form before any field is looked at."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from penstock.kit import errors
from penstock.kit.paging import positive
from penstock.tables.schema.vectors import MAX_DIMENSIONS, METRICS

SUFFIX: Final = "__vector_near"
_OPTIONS: Final = ("_topk", "_vector_threshold", "_vector_metric", "_vector_ef_search")
_HYBRID: Final = ("_hybrid_strategy", "_hybrid_alpha")
# `SUFFIX` stands for every parameter that ends so; its values are a field and a vector.
PARAMETERS: Final = frozenset({SUFFIX, *_OPTIONS, *_HYBRID})
_BESIDE: Final = frozenset(
    {
        "page", "page_size", "limit", "offset", "ordering", "filters", "search", "fields", "select", "count", "_count",
        "format", "populate",
    }
)  # fmt: skip
DEFAULT_TOP: Final = 10
MAX_TOP: Final = 1000
MAX_EF_SEARCH: Final = 1000
_DEFAULT_ALPHA: Final = 0.5


@dataclass(frozen=True, slots=True)
class Near:
    """The `top` records whose `field` is nearest to `vector`, none farther than `threshold`.

    `alpha` is what nearness weighs against words, where the list searches for some as well.
    """

    field: str
    vector: tuple[float, ...]
    top: int = DEFAULT_TOP
    threshold: float | None = None
    metric: str | None = None
    ef_search: int | None = None
    alpha: float = _DEFAULT_ALPHA

    @property
    def parameter(self) -> str:
        """What errors name."""
        return f"{self.field}{SUFFIX}"[:100]


def parse_near(known: Mapping[str, Sequence[str]]) -> Near:
    """`known` are all parameters of a request but its conditions. Raises `errors.Invalid` naming the parameter."""
    given = known.get(SUFFIX)
    if given is None:
        name = next(name for name in (*_OPTIONS, *_HYBRID) if name in known)
        raise errors.Invalid(
            {name: [f"It belongs to a list by nearness: 'field{SUFFIX}=[0.1, …]' is missing."]}
        )
    field, text = given[0], given[1]
    parameter = f"{field}{SUFFIX}"[:100]
    if len(given) > 2:
        raise errors.Invalid({parameter: ["A list is by nearness to one vector."]})
    for name in known:
        if name not in PARAMETERS and name not in _BESIDE:
            raise errors.Invalid({name: ["This parameter has no meaning in a list by nearness."]})
    if _last(known, "format") not in (None, "flat"):
        raise errors.Invalid({"format": ["A list by nearness is answered as 'flat' alone."]})
    _check_hybrid(known)
    return Near(
        field,
        parse_numbers(text, parameter),
        top=_bounded(known, "_topk", MAX_TOP) or DEFAULT_TOP,
        threshold=_number(known, "_vector_threshold"),
        metric=_metric(known),
        ef_search=_bounded(known, "_vector_ef_search", MAX_EF_SEARCH),
        alpha=_alpha(known),
    )


def parse_numbers(text: str, parameter: str) -> tuple[float, ...]:
    """A JSON array of finite numbers."""
    try:
        numbers = msgspec.json.decode(text, type=list[float])
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        raise errors.Invalid(
            {parameter: ["A vector is a JSON array of numbers, such as [0.12, -0.5, 3]."]}
        ) from None
    if not 0 < len(numbers) <= MAX_DIMENSIONS:
        raise errors.Invalid(
            {parameter: [f"A vector has 1 to {MAX_DIMENSIONS:,} numbers; this has {len(numbers):,}."]}
        )
    return tuple(numbers)


def _check_hybrid(known: Mapping[str, Sequence[str]]) -> None:
    strategy = _last(known, "_hybrid_strategy")
    if strategy not in (None, "rrf"):
        raise errors.Invalid(
            {"_hybrid_strategy": [f"'{strategy[:40]}' is not a strategy; there is 'rrf' only."]}
        )
    for name in _HYBRID:
        if name in known and not _last(known, "search"):
            raise errors.Invalid({name: ["It weighs nearness against words: 'search' is missing."]})


def _metric(known: Mapping[str, Sequence[str]]) -> str | None:
    metric = _last(known, "_vector_metric")
    if metric is not None and metric not in METRICS:
        raise errors.Invalid({"_vector_metric": [f"'{metric[:40]}' is not one of: {', '.join(METRICS)}."]})
    return metric


def _alpha(known: Mapping[str, Sequence[str]]) -> float:
    alpha = _number(known, "_hybrid_alpha")
    if alpha is None:
        return _DEFAULT_ALPHA
    if not 0 <= alpha <= 1:
        raise errors.Invalid(
            {"_hybrid_alpha": [f"{alpha:g} is not between 0 (words alone) and 1 (nearness alone)."]}
        )
    return alpha


def _bounded(known: Mapping[str, Sequence[str]], name: str, most: int) -> int | None:
    text = _last(known, name)
    if text is None:
        return None
    number = positive(name, text)
    if number > most:
        raise errors.Invalid({name: [f"{number} is more than {most:,}."]})
    return number


def _number(known: Mapping[str, Sequence[str]], name: str) -> float | None:
    text = _last(known, name)
    if text is None:
        return None
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise errors.Invalid({name: [f"'{text[:40]}' is not a finite number."]})
    return number


def _last(known: Mapping[str, Sequence[str]], name: str) -> str | None:
    values = known.get(name)
    return values[-1] if values else None
