"""Operations as values: what a domain writes down for each of its routes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from msgspec import UNSET

# A JSON Schema as a dict, in which msgspec structs may stand for their own schemas; or such a struct itself.
Schema = Any


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call: in words, and as a decision about a caller (None is one without credentials)."""

    words: str
    allows: Callable[[Any], bool]
    is_public: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter. With `component` it is written once and referred to; with `is_json` it travels as JSON."""

    name: str
    schema: Schema
    description: str = ""
    place: Literal["path", "query", "header"] = "query"
    required: bool = False
    is_json: bool = False
    # Arrays travel as one comma-separated value.
    is_list: bool = False
    component: str | None = None
    example: Any = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A request body: JSON, or a file of one of the `media_types`, each with an example."""

    schema: Schema
    media_types: Mapping[str, Any] = field(default_factory=dict[str, Any])
    description: str = ""
    required: bool = True
    examples: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer that is no error; without a schema it has no body. `headers` are names and what they tell."""

    status: int
    description: str
    schema: Schema = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    media_type: str = "application/json"
    # What it may be instead: lines of JSON, or a file.
    files: Sequence[str] = ()
    example: Any = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One thing a client can do. `also` are further addresses of it, each with the id it has there.

    `errors` are the statuses beyond those that follow from the rest (see `statuses`).
    """

    id: str
    # In lower case.
    method: str
    path: str
    summary: str
    tag: str
    access: Access
    replies: Sequence[Reply]
    description: str = ""
    parameters: Sequence[Parameter] = ()
    body: Body | None = None
    errors: Sequence[int] = ()
    also: Sequence[tuple[str, str]] = ()
    # Carriers other than the usual ones, as names of security schemes.
    security: Sequence[str] | None = None

    def addresses(self) -> Sequence[tuple[str, str]]:
        """Every path of the operation with its id there."""
        return ((self.path, self.id), *self.also)

    def statuses(self) -> Sequence[int]:
        """The error statuses: 400 always, the others as access, path and body ask for them."""
        found = {400, *self.errors}
        if not self.access.is_public:
            found |= {401, 403, 429}
        if "{" in self.path:
            found.add(404)
        if self.body is not None:
            found.add(413)
        return sorted(found)
