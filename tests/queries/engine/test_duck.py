"""DuckDB by itself: it answers as PostgreSQL does, and has no way out, whatever it is asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from penstock.kit import errors
from penstock.queries.engine.duck import Duck, Refused, opened
from penstock.queries.engine.holding import Hold
from penstock.queries.models import Question
from penstock.queries.results.foreign import Foreign
from penstock.queries.results.instants import Instants
from penstock.queries.results.texts import json_list
from penstock.queries.run.bind import bind
from penstock.queries.run.emit import ENGINE, emit
from penstock.queries.run.functions import FUNCTIONS
from penstock.queries.run.parse import parse
from penstock.queries.run.portable import PORTABLE, make_portable
from penstock.queries.settings import QueriesSettings
from tests.queries.engine.test_pushing import SOURCE
from tests.queries.lab import Lab

pytestmark = pytest.mark.anyio
CORPUS = [
    line
    for line in (Path(__file__).parent / "attacks.sql").read_text("utf-8").splitlines()
    if line and not line.startswith("--")
]
SECRET = "what nobody may read"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    place = tmp_path / "secret.csv"
    place.write_text(f"a\n{SECRET}\n")
    return place


@pytest.fixture
def duck(tmp_path: Path) -> Iterator[Duck]:
    with opened(tmp_path / "scratch", QueriesSettings(), Hold()) as made:
        made.load("input 0", iter([pa.RecordBatch.from_pydict({"a": [1, 2], "b": ["x", None]})]))
        yield made
    assert not list((tmp_path / "scratch" / "engine").iterdir())


def answer(duck: Duck, text: str) -> bytes:
    schema, batches = duck.run(text)
    foreign = Foreign(schema)
    arrow = pa.schema(
        [pa.field(one.name, kind) for one, kind in zip(foreign.columns, foreign.types, strict=True)]
    )
    rows = [pa.RecordBatch.from_arrays(foreign.arrays(one), schema=arrow) for one in batches]
    return b",".join(json_list(one, foreign.columns, Instants.EXACT) for one in rows if one.num_rows)


def ported(text: str) -> str:
    tree = bind(parse(text, 100_000), {}).tree
    make_portable(tree, text)
    return emit(tree, {}, text, ENGINE)


def test_there_are_enough() -> None:
    assert len(CORPUS) >= 60
    assert FUNCTIONS.keys() >= PORTABLE


@pytest.mark.parametrize("statement", CORPUS)
async def test_refused_by_the_parser(lab: Lab, statement: str) -> None:
    from penstock.queries import prepare

    question = Question(statement, None, source=SOURCE_OF_ALL)
    with pytest.raises(errors.BadRequest):
        await prepare(lab.ctx, lab.principal(), question)


@pytest.mark.parametrize("statement", CORPUS)
def test_harmless_without_the_parser(duck: Duck, secret: Path, statement: str) -> None:
    text = statement.replace("SECRET", str(secret)).replace("DIR", str(secret.parent))
    try:
        shown = answer(duck, text)
    except (Refused, pa.ArrowException, ValueError):
        shown = b""
    assert SECRET.encode() not in shown
    assert sorted(one.name for one in secret.parent.iterdir()) == ["scratch", "secret.csv"]
    # What was put into it is all that a statement could change, and it is gone with the statement.
    try:
        answer(duck, f"SELECT * FROM read_csv('{secret}')")
    except Refused:
        return
    raise AssertionError("It has found a way out.")


_SAME = """
    SELECT 7 / 2, -7 / 2, 7 % 3, -7 % 3, 7.0 / 2
    SELECT * FROM (VALUES (1), (NULL), (2)) AS t(x) ORDER BY x
    SELECT * FROM (VALUES (1), (NULL), (2)) AS t(x) ORDER BY x DESC
    SELECT x FROM (VALUES ('b'), ('A'), ('ä'), ('a')) AS t(x) ORDER BY x
    SELECT 1 WHERE 'a' LIKE 'A' OR 'abc' LIKE '_b%'
    SELECT 'x' || 1, NULL || 'x'
    SELECT sum(x), avg(x), count(*) FROM (VALUES (1), (2), (NULL)) AS t(x)
    SELECT sum(x) FROM (VALUES (1)) AS t(x) WHERE FALSE
    SELECT x, count(*) FROM (VALUES (1), (1), (2)) AS t(x) GROUP BY ROLLUP (x) ORDER BY x
    SELECT DISTINCT ON (x) x, y FROM (VALUES (1, 2), (1, 1), (2, 5)) AS t(x, y) ORDER BY x, y
    SELECT date '2024-01-31' + interval '1 month', date '2024-03-01' - date '2024-02-01'
    SELECT extract(dow FROM date '2024-02-25'), extract(isodow FROM date '2024-02-25'), extract(week FROM date '2021-01-03')
    SELECT CAST('2.675' AS numeric(10, 2)), 0.1 + 0.2 = 0.3
    SELECT 1 IN (2, NULL), NULL = NULL, NULL IS NOT DISTINCT FROM NULL
    WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT sum(n) FROM r
    SELECT x, lag(x) OVER (ORDER BY x), sum(x) OVER (ORDER BY x ROWS 1 PRECEDING) FROM (VALUES (1), (5), (9)) AS t(x) ORDER BY x
    SELECT 2147483647 + 1::bigint, 9223372036854775807
    SELECT coalesce(NULL, 'a'), CASE WHEN NULL THEN 1 ELSE 2 END
    SELECT 1 UNION SELECT 1 UNION ALL SELECT 1
    SELECT 1 WHERE EXISTS (SELECT 1 WHERE FALSE)
    SELECT ('{"a": {"b": 2}}'::json -> 'a' ->> 'b')::int
    SELECT x FROM generate_series(1, 3) AS t(x)
"""


@pytest.mark.parametrize("text", [one.strip() for one in _SAME.strip().splitlines()])
async def test_as_postgresql_has_it(lab: Lab, duck: Duck, text: str) -> None:
    assert await same(lab, duck, text)


# Where the example has more than there is here.
EXAMPLES = {
    "age": "SELECT age(timestamp '2001-04-10', timestamp '1957-06-13') > interval '43 years'",
    "lower": "SELECT lower('TOM')",
    "upper": "SELECT upper('tom')",
    "substring": "SELECT substring('Thomas', 2, 3), substring('Thomas' FROM 2)",
}


@pytest.mark.parametrize("name", sorted(PORTABLE))
async def test_functions_are_alike(lab: Lab, duck: Duck, name: str) -> None:
    text = EXAMPLES.get(name) or FUNCTIONS[name].query
    assert await same(lab, duck, text)


async def same(lab: Lab, duck: Duck, text: str) -> bool:
    """Whether both give the same rows, numbers compared by value."""
    query = await lab.prepare(text)
    theirs = plain([tuple(row) for row in await lab.run(query)])
    foreign_schema, batches = duck.run(ported(text))
    ours = plain(
        [
            tuple(row.values())
            for one in batches
            for row in one.rename_columns([f"c{n}" for n in range(len(foreign_schema))]).to_pylist()
        ]
    )
    if "ORDER BY" not in text.rpartition(")")[2]:
        ours, theirs = sorted(ours, key=repr), sorted(theirs, key=repr)
    assert ours == theirs, (ours, theirs)
    return True


def plain(rows: list[Any]) -> list[Any]:
    from datetime import date, datetime, timedelta
    from decimal import Decimal

    def one(value: Any) -> Any:
        if isinstance(value, bool) or value is None:
            return value
        if isinstance(value, (int, float, Decimal)):
            return float(f"{float(value):.10g}")
        if isinstance(value, datetime):
            return value.replace(tzinfo=None).isoformat()
        if isinstance(value, date):
            return f"{value.isoformat()}T00:00:00" if False else value.isoformat()
        if isinstance(value, (timedelta, list)):
            return str(value)
        return str(value)

    return [tuple(one(value) for value in row) for row in rows]


SOURCE_OF_ALL = SOURCE.__class__(
    2, "all", "All", "", "results", None, "", "", None, False, None, "now", SOURCE.role
)
