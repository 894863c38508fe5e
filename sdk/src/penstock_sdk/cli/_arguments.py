"""Arguments that several commands take, declared once with their help."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def _is_condition(_type: object, values: Sequence[str]) -> None:
    for value in values:
        if not value.partition("=")[1]:
            raise ValueError(f"'{value}' is no condition; write field=value or field__operator=value.")


def repeated(help: str, *, name: str | None = None, validator: object = None) -> Parameter:
    """An option that may be given several times, once for each value."""
    return Parameter(
        name=name,
        validator=validator,  # pyright: ignore[reportArgumentType] - cyclopts takes any callable of this shape
        negative=(),
        consume_multiple=False,
        show_default=False,
        help=help,
    )


AppSlug = Annotated[str, Parameter(help="Slug of the app.")]
TableName = Annotated[str, Parameter(help="Name of the table.")]
Filters = Annotated[
    tuple[str, ...],
    repeated(
        "Condition such as `dep_delay__gt=10`; may be repeated, then all must hold.",
        name="--filter",
        validator=_is_condition,
    ),
]
Where = Annotated[
    str | None,
    Parameter(help='Condition as a JSON tree, such as `{"or": [{"a": 1}, {"b__gt": 2}]}`.'),
]
Search = Annotated[str | None, Parameter(help="Text to search for.")]
# `-field` sorts descending, and a lone `-` is standard input or output: neither is an option.
Order = Annotated[
    str | None,
    Parameter(
        allow_leading_hyphen=True,
        help="What to sort by: names separated by commas; `-name` is descending.",
    ),
]
Fields = Annotated[str | None, Parameter(help="Fields to show, separated by commas; all when not given.")]
Populate = Annotated[
    str | None,
    Parameter(help="Relations whose records to add, separated by commas; `*` for all foreign keys."),
]
Types = Annotated[str | None, Parameter(help="Edge types, separated by commas.")]
File = Annotated[Path, Parameter(allow_leading_hyphen=True)]
Data = Annotated[str, Parameter(allow_leading_hyphen=True)]


def names(text: str | None) -> list[str]:
    """The names in a comma list."""
    return [name.strip() for name in (text or "").split(",") if name.strip()]
