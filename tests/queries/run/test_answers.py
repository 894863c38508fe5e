"""What queries answer, against what PostgreSQL answers to whoever owns the tables; over documents, too."""

from __future__ import annotations

import pytest

from tests.queries.lab import DOCS, FLAT, Lab

pytestmark = pytest.mark.anyio

ANALYTICAL = {
    "all five tables": """
        SELECT a.name AS airline, p.name AS airport, coalesce(pl.manufacturer, 'unknown') AS maker,
               count(*) AS flights, round(avg(f.dep_delay), 2) AS delay, round(avg(w.temp), 1) AS temp
        FROM flights f
        JOIN airlines a ON a.carrier = f.carrier
        JOIN airports p ON p.faa = f.origin
        LEFT JOIN planes pl USING (tailnum)
        LEFT JOIN weather w ON w.origin = f.origin AND w.time_hour = f.time_hour
        WHERE f.dep_delay IS NOT NULL
        GROUP BY 1, 2, 3 HAVING count(*) >= 2 ORDER BY flights DESC, airline, airport, maker LIMIT 50
    """,
    "shares within months": """
        WITH monthly AS (
            SELECT date_trunc('month', time_hour) AS month, carrier, count(*) AS n FROM flights GROUP BY 1, 2
        )
        SELECT month, carrier, n, n::numeric / sum(n) OVER (PARTITION BY month) AS share,
               rank() OVER (PARTITION BY month ORDER BY n DESC, carrier) AS place
        FROM monthly ORDER BY month, place
    """,
    "running totals": """
        SELECT day, n, sum(n) OVER (ORDER BY day ROWS BETWEEN 6 PRECEDING AND CURRENT ROW) AS week,
               n - lag(n, 1, 0) OVER (ORDER BY day) AS change
        FROM (SELECT time_hour::date AS day, count(*) AS n FROM flights GROUP BY 1) AS d ORDER BY day
    """,
    "days without flights": """
        SELECT d::date FROM generate_series(timestamp '2013-01-01', '2013-03-31', interval '1 day') AS g(d)
        WHERE NOT EXISTS (SELECT FROM flights WHERE dest = 'LAX' AND time_hour >= d AND time_hour < d + interval '1 day')
        ORDER BY 1
    """,
    "percentiles": """
        SELECT origin, percentile_cont(0.5) WITHIN GROUP (ORDER BY air_time) AS median,
               percentile_disc(ARRAY[0.1, 0.9]) WITHIN GROUP (ORDER BY air_time) AS ends,
               count(*) FILTER (WHERE arr_delay > 15) AS late, mode() WITHIN GROUP (ORDER BY dest) AS usual
        FROM flights GROUP BY origin ORDER BY origin
    """,
    "sets": """
        (SELECT dest AS faa FROM flights EXCEPT SELECT faa FROM airports)
        UNION ALL (SELECT origin FROM flights INTERSECT SELECT faa FROM airports) ORDER BY faa
    """,
    "rollup": """
        SELECT origin, carrier, grouping(origin, carrier) AS level, sum(distance) AS miles
        FROM flights GROUP BY ROLLUP (origin, carrier) ORDER BY level, origin NULLS LAST, carrier NULLS LAST
    """,
    "best of each": """
        SELECT DISTINCT ON (carrier) carrier, flight, dest, arr_delay FROM flights
        WHERE arr_delay IS NOT NULL ORDER BY carrier, arr_delay DESC, flight, dest
    """,
    "lateral": """
        SELECT a.carrier, x.dest, x.n FROM airlines a
        CROSS JOIN LATERAL (
            SELECT dest, count(*) AS n FROM flights f
            WHERE f.carrier = a.carrier GROUP BY dest ORDER BY n DESC, dest LIMIT 2
        ) AS x ORDER BY 1, 2
    """,
    "a walk": """
        WITH RECURSIVE hops (faa, step) AS (
            SELECT 'JFK'::text COLLATE "C", 0
            UNION
            SELECT f.dest, h.step + 1 FROM hops h JOIN flights f ON f.origin = h.faa WHERE h.step < 2
        )
        SELECT step, string_agg(DISTINCT faa, ',' ORDER BY faa), array_agg(faa ORDER BY faa DESC) FROM hops
        GROUP BY step ORDER BY step
    """,
    "cases and texts": """
        SELECT CASE WHEN dep_delay <= 0 THEN 'early' WHEN dep_delay < 30 THEN 'late' ELSE 'very late' END AS how,
               initcap(lower(left(max(pl.manufacturer), 6))) AS maker, count(DISTINCT tailnum) AS planes,
               jsonb_object_agg(DISTINCT f.origin, upper(substring(f.origin FROM 1 FOR 2))) AS origins,
               bool_or(tailnum ~* '^n1.*aa$') AS some, min(f.time_hour AT TIME ZONE 'America/New_York') AS first
        FROM flights f LEFT JOIN planes pl USING (tailnum)
        WHERE f.dest NOT IN ('LAX', 'SFO') AND f.origin LIKE '_F%' AND f.distance BETWEEN 200 AND 2500
        GROUP BY 1 ORDER BY 1
    """,
    "correlated": """
        SELECT carrier, (SELECT count(*) FROM flights f WHERE f.carrier = a.carrier) AS n,
               EXISTS (SELECT FROM flights f WHERE f.carrier = a.carrier AND f.dest = ANY (ARRAY['LAX', 'HNL'])) AS far
        FROM airlines AS a WHERE name IS DISTINCT FROM 'x' ORDER BY a.carrier OFFSET 1 FETCH NEXT 10 ROWS ONLY
    """,
}


@pytest.mark.parametrize("scope", [FLAT, DOCS], ids=lambda scope: scope.app)
@pytest.mark.parametrize("name", ANALYTICAL)
async def test_analytical(lab: Lab, name: str, scope: object) -> None:
    assert scope in (FLAT, DOCS)
    ours, theirs = await lab.both(ANALYTICAL[name], scope)  # type: ignore[arg-type]
    assert ours == theirs
    assert ours


@pytest.mark.parametrize("name", ANALYTICAL)
async def test_documents_answer_as_tables_do(lab: Lab, name: str) -> None:
    assert await lab.rows(ANALYTICAL[name], FLAT) == await lab.rows(ANALYTICAL[name], DOCS)


@pytest.mark.parametrize("name", ANALYTICAL)
async def test_bound_and_literal_are_one(lab: Lab, name: str) -> None:
    query = await lab.prepare(ANALYTICAL[name])
    assert query.sql == query.literal_sql
    assert query.arguments == ()
    if query.columns is not None:
        async with lab.admitted(query) as reader:
            statement = await reader.prepare(query.literal_sql)
            assert query.columns == tuple(one.name for one in statement.get_attributes())


TRICKY = (
    "SELECT 'it''s', E'a\\'b\\n\\u00e9', $$x'y$$, $t$a$$b$t$, 'a\nb', '\\', '%', '{', '}', '\"'",
    "SELECT -1 - -1, - 2 * -3, 7 / 2, 7 % 4, 7.0 / 2, 2 + 3 * 4 - 5, (2 + 3) * 4, 1e3, .5, 5., ~ 5, 6 & 3, 6 | 3, 6 # 3",
    "SELECT 1 << 3, 256 >> 2, 'a' || 'b' || 1, NOT true OR true, NOT (true AND false), 1 = 1 IS TRUE",
    "SELECT NULL IS NULL, 1 IS NOT DISTINCT FROM NULL, 1 IN (1, 2) IS TRUE, 1 NOT IN (2) = true, (NOT false) = true",
    "SELECT 'abc' LIKE 'a%', 'abc' NOT LIKE '_b%', 'a_c' LIKE 'a!_c' ESCAPE '!', 'ABC' ILIKE 'a%', 'abc' SIMILAR TO 'a(b|c)*'",
    "SELECT 'abc' ~ 'b', 'abc' !~ 'B', 'abc' ~* 'B', 'abc' !~* 'B', 'abc' !~ 'x' IS NULL, 'a' < 'b' COLLATE \"C\"",
    "SELECT '{\"a\": {\"b.c\": [1, 2]}}'::jsonb -> 'a' -> 'b.c' ->> 1, '{\"$\": 1}'::jsonb -> '$', '[1]'::jsonb -> -1",
    "SELECT '{\"a\": 1}'::jsonb ? 'a', '{\"a\": 1}'::jsonb @> '{}', '{\"a\": [1]}'::jsonb #> '{a,0}', '{\"a\": 1}'::jsonb #>> '{a}'",
    "SELECT '{\"a\": 1}'::jsonb ?| ARRAY['b', 'a'], '{\"a\": 1}'::jsonb ?& ARRAY['b'], '[1]'::jsonb @? '$[0]'",
    "SELECT (ARRAY[1, 2, 3])[2], (ARRAY[1, 2, 3])[1:2], ARRAY[[1], [2]], ARRAY(SELECT x FROM generate_series(1, 3) AS t(x))",
    "SELECT coalesce(j -> 'b', j -> 'c' -> 0, j), jsonb_typeof(j -> ''), j -> '' ->> 'x.y', (j -> 'n')::int + 1, j ->> 'n' || 'x',"
    " j -> 'n' = '1', j -> 'z' IS NULL, jsonb_agg(j -> 'n' ORDER BY j ->> 'n') FROM (VALUES"
    ' (\'{"": {"x.y": 1}, "n": 1, "c": [7]}\'::jsonb)) AS t (j) GROUP BY j',
    "SELECT ARRAY[1, 2] && ARRAY[2], ARRAY[1] <@ ARRAY[1, 2], ARRAY[1] || 2, 2 = ANY (ARRAY[1, 2]), 2 > ALL (ARRAY[1]), 2 = SOME (ARRAY[2])",
    "SELECT int4range(1, 5) @> 3, int4range(1, 5) && int4range(4, 9), int4range(1, 2) -|- int4range(2, 3), int4range(1, 5) * int4range(3, 9)",
    "SELECT interval '1 day 2 hours', interval '10 minutes ago', interval '3' day, INTERVAL 'P1DT2H', interval '1 year' * 2, - interval '1 day'",
    "SELECT date '2024-02-29' + 1, date '2024-02-29' - date '2024-01-01', timestamp '2024-01-31' + interval '1 month'",
    "SELECT timestamptz '2024-01-01 00:00+02' AT TIME ZONE 'UTC', (timestamp '2024-01-01' AT TIME ZONE 'Asia/Tokyo')::date",
    "SELECT extract(isodow FROM date '2024-02-29'), extract(epoch FROM interval '1 hour'), date_part('year', date '2024-02-29')",
    "SELECT '12'::int + 1, CAST('1.50' AS numeric(10, 1)), '1'::bigint, 't'::boolean, 1::text || 'x', 'abc'::varchar(2), 2.5::int",
    'SELECT 1 AS "a b", 2 AS "A", 3 AS select_, 4 "quo""te"',
    "SELECT (1, 2) = (1, 2), row(1, 'a') < row(1, 'b'), (1, 2) IN ((1, 2), (3, 4)), (date '2024-01-01', date '2024-02-01') OVERLAPS (date '2024-01-15', date '2024-03-01')",
    "VALUES (1, 'a'), (2, 'b') ORDER BY 1 DESC LIMIT 1",
    "SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS v (n, t) NATURAL JOIN (VALUES (2)) AS w (n)",
    "SELECT * FROM unnest(ARRAY['a', 'b'], ARRAY[1, 2]) WITH ORDINALITY AS u (t, n, o) CROSS JOIN LATERAL generate_series(1, n) AS g (k)",
    "SELECT * FROM generate_series(1, 2) AS a FULL JOIN generate_series(2, 3) AS b ON a = b ORDER BY 1, 2",
    "SELECT sum(x) OVER w, count(*) OVER (w ROWS 1 PRECEDING), x FROM generate_series(1, 4) AS t(x) WINDOW w AS (ORDER BY x)",
    "SELECT sum(x) OVER (ORDER BY x RANGE BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW), x FROM generate_series(1, 4) AS t(x)",
    "SELECT string_agg(DISTINCT x::text, '-' ORDER BY x::text DESC), array_agg(DISTINCT x % 2 ORDER BY x % 2) FROM generate_series(1, 4) AS t(x)",
    "SELECT x % 2, x % 3, count(*) FROM generate_series(1, 12) AS t(x) GROUP BY GROUPING SETS ((1), (2), ()) ORDER BY 1, 2",
    "SELECT 1 UNION ALL SELECT 2 UNION SELECT 2 EXCEPT SELECT 1 ORDER BY 1",
    "SELECT 1 UNION (SELECT 2 UNION ALL SELECT 2) ORDER BY 1",
    "WITH a AS (SELECT 1 AS n), b AS (SELECT n + 1 AS n FROM a) SELECT * FROM a UNION ALL SELECT * FROM b ORDER BY n",
    "WITH airlines AS (SELECT count(*) AS n FROM airlines) SELECT * FROM airlines",
    "WITH a AS NOT MATERIALIZED (SELECT 1 AS n) SELECT a.n, a FROM a",
    "WITH a AS (WITH a AS (SELECT 1 AS n) SELECT n + 1 AS n FROM a) SELECT n FROM a",
    "SELECT (WITH a AS (SELECT 5 AS n) SELECT n FROM a), (SELECT max(n) FROM (SELECT 1 AS n) AS a)",
    "SELECT CASE 3 WHEN 1 THEN 'a' WHEN 3 THEN 'c' END, CASE WHEN false THEN 1 END, coalesce(NULL, nullif(1, 1), 2)",
    "SELECT trim('  a '), trim(BOTH 'x' FROM 'xax'), trim(LEADING 'x' FROM 'xax'), substring('hello' FROM 2 FOR 3), substring('hello', 2), overlay('abcdef' PLACING 'X' FROM 2 FOR 3), position('l' IN 'hello')",
    "SELECT make_interval(days => 3, hours => 2), current_date = now()::date, current_timestamp = now()",
    "SELECT to_tsvector('english', 'fat cats') @@ to_tsquery('english', 'cat'), 'a'::tsvector, 'x & y'::tsquery",
    "SELECT a.*, carrier FROM airlines a ORDER BY carrier LIMIT 2",
    "SELECT airlines.carrier, nyc.airlines.name, demo.nyc.airlines.name FROM airlines ORDER BY 1 LIMIT 2",
    'SELECT "airlines"."carrier" FROM "nyc"."airlines" ORDER BY "carrier" COLLATE "C" DESC NULLS LAST LIMIT 2',
    "SELECT count(a), count(a.*), max(a.name) FROM airlines a",
    "SELECT 1 FROM airlines, airports WHERE false",
    "SELECT x.c FROM (SELECT carrier c FROM airlines) x JOIN (airlines y JOIN airports z ON z.faa = 'JFK') ON y.carrier = x.c ORDER BY 1",
    "SELECT 1 -- comment ; DROP\n + /* nested /* ; */ */ 1",
    "SELECT carrier FROM airlines GROUP BY carrier HAVING count(*) = 1 ORDER BY carrier LIMIT 3 OFFSET 2;",
)


@pytest.mark.parametrize("text", TRICKY)
async def test_what_is_sent_means_what_was_written(lab: Lab, text: str) -> None:
    plain = (
        text.replace("demo.nyc.airlines", "airlines")
        .replace("nyc.airlines", "airlines")
        .replace('"nyc".', "")
    )
    assert await lab.rows(text) == await lab.direct(plain)
