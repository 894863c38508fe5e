"""Case folding as case-insensitive operators see it: the twin of the database function `penstock.fold`."""

from __future__ import annotations

# One character stays one character, so that `_` in a pattern keeps its meaning: the dotted capital I
# would become two, and the last sigma of a word would depend on its neighbours.
_ONE_TO_ONE = {ord("İ"): "i", ord("Σ"): "σ", ord("ς"): "σ"}


def fold(text: str) -> str:
    """The text with upper and lower case made equal; the same whatever the locale of the server."""
    return text.lower() if text.isascii() else text.translate(_ONE_TO_ONE).lower()
