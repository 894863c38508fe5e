"""SQL laid out: only white space and the case of keywords change."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.kit import errors
from penstock.queries.layout import laid_out
from penstock.queries.run.lexemes import lexemes

PIECES = (
    "select", "FROM", "t", "(", ")", ",", "'a  b'", '"A b"', "-- note\n", "/* x */", "{{ p }}", ".", "and", "or",
    "between", "case", "end", "left", "join", "union", "a1", "<=", "::", "1.5", ";", "$$ x $$", "order", "by",
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (
            "select a, b from t left join u using (id) where a between 1 and 2 and b is distinct from 3",
            [
                "SELECT a,", "    b", "FROM t", "LEFT JOIN u USING (id)", "WHERE a BETWEEN 1 AND 2",
                "    AND b IS DISTINCT FROM 3",
            ],
        ),
        (
            "select left(x, 1), extract(year from d) from (select * from t order by 1) q",
            [
                "SELECT left(x, 1),", "    extract(year FROM d)", "FROM (", "    SELECT *", "    FROM t",
                "    ORDER BY 1", ") q",
            ],
        ),
        ("with a as (select 1) select 2", ["WITH a AS (", "    SELECT 1", ")", "SELECT 2"]),
        ("", [""]),
    ],
)  # fmt: skip
def test_lines(text: str, lines: list[str]) -> None:
    assert laid_out(text).split("\n") == lines


@given(st.lists(st.tuples(st.sampled_from(PIECES), st.sampled_from(("", " ", "\n"))), max_size=40))
def test_only_white_space(pieces: list[tuple[str, str]]) -> None:
    text = "".join(a + b for a, b in pieces)
    try:
        before = [text[one.start : one.end].strip() for one in lexemes(text)]
    except errors.Invalid:
        return
    made = laid_out(text)
    after = [made[one.start : one.end].strip() for one in lexemes(made)]
    assert [one.lower() for one in after] == [one.lower() for one in before]
    assert laid_out(made) == made
