"""What is wrong with the values of a query's parameters, each with the names it is about."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.kit import errors


class ValuesInvalid(errors.BadRequest):
    """Values that do not fit their definitions."""

    def __init__(self, names: Sequence[str]) -> None:
        listed = ", ".join(names)
        super().__init__(f"The following parameter values are incompatible with their definitions: {listed}")
        self.names = tuple(names)


class ValuesMissing(errors.BadRequest):
    """Placeholders without a value."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(f"Missing parameter value for: {', '.join(names)}")
        self.names = tuple(names)
