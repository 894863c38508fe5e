"""This domain's branch of the error tree.

Invalid
└── ImportFailed    400  VALIDATION_ERROR    a package has faulty resources, and nothing was imported
Conflict
└── CursorExpired   409  CURSOR_EXPIRED      changes that should come next are no longer kept
"""

from __future__ import annotations

from typing import Any

from penstock.kit import errors


class ImportFailed(errors.Invalid):
    """The package was not imported."""

    def __init__(self, faults: errors.FieldErrors) -> None:
        count = len(faults)
        resources = "1 resource is" if count == 1 else f"{count} resources are"
        super().__init__(
            faults, message=f"Nothing was imported: {resources} faulty. {errors.first_sentence(faults)}"
        )

    def body(self, request_id: str) -> dict[str, Any]:
        """The error body, with the counts that a successful import answers too."""
        counts = {"created_count": 0, "updated_count": 0, "unchanged_count": 0}
        return {**super().body(request_id), **counts, "error_count": len(self.errors or {})}


class CursorExpired(errors.Conflict):
    """Changes that follow this cursor are no longer kept."""

    code = "CURSOR_EXPIRED"

    def __init__(self, message: str | None = None) -> None:
        super().__init__(
            message,
            hint="Ask for changes without 'since' to get a cursor, read the table anew, and go on from that cursor.",
        )
