"""Random statements: what is sent answers as what was written, and reads the same when it is parsed again."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlglot.dialects.postgres import Postgres

from penstock.kit import errors
from penstock.queries.run.parse import parse
from tests.queries.lab import DOCS, FLAT, Lab
from tests.queries.run.test_answers import ANALYTICAL, TRICKY

MOST = 256 * 1024
NUMBERS = {
    "f": ["dep_delay", "arr_delay", "distance", "hour", "month"],
    "w": ["temp", "humid", "wind_dir", "visib"],
}
TEXTS = {"f": ["carrier", "origin", "dest", "tailnum"], "w": ["origin"]}
TABLES = {"f": "flights", "w": "weather"}


class Maker:
    """Makes statements that PostgreSQL takes, from a stream of choices."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def one(self, *options: str) -> str:
        return self.random.choice(options)

    def number(self, aliases: str, depth: int = 0) -> str:
        pick = self.random.random()
        alias = self.one(*aliases)
        if depth > 2 or pick < 0.4:
            return f"{alias}.{self.one(*NUMBERS[alias])}"
        if pick < 0.5:
            return self.one("1", "2.5", "-3", "0", "1e2", "10 / 3", "NULL::int")
        left, right = self.number(aliases, depth + 1), self.number(aliases, depth + 1)
        return self.one(
            f"({left} + {right})", f"{left} - {right}", f"{left} * {right}", f"-({left})", f"abs({left})",
            f"coalesce({left}, {right}, 0)", f"nullif({left}, {right})", f"greatest({left}, {right})",
            f"round({left}::numeric / 7, 2)", f"CASE WHEN {self.condition(aliases, depth + 1)} THEN {left} ELSE {right} END",
            f"length({self.text(aliases, depth + 1)})", f"({left})::int", f"({left})::text::numeric",
        )  # fmt: skip

    def text(self, aliases: str, depth: int = 0) -> str:
        alias = self.one(*aliases)
        plain = f"{alias}.{self.one(*TEXTS[alias])}"
        if depth > 2 or self.random.random() < 0.4:
            return self.one(plain, plain, "'it''s'", "'%'", "E'a\\n'", "$$x$$")
        other = self.text(aliases, depth + 1)
        return self.one(
            f"lower({plain})", f"{plain} || {other}", f"left({other}, 2)", f"coalesce({plain}, '-')",
            f"replace({other}, 'A', {plain})", f"substring({plain} FROM 1 FOR 2)", f"trim(BOTH 'N' FROM {other})",
            f"({self.number(aliases, depth + 1)})::text", f"concat({plain}, {other})",
        )  # fmt: skip

    def condition(self, aliases: str, depth: int = 0) -> str:
        number, other = self.number(aliases, depth + 1), self.number(aliases, depth + 1)
        text = self.text(aliases, depth + 1)
        if depth > 2 or self.random.random() < 0.7:
            return self.one(
                f"{number} {self.one('=', '<>', '<', '>', '<=', '>=', '!=')} {other}", f"{number} IS NULL",
                f"{number} IS NOT NULL", f"{number} IS DISTINCT FROM {other}", f"{number} BETWEEN {other} AND 50",
                f"{number} NOT BETWEEN 1 AND {other}", f"{text} LIKE 'J%'", f"{text} NOT LIKE '%A_'", f"{text} ILIKE '%j%'",
                f"{text} ~ '^[A-M]'", f"{text} !~* 'k'", f"{text} IN ('JFK', 'UA', {text})", f"{number} NOT IN (1, 2, 3)",
                f"{number} IN (SELECT a.month FROM flights a WHERE a.hour < 8)", f"{text} = ANY (ARRAY['JFK', 'EWR'])",
                f"EXISTS (SELECT FROM airlines a WHERE a.carrier = {text})", f"({number} > 3) IS TRUE", f"{text} < 'M'",
            )  # fmt: skip
        left, right = self.condition(aliases, depth + 1), self.condition(aliases, depth + 1)
        return self.one(
            f"{left} AND {right}", f"{left} OR {right}", f"NOT {left}", f"NOT ({left} OR {right})", f"({left}) = ({right})",
            f"({left} AND {right}) IS NOT TRUE",
        )  # fmt: skip

    def source(self) -> tuple[str, str]:
        alias = self.one("f", "f", "w")
        if self.random.random() < 0.7:
            return f"{TABLES[alias]} {self.one('', 'AS ')}{alias}", alias
        return (
            "flights f "
            + self.one("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN")
            + " weather w ON w.origin = f.origin AND w.time_hour = f.time_hour",
            "fw",
        )

    def select(self) -> str:
        kind = self.random.random()
        source, aliases = self.source()
        where = f" WHERE {self.condition(aliases)}" if self.random.random() < 0.8 else ""
        if kind < 0.4:
            values = [self.number(aliases), self.text(aliases), self.condition(aliases)]
            return f"SELECT {self.one('', 'DISTINCT ')}{', '.join(values)} FROM {source}{where}"
        key = self.text(aliases)
        if kind < 0.7:
            having = f" HAVING count(*) > {self.one('0', '1', '3')}" if self.random.random() < 0.5 else ""
            return (
                f"SELECT {key} AS k, count(*), count(DISTINCT {self.text(aliases)}), "
                f"{self.one('sum', 'min', 'max')}({self.number(aliases)}) FILTER (WHERE {self.condition(aliases)}) "
                f"FROM {source}{where} GROUP BY 1{having}"
            )
        if kind < 0.85:
            inner = self.select()
            return f"WITH x AS ({inner}), y AS (SELECT * FROM x) SELECT count(*), count(y) FROM y"
        if kind < 0.95:
            operation = self.one("UNION", "UNION ALL", "INTERSECT", "EXCEPT")
            return f"SELECT {self.number('f')}::numeric FROM flights f {operation} SELECT {self.number('w')}::numeric FROM weather w"
        number = self.number(aliases)
        return f"SELECT {key}, rank() OVER (PARTITION BY {self.text(aliases)} ORDER BY {number}) FROM {source}{where}"


def _sorted(rows: list[Any]) -> list[str]:
    return sorted(map(repr, rows))


@pytest.mark.anyio
async def test_random_statements_answer_the_same(lab: Lab) -> None:
    """Errors included: what PostgreSQL refuses of the one it refuses of the other."""
    made, answered = 0, 0
    for seed in range(150):
        text = Maker(seed).select()
        scope = DOCS if seed % 5 == 0 else FLAT
        try:
            theirs: Any = _sorted(await lab.direct(f"SELECT * FROM ({text}) AS answer LIMIT 5000", scope))
        except asyncpg.PostgresError as error:
            theirs = type(error)
        try:
            ours: Any = _sorted(await lab.rows(f"SELECT * FROM ({text}) AS answer LIMIT 5000", scope))
        except asyncpg.PostgresError as error:
            ours = type(error)
        if isinstance(ours, list) and len(ours) == 5000:
            continue
        assert ours == theirs, text
        made += 1
        answered += isinstance(ours, list)
    assert answered > made / 2
    await asyncio.sleep(0)


def printed(tree: Any) -> str:
    return Postgres().generate(tree, identify=True, comments=False, normalize_functions=False)


def roundtrip(text: str) -> None:
    # What has several spellings has one after it was printed once.
    first = parse(printed(parse(text, MOST).tree), MOST).tree
    again = parse(printed(first), MOST).tree
    assert again == first, text
    assert printed(again) == printed(first)


@settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32))
def test_printing_and_parsing_again_give_the_same_tree(seed: int) -> None:
    roundtrip(Maker(seed).select())


@pytest.mark.parametrize("text", [*TRICKY, *ANALYTICAL.values()])
def test_the_others_as_well(text: str) -> None:
    roundtrip(text)


WORDS = [
    "SELECT",
    "FROM",
    "WHERE",
    "a",
    "b",
    ".",
    ",",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "*",
    "+",
    "-",
    "/",
    "%",
    "^",
    "::",
    ":=",
    "=>",
    "->",
    "->>",
    "#>",
    "@",
    "@>",
    "?",
    "?|",
    "|",
    "||",
    "&",
    "&&",
    "~",
    "!~",
    "!",
    "#",
    "$",
    "$1",
    "$$",
    "$a$",
    "'",
    "''",
    '"',
    '""',
    "'x'",
    "E'\\'",
    "U&'x'",
    '"q"',
    "--",
    "/*",
    "*/",
    ";",
    "1",
    "1.5",
    ".5",
    "1e9",
    "0x1",
    "NOT",
    "AND",
    "OR",
    "IN",
    "IS",
    "NULL",
    "TRUE",
    "CASE",
    "WHEN",
    "THEN",
    "ELSE",
    "END",
    "CAST",
    "AS",
    "int",
    "text",
    "WITH",
    "RECURSIVE",
    "UNION",
    "ALL",
    "INTERSECT",
    "VALUES",
    "JOIN",
    "LEFT",
    "ON",
    "USING",
    "LATERAL",
    "GROUP",
    "BY",
    "ORDER",
    "LIMIT",
    "OFFSET",
    "FETCH",
    "FIRST",
    "ROWS",
    "ONLY",
    "count",
    "sum",
    "set_config",
    "pg_sleep",
    "airlines",
    "pg_class",
    "FOR",
    "UPDATE",
    "INTO",
    "TABLE",
    "COPY",
    "INTERVAL",
    "'1'",
    "day",
    "ARRAY",
    "ROW",
    "OVER",
    "PARTITION",
    "{{",
    "}}",
    "{{a}}",
    "{{{b}}}",
    "{{#c}}",
    "BETWEEN",
    "LIKE",
    "ESCAPE",
    "COLLATE",
    "AT",
    "TIME",
    "ZONE",
    "EXTRACT",
    "TRIM",
    "BOTH",
    "EXISTS",
    "ANY",
    "DISTINCT",
    "\\",
    "é",
    "\u200b",
]


@settings(deadline=None, max_examples=1500, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join) | st.text(max_size=60))
def test_whatever_comes_is_parsed_or_refused(text: str) -> None:
    for one in (text, f"SELECT {text}"):
        try:
            parsed = parse(one, MOST)
        except errors.Invalid as error:
            assert error.message
        else:
            printed(parsed.tree)
