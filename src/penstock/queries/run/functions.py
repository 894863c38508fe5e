"""The functions that queries may call: built-in ones of PostgreSQL that neither change nor reveal anything but their
arguments.

Each has an example, which the documentation shows and a test runs both ways, as it is and as queries send it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple


class Function(NamedTuple):
    """`most` is None for any number of arguments; `example` is a whole query, or an expression."""

    name: str
    least: int
    most: int | None
    example: str

    @property
    def takes(self) -> str:
        """How many arguments, in words."""
        if self.most is None:
            return f"{self.least} or more arguments"
        number = str(self.least) if self.least == self.most else f"{self.least} to {self.most}"
        return f"{number} argument{'' if number == '1' else 's'}"

    @property
    def query(self) -> str:
        return self.example if self.example.startswith("SELECT") else f"SELECT {self.example}"


def _of(rows: str) -> tuple[Function, ...]:
    found: list[Function] = []
    for row in rows.strip().splitlines():
        head, _, example = row.strip().partition(": ")
        name, least, most = head.split()
        found.append(Function(name, int(least), None if most == "*" else int(most), example))
    return tuple(found)


_X = "FROM generate_series(1, 9) AS t(x)"

# Name, fewest and most arguments, example.
GROUPS: Final[Mapping[str, tuple[Function, ...]]] = MappingProxyType(
    {
        "Aggregates": _of(f"""
            count 0 *: SELECT count(*), count(DISTINCT x % 3) {_X}
            sum 1 1: SELECT sum(x) FILTER (WHERE x > 2) {_X}
            avg 1 1: SELECT avg(x) {_X}
            min 1 1: SELECT min(x) {_X}
            max 1 1: SELECT max(x) {_X}
            bool_and 1 1: SELECT bool_and(x > 0) {_X}
            bool_or 1 1: SELECT bool_or(x > 8) {_X}
            every 1 1: SELECT every(x > 0) {_X}
            bit_and 1 1: SELECT bit_and(x) {_X}
            bit_or 1 1: SELECT bit_or(x) {_X}
            bit_xor 1 1: SELECT bit_xor(x) {_X}
            string_agg 2 2: SELECT string_agg(x::text, ', ' ORDER BY x DESC) {_X}
            array_agg 1 1: SELECT array_agg(x ORDER BY -x) {_X}
            json_agg 1 1: SELECT json_agg(x ORDER BY x) {_X}
            jsonb_agg 1 1: SELECT jsonb_agg(DISTINCT x % 2) {_X}
            json_object_agg 2 2: SELECT json_object_agg(x, x * x) {_X}
            jsonb_object_agg 2 2: SELECT jsonb_object_agg(x, x * x) {_X}
            stddev 1 1: SELECT stddev(x) {_X}
            stddev_pop 1 1: SELECT stddev_pop(x) {_X}
            stddev_samp 1 1: SELECT stddev_samp(x) {_X}
            variance 1 1: SELECT variance(x) {_X}
            var_pop 1 1: SELECT var_pop(x) {_X}
            var_samp 1 1: SELECT var_samp(x) {_X}
            corr 2 2: SELECT corr(x, x * x) {_X}
            covar_pop 2 2: SELECT covar_pop(x, x * x) {_X}
            covar_samp 2 2: SELECT covar_samp(x, x * x) {_X}
            regr_count 2 2: SELECT regr_count(x, x * x) {_X}
            regr_slope 2 2: SELECT regr_slope(x, x * x) {_X}
            regr_intercept 2 2: SELECT regr_intercept(x, x * x) {_X}
            regr_r2 2 2: SELECT regr_r2(x, x * x) {_X}
            mode 0 0: SELECT mode() WITHIN GROUP (ORDER BY x % 4) {_X}
            percentile_cont 1 1: SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY x) {_X}
            percentile_disc 1 1: SELECT percentile_disc(0.9) WITHIN GROUP (ORDER BY x) {_X}
            grouping 1 *: SELECT x % 2, grouping(x % 2), count(*) {_X} GROUP BY ROLLUP (x % 2) ORDER BY 1
        """),
        "Windows": _of(f"""
            row_number 0 0: SELECT x, row_number() OVER (ORDER BY x DESC) {_X}
            rank 0 0: SELECT x, rank() OVER (PARTITION BY x % 2 ORDER BY x) {_X}
            dense_rank 0 0: SELECT x, dense_rank() OVER (ORDER BY x / 2) {_X}
            percent_rank 0 0: SELECT x, percent_rank() OVER (ORDER BY x) {_X}
            cume_dist 0 0: SELECT x, cume_dist() OVER (ORDER BY x) {_X}
            ntile 1 1: SELECT x, ntile(4) OVER (ORDER BY x) {_X}
            lag 1 3: SELECT x, lag(x, 2, 0) OVER (ORDER BY x) {_X}
            lead 1 3: SELECT x, lead(x) OVER (ORDER BY x) {_X}
            first_value 1 1: SELECT x, first_value(x) OVER (ORDER BY x) {_X}
            last_value 1 1: SELECT x, last_value(x) OVER (ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) {_X}
            nth_value 2 2: SELECT x, nth_value(x, 2) OVER (ORDER BY x) {_X}
        """),
        "Numbers": _of("""
            abs 1 1: abs(-3)
            ceil 1 1: ceil(2.1)
            ceiling 1 1: ceiling(2.1)
            floor 1 1: floor(-2.1)
            round 1 2: round(2.567, 2)
            trunc 1 2: trunc(2.567, 1)
            mod 2 2: mod(7, 3)
            div 2 2: div(7, 2)
            power 2 2: power(2, 10)
            sqrt 1 1: sqrt(2)
            cbrt 1 1: cbrt(27)
            exp 1 1: exp(1.0)
            ln 1 1: ln(2.0)
            log 1 2: SELECT log(100), log(2, 64)
            log10 1 1: log10(1000)
            sign 1 1: sign(-8.4)
            pi 0 0: pi()
            degrees 1 1: degrees(0.5)
            radians 1 1: radians(45)
            sin 1 1: sin(1)
            cos 1 1: cos(1)
            tan 1 1: tan(1)
            cot 1 1: cot(1)
            asin 1 1: asin(0.5)
            acos 1 1: acos(0.5)
            atan 1 1: atan(0.5)
            atan2 2 2: atan2(1, 2)
            sinh 1 1: sinh(1)
            cosh 1 1: cosh(1)
            tanh 1 1: tanh(1)
            gcd 2 2: gcd(1071, 462)
            lcm 2 2: lcm(6, 4)
            factorial 1 1: factorial(5)
            width_bucket 4 4: width_bucket(5.35, 0.024, 10.06, 5)
            greatest 1 *: greatest(1, 3, 2)
            least 1 *: least(1, 3, 2)
            coalesce 1 *: coalesce(NULL, 2)
            nullif 2 2: nullif(1, 1)
            num_nulls 1 *: num_nulls(1, NULL, 2)
            num_nonnulls 1 *: num_nonnulls(1, NULL, 2)
        """),
        "Text": _of("""
            lower 1 1: SELECT lower('TOM'), lower(int4range(3, 5))
            upper 1 1: SELECT upper('tom'), upper(int4range(3, 5))
            initcap 1 1: initcap('hi THOMAS')
            length 1 1: length('jose')
            char_length 1 1: char_length('josé')
            character_length 1 1: character_length('josé')
            octet_length 1 1: octet_length('josé')
            bit_length 1 1: bit_length('jose')
            concat 1 *: concat('a', 2, NULL, 'b')
            concat_ws 2 *: concat_ws(', ', 'a', NULL, 'b')
            left 2 2: left('abcde', -2)
            right 2 2: right('abcde', 2)
            substring 1 3: SELECT substring('Thomas', 2, 3), substring('Thomas' FROM 2), substring('Thomas' FROM '...$')
            substr 2 3: substr('alphabet', 3, 2)
            trim 1 2: SELECT trim('  x '), trim(BOTH 'xyz' FROM 'yxTomxx'), trim(LEADING 'x' FROM 'xTomx')
            btrim 1 2: btrim('xyxtrimyyx', 'xyz')
            ltrim 1 2: ltrim('zzzytest', 'xyz')
            rtrim 1 2: rtrim('testxxzx', 'xyz')
            replace 3 3: replace('abcdef', 'cd', 'XX')
            translate 3 3: translate('12345', '143', 'ax')
            overlay 1 4: overlay('Txxxxas' PLACING 'hom' FROM 2 FOR 4)
            reverse 1 1: reverse('abc')
            repeat 2 2: repeat('Pg', 4)
            lpad 2 3: lpad('hi', 5, 'xy')
            rpad 2 3: rpad('hi', 5, 'xy')
            split_part 3 3: split_part('a~b~c', '~', 2)
            strpos 2 2: strpos('high', 'ig')
            position 1 1: position('om' IN 'Thomas')
            starts_with 2 2: starts_with('alphabet', 'alph')
            ascii 1 1: ascii('x')
            chr 1 1: chr(65)
            to_hex 1 1: to_hex(2147483647)
            md5 1 1: md5('abc')
            sha256 1 1: encode(sha256('abc'), 'hex')
            encode 2 2: encode('abc', 'base64')
            decode 2 2: encode(decode('616263', 'hex'), 'escape')
            format 1 *: format('Hello %s, %s', 'World', 3)
            quote_literal 1 1: quote_literal('O''Reilly')
            quote_ident 1 1: quote_ident('Foo bar')
            normalize 1 2: normalize('é')
            regexp_replace 3 4: regexp_replace('foobarbaz', 'b..', 'X', 'g')
            regexp_match 2 3: regexp_match('foobarbequebaz', '(bar)(beque)')
            regexp_matches 2 3: SELECT m FROM regexp_matches('foobarbequebaz', 'ba.', 'g') AS t(m)
            regexp_split_to_array 2 3: regexp_split_to_array('hello world', '\\s+')
            regexp_split_to_table 2 3: SELECT w FROM regexp_split_to_table('hello world', '\\s+') AS t(w)
            regexp_count 2 4: regexp_count('123456789012', '\\d\\d\\d')
            regexp_like 2 3: regexp_like('Hello World', 'world$', 'i')
            regexp_substr 2 6: regexp_substr('ABCDEF', 'c(.)(..)', 1, 1, 'i')
            regexp_instr 2 7: regexp_instr('ABCDEF', 'c(.)(..)', 1, 1, 0, 'i')
            string_to_array 2 3: string_to_array('xx~yy~zz', '~', 'yy')
            string_to_table 2 3: SELECT s FROM string_to_table('xx~yy', '~') AS t(s)
            to_char 2 2: to_char(125.8, '999D99')
            to_number 2 2: to_number('12,454.8-', '99G999D9S')
            to_tsvector 1 2: to_tsvector('english', 'The fat cats')
            to_tsquery 1 2: to_tsquery('english', 'fat & cats')
            plainto_tsquery 1 2: plainto_tsquery('english', 'the fat cats')
            phraseto_tsquery 1 2: phraseto_tsquery('english', 'the fat cats')
            websearch_to_tsquery 1 2: websearch_to_tsquery('english', 'fat or cat')
            ts_rank 2 4: ts_rank(to_tsvector('english', 'a cat'), to_tsquery('english', 'cat'))
            ts_headline 2 4: ts_headline('english', 'a cat', to_tsquery('english', 'cat'))
        """),
        "Days and times": _of("""
            now 0 0: SELECT now() = now()
            transaction_timestamp 0 0: SELECT transaction_timestamp() = now()
            statement_timestamp 0 0: SELECT statement_timestamp() >= now()
            age 1 2: age(timestamp '2001-04-10', timestamp '1957-06-13')
            date_trunc 2 3: date_trunc('month', timestamp '2001-02-16 20:38:40')
            date_part 2 2: date_part('hour', timestamp '2001-02-16 20:38:40')
            extract 1 1: SELECT extract(epoch FROM timestamp '2001-02-16 20:38:40'), extract(dow FROM date '2001-02-16')
            date_bin 3 3: date_bin('15 minutes', timestamp '2020-02-11 15:44:17', timestamp '2001-01-01')
            make_date 3 3: make_date(2013, 7, 15)
            make_time 3 3: make_time(8, 15, 23.5)
            make_timestamp 6 6: make_timestamp(2013, 7, 15, 8, 15, 23.5)
            make_timestamptz 6 7: make_timestamptz(2013, 7, 15, 8, 15, 23.5, 'Europe/Paris')
            make_interval 0 7: make_interval(1, 2, 0, 10)
            justify_days 1 1: justify_days(interval '1 year 65 days')
            justify_hours 1 1: justify_hours(interval '50 hours 10 minutes')
            justify_interval 1 1: justify_interval(interval '1 month -1 hour')
            isfinite 1 1: isfinite(date '2001-02-16')
            timezone 2 2: timezone('America/New_York', timestamp '2001-02-16 20:38:40')
            to_date 2 2: to_date('05 Dec 2000', 'DD Mon YYYY')
            to_timestamp 1 2: SELECT to_timestamp(1284352323), to_timestamp('05 Dec 2000', 'DD Mon YYYY')
        """),
        "Arrays, rows and series": _of("""
            generate_series 2 4: SELECT d FROM generate_series('2024-01-30', '2024-02-02'::date, '1 day') AS t(d)
            generate_subscripts 2 3: SELECT s FROM generate_subscripts(ARRAY[4, 5], 1) AS t(s)
            row 0 *: SELECT row(1, 2) < row(1, 3)
            unnest 1 *: SELECT a FROM unnest(ARRAY[1, 2, 3]) AS t(a)
            array_length 2 2: array_length(ARRAY[1, 2, 3], 1)
            array_lower 2 2: array_lower(ARRAY[1, 2, 3], 1)
            array_upper 2 2: array_upper(ARRAY[1, 2, 3], 1)
            array_ndims 1 1: array_ndims(ARRAY[[1, 2], [4, 5]])
            array_dims 1 1: array_dims(ARRAY[[1, 2], [4, 5]])
            cardinality 1 1: cardinality(ARRAY[[1, 2], [3, 4]])
            array_append 2 2: array_append(ARRAY[1, 2], 3)
            array_prepend 2 2: array_prepend(1, ARRAY[2, 3])
            array_cat 2 2: array_cat(ARRAY[1, 2], ARRAY[4, 5])
            array_remove 2 2: array_remove(ARRAY[1, 2, 3, 2], 2)
            array_replace 3 3: array_replace(ARRAY[1, 2, 5, 4], 5, 3)
            array_position 2 3: array_position(ARRAY['sun', 'mon'], 'mon')
            array_positions 2 2: array_positions(ARRAY['A', 'A', 'B'], 'A')
            array_to_string 2 3: array_to_string(ARRAY[1, 2, NULL], ',', '*')
            trim_array 2 2: trim_array(ARRAY[1, 2, 3, 4], 2)
            isempty 1 1: isempty(int4range(1, 1))
            lower_inc 1 1: lower_inc(numrange(1, 2))
            upper_inc 1 1: upper_inc(numrange(1, 2))
            lower_inf 1 1: lower_inf(numrange(NULL, 2))
            upper_inf 1 1: upper_inf(numrange(1, NULL))
            range_merge 2 2: range_merge(int4range(1, 2), int4range(3, 4))
            int4range 2 3: int4range(1, 5, '[]')
            int8range 2 3: int8range(1, 5)
            numrange 2 3: numrange(1.5, 5)
            daterange 2 3: daterange('2024-01-01', '2024-02-01')
            tsrange 2 3: tsrange('2024-01-01', '2024-02-01')
            tstzrange 2 3: tstzrange('2024-01-01', '2024-02-01')
        """),
        "JSON": _of("""
            to_json 1 1: to_json('x'::text)
            to_jsonb 1 1: to_jsonb('x'::text)
            row_to_json 1 2: row_to_json(row(1, 'a'))
            json_build_object 0 *: json_build_object('a', 1, 'b', NULL)
            jsonb_build_object 0 *: jsonb_build_object('a', 1, 'b', NULL)
            json_build_array 0 *: json_build_array(1, 'a')
            jsonb_build_array 0 *: jsonb_build_array(1, 'a')
            json_array_length 1 1: json_array_length('[1, 2]')
            jsonb_array_length 1 1: jsonb_array_length('[1, 2]')
            json_typeof 1 1: json_typeof('-1')
            jsonb_typeof 1 1: jsonb_typeof('-1')
            json_extract_path 1 *: json_extract_path('{"a": {"b": 1}}', 'a', 'b')
            json_extract_path_text 1 *: json_extract_path_text('{"a": {"b": 1}}', 'a', 'b')
            jsonb_extract_path 1 *: jsonb_extract_path('{"a": {"b": 1}}', 'a', 'b')
            jsonb_extract_path_text 1 *: jsonb_extract_path_text('{"a": {"b": 1}}', 'a', 'b')
            json_array_elements 1 1: SELECT e FROM json_array_elements('[1, true]') AS t(e)
            json_array_elements_text 1 1: SELECT e FROM json_array_elements_text('[1, true]') AS t(e)
            jsonb_array_elements 1 1: SELECT e FROM jsonb_array_elements('[1, true]') AS t(e)
            jsonb_array_elements_text 1 1: SELECT e FROM jsonb_array_elements_text('[1, true]') AS t(e)
            json_each 1 1: SELECT key, value FROM json_each('{"a": 1}')
            json_each_text 1 1: SELECT key, value FROM json_each_text('{"a": 1}')
            jsonb_each 1 1: SELECT key, value FROM jsonb_each('{"a": 1}')
            jsonb_each_text 1 1: SELECT key, value FROM jsonb_each_text('{"a": 1}')
            json_object_keys 1 1: SELECT k FROM json_object_keys('{"a": 1}') AS t(k)
            jsonb_object_keys 1 1: SELECT k FROM jsonb_object_keys('{"a": 1}') AS t(k)
            json_strip_nulls 1 1: json_strip_nulls('{"a": null, "b": 1}')
            jsonb_strip_nulls 1 1: jsonb_strip_nulls('{"a": null, "b": 1}')
            jsonb_set 3 4: jsonb_set('{"a": 1}', '{a}', '2')
            jsonb_insert 3 4: jsonb_insert('{"a": [0, 1]}', '{a, 1}', '9')
            jsonb_pretty 1 1: jsonb_pretty('{"a": 1}')
            jsonb_path_exists 2 4: jsonb_path_exists('{"a": [1, 2]}', '$.a[*] ? (@ > 1)')
            jsonb_path_match 2 4: jsonb_path_match('{"a": 2}', '$.a > 1')
            jsonb_path_query 2 4: SELECT q FROM jsonb_path_query('{"a": [1, 2]}', '$.a[*]') AS t(q)
            jsonb_path_query_array 2 4: jsonb_path_query_array('{"a": [1, 2]}', '$.a[*]')
            jsonb_path_query_first 2 4: jsonb_path_query_first('{"a": [1, 2]}', '$.a[*]')
        """),
    }
)
FUNCTIONS: Final[Mapping[str, Function]] = MappingProxyType(
    {one.name: one for group in GROUPS.values() for one in group}
)


def page() -> str:
    """The list as Markdown."""
    lines: list[str] = []
    for title, functions in GROUPS.items():
        lines += [f"### {title}", "", "| function | arguments | example |", "|---|---|---|"]
        for one in functions:
            number = one.takes.rpartition(" ")[0]
            example = one.example.replace("|", "\\|").replace(_X, "FROM …")
            lines.append(f"| `{one.name}` | {number} | `{example}` |")
        lines.append("")
    return "\n".join(lines)
