"""The reference page of the HTTP API is fresh."""

from pathlib import Path

from penstock.server.openapi import every_operation
from penstock.server.reference import page

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "api.md"


def test_the_page_is_fresh() -> None:
    assert PAGE.read_text("utf-8") == page(), (
        "Run: python -m penstock.server.reference > docs/reference/api.md"
    )


def test_every_operation_is_on_it() -> None:
    text = PAGE.read_text("utf-8")
    for operation in every_operation():
        for path, _ in operation.addresses():
            assert f"| `{operation.method.upper()} {path}` |" in text
