"""Full-text search of records in MongoDB: PostgreSQL itself splits, matches and ranks their words.

What the other conditions leave is read and shown to it, up to a limit; so the answers are those of ordinary tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from penstock.kit import errors, sql
from penstock.kit.db import Pool
from penstock.tables.providers.mongodb.definition import KEY
from penstock.tables.providers.mongodb.joining import Stage
from penstock.tables.providers.mongodb.match import Match
from penstock.tables.providers.mongodb.reading import documents_of, size_of
from penstock.tables.providers.mongodb.servers import Place
from penstock.tables.providers.mongodb.shape import comparable, path_of
from penstock.tables.records.plan import Search
from penstock.tables.schema import search_expression

if TYPE_CHECKING:
    from penstock.tables.catalog import Table

T = TypeVar("T")
_AT_ONCE = 1_000
_BYTES_AT_ONCE = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Found:
    """The documents that a search finds, best first, and how well each fits, as JSON."""

    keys: Sequence[Any]
    ranks: Mapping[Any, str]

    def match(self, start: int = 0, count: int | None = None) -> Match:
        """Those from a place on, as many as `count`."""
        return {KEY: {"$in": [*self.keys[start : None if count is None else start + count]]}}

    def rank(self, document: Mapping[str, Any]) -> str:
        return self.ranks[comparable(document[KEY])]

    def sorted(self, rows: Iterable[tuple[Any, T]]) -> list[tuple[Any, T]]:
        """What goes by keys, best first."""
        places = {key: place for place, key in enumerate(self.ranks)}
        return sorted(rows, key=lambda one: places[comparable(one[0])])


async def find(
    place: Place, pool: Pool, table: Table, stages: Sequence[Stage], search: Search, most: int
) -> Found:
    """Of what the stages leave. Raises `BadRequest` when that is more than `most` documents."""
    names = dict.fromkeys((*(name for name, _ in table.schema.search_fields), *table.schema.primary_key))
    shown = {KEY: 1, **{path_of(table, name): 1 for name in names}}
    documents = await documents_of(place, table, [*stages, {"$limit": most + 1}, {"$project": shown}])
    if len(documents) > most:
        raise errors.BadRequest(
            f"A search looks through at most {most:,} records of MongoDB, and '{table.name}' has more that fulfil the "
            "other conditions.",
            hint="Narrow it by conditions on other fields.",
        )
    found: list[tuple[float, str, dict[str, Any]]] = []
    for some in _parts(documents):
        found += await _ranked(pool, table, some, search)
    order = [path_of(table, name) for name in table.schema.primary_key]
    found.sort(key=lambda one: (-one[0], [comparable(one[2][path]) for path in order]))
    keys = [one[KEY] for _, _, one in found]
    return Found(keys, {comparable(one[KEY]): rank for _, rank, one in found})


def _parts(documents: Sequence[dict[str, Any]]) -> Iterator[Sequence[dict[str, Any]]]:
    """As many at a time as one statement may carry."""
    start = size = 0
    for place, one in enumerate(documents):
        size += size_of(one)
        if place - start == _AT_ONCE or size > _BYTES_AT_ONCE:
            yield documents[start : place + 1]
            start, size = place + 1, 0
    if start < len(documents):
        yield documents[start:]


async def _ranked(
    pool: Pool, table: Table, documents: Sequence[dict[str, Any]], search: Search
) -> list[tuple[float, str, dict[str, Any]]]:
    """Those in which PostgreSQL finds the words, with their rank as a number and as it writes it."""
    names = [name for name, _ in table.schema.search_fields]
    texts = [[_text(one.get(path_of(table, name))) for one in documents] for name in names]
    row = await pool.single(_statement(table), [search.text, *texts], repeatable=True)
    assert row is not None
    found = zip(row["ranks"], row["shown"], row["places"], strict=True)
    return [(rank, shown, documents[place - 1]) for rank, shown, place in found]


_FOUND = """
WITH "#v" AS MATERIALIZED (
    SELECT s."#n", {vector} AS v FROM unnest({arrays}) WITH ORDINALITY AS s({columns}, "#n")
), "#f" AS (
    SELECT "#n", ts_rank(v, q) AS r FROM "#v", websearch_to_tsquery({language}::regconfig, $1::text) AS q WHERE v @@ q
)
SELECT coalesce(array_agg("#n"), '{{}}') AS places, coalesce(array_agg(r), '{{}}') AS ranks,
       coalesce(array_agg(r::text), '{{}}') AS shown
FROM "#f"
"""


def _statement(table: Table) -> str:
    names = [name for name, _ in table.schema.search_fields]
    return _FOUND.format(
        vector=search_expression(table.schema, "s"),
        arrays=", ".join(f"${number}::text[]" for number in range(2, len(names) + 2)),
        columns=", ".join(map(sql.identifier, names)),
        language=sql.literal(table.schema.search_language),
    )


def _text(value: Any) -> str | None:
    # PostgreSQL has no NUL in texts; only who writes past this server can have put one there.
    return None if value is None else str(value).replace("\0", " ")
