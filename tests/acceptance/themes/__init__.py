"""Families of tables, and random requests to them: what providers must answer alike.

Values come from small pools, so that rows tie, keys collide, and requests hit what others wrote.
"""

from __future__ import annotations

from hypothesis import strategies as st

from tests.acceptance.asked import Request
from tests.acceptance.themes.asking import groups, lists, of_tables, writes
from tests.acceptance.themes.changing import TABLE, changes, records
from tests.acceptance.themes.graphs import STAFF, UNITS, edges, paths, walks
from tests.acceptance.themes.related import ALONE, PEOPLE_TREES, RELATED, RELATED_TREES
from tests.acceptance.themes.shape import KEYS, WORD, Shape, Theme, described, pool, texts, typed

ARTICLES = Shape(
    described(
        typed("id", "integer"),
        typed("title", "string"),
        typed("body", "string"),
        search_fields=["title", "body"],
    ),
    {
        "id": KEYS,
        "title": WORD,
        "body": pool("The quick red fox", "running foxes", "ÉCLAIR éclair", "", None),
    },
    [("title__contains", texts("fox")), ("search_vector__search", texts("fox", "red or éclair"))],
    (),
    ["count(*) as n"],
    ["title"],
)


THEMES: dict[str, Theme] = {
    "related": Theme(RELATED, of_tables(RELATED, {"people": [*PEOPLE_TREES, *RELATED_TREES]})),
    "records": Theme({"people": ALONE}, of_tables({"people": ALONE}, {"people": PEOPLE_TREES})),
    "graph": Theme(
        {"staff": STAFF},
        st.one_of(
            edges(), edges(), walks("staff"), walks("staff"), paths(), lists("staff", STAFF), writes("staff", STAFF),
            groups("staff", STAFF),
        ),
    ),
    "hierarchy": Theme(
        {"units": UNITS},
        st.one_of(
            walks("units"), lists("units", UNITS), writes("units", UNITS), writes("units", UNITS)
        ),
    ),
    "changing": Theme({"things": TABLE}, st.one_of(changes(), records(), records(), lists("things", TABLE))),
    "words": Theme({"articles": ARTICLES}, of_tables({"articles": ARTICLES}, {})),
}  # fmt: skip


@st.composite
def sessions(draw: st.DrawFn, theme: Theme) -> list[Request]:
    """Rows for every table, then requests of all kinds, and in the end what there is."""
    found: list[Request] = []
    for name, shape in theme.tables.items():
        keys = draw(st.lists(st.tuples(*(shape.values[one] for one in shape.key)), max_size=6, unique=True))
        for key in keys:
            row = {one: draw(values) for one, values in shape.values.items()}
            found.append(Request("POST", name, body=row | dict(zip(shape.key, key, strict=True))))
    found += draw(st.lists(theme.requests, min_size=5, max_size=20))
    found += [Request("GET", name, params=[("page_size", "100")]) for name in theme.tables]
    return found
