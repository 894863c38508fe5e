"""What a list by nearness answers, in plain Python: every distance computed, everything sorted."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

Vector = Sequence[float]


def distance(metric: str, one: Vector, other: Vector) -> float:
    product = math.fsum(a * b for a, b in zip(one, other, strict=True))
    if metric == "ip":
        return -product
    if metric == "l2":
        return math.sqrt(math.fsum((a - b) ** 2 for a, b in zip(one, other, strict=True)))
    lengths = math.hypot(*one) * math.hypot(*other)
    return 1 - product / lengths if lengths else math.nan


def similarity(metric: str, score: float) -> float:
    return {"cosine": 1 - score, "ip": -score, "l2": 1 / (1 + score)}[metric]


def nearest(
    rows: Sequence[Mapping[str, Any]],
    vector: Vector,
    metric: str,
    top: int,
    threshold: float | None = None,
    field: str = "embedding",
) -> list[tuple[Any, float]]:
    """Keys and distances, nearest first."""
    measured = [(row["id"], distance(metric, row[field], vector)) for row in rows if row[field] is not None]
    found = sorted((one for one in measured if not math.isnan(one[1])), key=lambda one: (one[1], one[0]))
    return [one for one in found[:top] if threshold is None or one[1] <= threshold]


def fused(near: Sequence[Any], worded: Sequence[Any], alpha: float, top: int) -> list[tuple[Any, float]]:
    """Keys and scores by reciprocal rank fusion of two lists of keys."""
    scores: dict[Any, float] = {}
    for weight, keys in ((alpha, near), (1 - alpha, worded)):
        for place, key in enumerate(keys, 1):
            scores[key] = scores.get(key, 0) + weight / (60 + place)
    found = sorted(
        ((key, score) for key, score in scores.items() if score > 0), key=lambda one: (-one[1], one[0])
    )
    return found[:top]
