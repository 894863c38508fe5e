"""Errors of the command line itself."""

from __future__ import annotations

from penstock_sdk._errors import PenstockError


class CommandError(PenstockError):
    """A command cannot do what it was asked; the message says why and what to do."""
