"""Whatever a caller sends is answered or refused as invalid: PostgreSQL never sees a value it cannot take."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.kit import errors
from penstock.kit.filters import bind, compile_postgres, parse_delete, parse_json, parse_pairs
from penstock.kit.operators import OPERATORS
from tests.kit.filters import samples
from tests.kit.filters.conftest import Probe
from tests.kit.filters.test_postgres import COLUMNS

JUNK = [
    *[
        "",
        " ",
        ",",
        ",,",
        "[",
        "[]",
        "[1",
        "(",
        "()",
        "(,)",
        "[,]",
        "(5,5)",
        "[5,4]",
        "empty",
        "EMPTY",
        "null",
        "NaN",
        "Infinity",
    ],
    *[
        "-Infinity",
        "1e999999999",
        "1e99999999999999999999",
        "9" * 400,
        "9" * 1100,
        "0." + "9" * 999,
        "1e-1001",
        "1e999",
        "-0",
        "+1",
    ],
    *[
        "1_000",
        "٣",
        "0x10",
        "1.0",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "(9223372036854775807,)",
    ],
    *[
        "[1,9223372036854775807]",
        "0000-01-01",
        "0001-01-01",
        "9999-12-31",
        "10000-01-01",
        "2023-02-29",
        "2024-W01-1",
        "20240101",
    ],
    *[
        "0001-01-01T00:00:00+05:00",
        "9999-12-31T23:59:59-05:00",
        "2024-01-01T24:00:00Z",
        "2024-01-01T23:59:60Z",
        "[9999-12-31,9999-12-31]",
    ],
    *[
        "2024-01-01T00:00:00.1234567Z",
        "2024-01-01T00:00:00+15:59",
        "2024-01-01T00:00:00+24:00",
        "infinity",
        "today",
        "24:00",
        "23:59:60",
    ],
    *[
        "P",
        "PT",
        "-P1D",
        "P1Y2M3W4D",
        "P999999Y",
        "PT999999.999999S",
        "P1.5D",
        "P-1D",
        "P0001-01-01T00:00:00",
        "P1DT",
        "PT1M1H",
    ],
    *[
        "\0",
        "a\0b",
        "\ud800",
        "\\",
        "a\\",
        "a\\\\",
        "%",
        "'",
        '"',
        "$1",
        "{0}",
        "{c}",
        "%s",
        ":x",
        "--",
        "/*",
        "'; DROP TABLE probe; --",
    ],
    *[
        "{}",
        '{"a":1,"a":2}',
        '{"a":"\\u0000"}',
        '"\\ud800"',
        '["\\u0000"]',
        "[" * 500,
        '{"a":' * 500,
        "[" * 60 + "]" * 60,
        "[1e999999999]",
    ],
    *[
        "true",
        "TRUE",
        "yes",
        "2",
        "{",
        "123e4567-e89b-12d3-a456-426614174000",
        "{123e4567-e89b-12d3-a456-426614174000}",
        "é",
        "😀" * 50,
    ],
    *[
        "[1e5000]",
        "[1e-5000]",
        "1e5000",
        '["\\ud83d\\ude00"]',
        "A" * 5000,
        "!&|()",
        "a:* & b",
        "'a' | 'b'",
        "1,2",
        "1,2,3",
        "1, 2",
        "x,y",
    ],
]
JSON_JUNK: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    -1,
    2**63,
    -(2**63) - 1,
    10**400,
    1.5,
    [],
    {},
    [None],
    [[]],
    [[1]],
    {"lower": 1},
]
JSON_JUNK += [
    {"lower": 2, "upper": 1},
    {"bounds": 5},
    {"empty": True},
    {"empty": "x"},
    [1, 2, 3],
    [1, None],
    ["a", 1],
    {"\0": 1},
    ["\ud800"],
]
JSON_JUNK += [
    {"lower": [], "upper": {}},
    {"bounds": []},
    {"bounds": {}},
    ["[1,2]"],
    [True],
    {"lower": "x", "upper": 1, "bounds": "[)"},
]
KEYS = [
    f"{name}__{spelling}" for name in COLUMNS for row in OPERATORS for spelling in (row.name, *row.aliases)
]


@pytest.fixture(scope="module")
def probe(postgres: Probe) -> Probe:
    columns = ", ".join(f"{name} {kind}" for name, (_, kind, _) in samples.COLUMNS.items())
    postgres.execute(f"CREATE TABLE hostile (id integer PRIMARY KEY, {columns}, sv tsvector)")
    for row in range(3):
        places = ", ".join(f"({sample(kind)})::{kind.split()[0]}" for _, kind, _ in samples.COLUMNS.values())
        postgres.execute(f"INSERT INTO hostile SELECT {row}, {places}, to_tsvector('a b')")
    return postgres


def sample(kind: str) -> str:
    if kind == "jsonb":
        return "'[1, \"a\"]'"
    samples = {
        "int8range": "[1,5)",
        "numrange": "[1,5)",
        "daterange": "[2024-01-01,)",
        "tstzrange": "(,)",
        "uuid": "0" * 32,
    }
    samples |= {
        "date": "2024-01-01",
        "time": "10:00",
        "timestamptz": "2024-01-01",
        "interval": "1 day",
        "boolean": "t",
    }
    return f"'{samples.get(kind, '1')}'"


def attempt(postgres: Probe, make: Any) -> bool:
    """Whether the filter was accepted; then PostgreSQL answers it."""
    try:
        tree = bind(make(), COLUMNS.get, COLUMNS)
    except errors.Invalid as error:
        assert error.status == 400
        assert error.errors
        json.dumps(error.body("r")).encode()
        assert all(len(text) < 700 for texts in error.errors.values() for text in texts)
        error.message.encode()
        return False
    params: list[Any] = []
    text = compile_postgres(tree, params)
    postgres.fetch(f"SELECT id FROM hostile WHERE {text}", *params)
    return True


def test_every_operator_with_every_junk(probe: Probe) -> None:
    accepted = 0
    for key in KEYS:
        for junk in JUNK:
            accepted += attempt(probe, lambda key=key, junk=junk: parse_pairs([(key, junk)], COLUMNS))
        for junk in (*JUNK, *JSON_JUNK):
            accepted += attempt(probe, lambda key=key, junk=junk: parse_json({key: junk}, COLUMNS))
    assert accepted > 5000


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(JUNK),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text() | st.sampled_from(["and", "or", "not", "field", "operator", "value", "filters", *KEYS]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(ANYTHING)
@settings(
    max_examples=1000,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_json(probe: Probe, value: Any) -> None:
    attempt(probe, lambda: parse_json(value, COLUMNS))
    attempt(probe, lambda: parse_delete(value, COLUMNS))


@given(st.text() | st.sampled_from(JUNK))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text(probe: Probe, text: str) -> None:
    attempt(probe, lambda: parse_json(text, COLUMNS))
    attempt(probe, lambda: parse_pairs([(text, text)], COLUMNS))
