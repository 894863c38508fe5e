"""What is wrong with a query, and where: the sentence, the line and column, and the nearest thing that exists."""

from __future__ import annotations

from penstock.kit import errors

FIELD = "query"


def fault(message: str, text: str, at: int | None, *, hint: str | None = None) -> errors.Invalid:
    """The error for the place `at` of the text; the body has it as `position`."""
    if at is None:
        return errors.Invalid({FIELD: [message]}, message=message, hint=hint)
    before = text[:at]
    line = before.count("\n") + 1
    column = at - (before.rfind("\n") + 1) + 1
    where = f"Line {line}, column {column}: {message}"
    position = {"line": line, "column": column, "offset": at}
    return errors.Invalid({FIELD: [where]}, message=where, hint=hint, more={"position": position})
