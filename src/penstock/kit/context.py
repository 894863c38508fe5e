"""What the edges build for everyone behind them: a plain record of handles."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

from penstock.kit.crypto import Keys
from penstock.kit.db import Database
from penstock.kit.notify import Listener

Section = TypeVar("Section")


@dataclass(slots=True)
class Context:
    """Handles of one process. Settings are looked up by the section type that a domain declares."""

    db: Database
    listener: Listener
    keys: Keys
    # Where large temporary files go; the system's own place when it is None.
    scratch: Path | None = None
    sections: dict[type[Any], Any] = field(default_factory=dict[type[Any], Any])
    # What a domain keeps for the life of the process (caches), by type.
    singletons: dict[type[Any], Any] = field(default_factory=dict[type[Any], Any])

    def __post_init__(self) -> None:
        self.db.control.hear = self.db.data.hear = self.listener.deliver

    def settings(self, section: type[Section]) -> Section:
        return cast("Section", self.sections[section])

    def get(self, kind: type[Section]) -> Section:
        return cast("Section", self.singletons[kind])

    def put(self, value: Any) -> None:
        self.singletons[type(value)] = value
