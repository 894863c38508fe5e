"""CSV is read the same whether or not a block of it has quotation marks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.tables.bulk.csv import CsvReader
from penstock.tables.bulk.rows import Block
from penstock.tables.schema import parse_schema

SCHEMA = parse_schema(
    {
        "fields": [
            {"name": "id", "type": "integer"},
            {"name": "note", "type": "string"},
            {"name": "doc", "type": "any"},
        ],
        "primaryKey": ["id"],
    }
)
PIECES = st.sampled_from(
    ["1", "22", "x", "é", "\udcff", " ", ",", ",,", "\n", "\r\n", "\r", "NA", "[1]", "\u2028", "1_0"]
)


def read(text: str, *, plainly: bool) -> list[Block]:
    reader = CsvReader(SCHEMA, ",", frozenset({"NA"}))
    if not plainly:
        reader._plain = lambda text: None  # pyright: ignore[reportPrivateUsage]
    data = text.encode("utf-8", "surrogateescape")
    return [
        reader.feed(b"id,note,doc\n", last=False),
        reader.feed(data, last=False),
        reader.feed(b"", last=True),
    ]


@given(st.lists(st.one_of(PIECES, st.just("1,a,2\n"), st.just("3,\udcff,[1]\n")), max_size=12).map("".join))
def test_plain_rows_are_the_same(text: str) -> None:
    plain, other = (
        [(one.documents, list(one.numbers), one.faults, one.raw) for one in read(text, plainly=plainly)]
        for plainly in (True, False)
    )
    assert plain == other


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_plain_rows(end: str) -> None:
    (_, block, _) = read(f"1,a,[2]{end},,{end}", plainly=True)
    assert block.documents == [b'{"id":1,"note":"a","doc":[2]}', b'{"id":null,"note":null,"doc":null}']
    assert list(block.numbers) == [1, 2]
