"""Texts of JSON in pieces, whatever the pieces."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from penstock_sdk._dialect.texts import texts_in, texts_of

VALUES = st.recursive(
    st.none() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES, st.integers(1, 7), st.booleans())
def test_every_text_is_found_however_it_is_cut(value: Any, size: int, ascii: bool) -> None:
    raw = json.dumps(value, ensure_ascii=ascii).encode("utf-8", "surrogatepass")
    pieces = [raw[start : start + size] for start in range(0, len(raw), size)]
    found = [text for text in texts_of(pieces) if text != "null"]
    assert found == [text for text in texts_in(value) if text != "null"]


def test_a_document_that_ends_early() -> None:
    assert list(texts_of([b'{"a": "b', b"c"])) == ["a", '"bc']
    assert list(texts_of([b'["O\\u0027Brien \\"x\\"", 12', b"34]"])) == ['O\'Brien "x"', "1234"]
