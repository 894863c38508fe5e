"""What is raised when the embedded PostgreSQL cannot be used."""

from __future__ import annotations

from penstock.kit import errors


class ClusterError(errors.Unavailable):
    """The embedded PostgreSQL is not available."""

    def __init__(self, message: str | None = None, *, hint: str | None = None) -> None:
        """`hint` is a sentence that says what to do about it."""
        super().__init__(message)
        self.hint = hint

    def __str__(self) -> str:
        """The sentence and, where we know one, the way out: this error mostly ends a command."""
        return f"{self.message} {self.hint}" if self.hint else self.message
