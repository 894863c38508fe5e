"""Code written from the tables of an app: what it says, that checkers accept it, and that it works."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.kit.operators import allowed
from penstock.tables.fields import BY_NAME
from penstock.tables.models import Field
from penstock_sdk import AppHandle, AsyncClient, Client, F, NotFoundError
from penstock_sdk._typegen import _BY_TYPE, module
from penstock_sdk._typenames import Names, attribute, class_name, singular
from penstock_sdk.cli import run
from penstock_sdk.typed import Range
from tests.conftest import RunningServer

pytestmark = pytest.mark.anyio

ORDERS: dict[str, Any] = {
    "description": 'What was "ordered", \\ and by whom.\nA second line that is long enough to be folded somewhere.',
    "fields": [
        {"name": "id", "type": "integer"},
        {"name": "text", "type": "string", "title": 'A "title" \\'},
        {"name": "kind", "type": "string", "constraints": {"required": True, "enum": ["a", 'b"\\', "ü\n"]}},
        {"name": "code", "type": "uuid"},
        {"name": "number", "type": "number"},
        {"name": "flag", "type": "boolean", "default": True},
        {"name": "day", "type": "date"},
        {"name": "clock", "type": "time"},
        {"name": "moment", "type": "datetime", "description": "A moment. " * 20},
        {"name": "born", "type": "year"},
        {"name": "month", "type": "yearmonth"},
        {"name": "lasts", "type": "duration"},
        {"name": "thing", "type": "object"},
        {"name": "items", "type": "array"},
        {"name": "whatever", "type": "any"},
        {"name": "place", "type": "geopoint"},
        {"name": "shape", "type": "geojson"},
        {"name": "span", "type": "range", "of": "datetime"},
        {"name": "amount", "type": "range", "of": "number"},
        {"name": "level", "type": "integer", "constraints": {"enum": [1, 2]}},
        {"name": "created_at", "type": "datetime"},
        {"name": "class", "type": "string"},
        {"name": "class_", "type": "string"},
        {"name": "list", "type": "integer"},
        {"name": "page", "type": "integer"},
        {"name": "str", "type": "string"},
        {"name": "_hidden", "type": "string"},
        {"name": "with space-and$", "type": "string"},
        {"name": "größe", "type": "integer"},
        {"name": "ﬁeld", "type": "integer"},
    ],
    "primaryKey": ["id"],
    "search_fields": ["text"],
}
PAIRS: dict[str, Any] = {
    "fields": [{"name": "left", "type": "string"}, {"name": "right", "type": "date"}],
    "primaryKey": ["left", "right"],
}


@pytest.fixture(scope="module")
def written(server: RunningServer, app: AppHandle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    app.tables.create("main", "orders", ORDERS, materialize=True)
    app.tables.create("main", "order", PAIRS, materialize=True)
    app.tables.create("main", "class", PAIRS, materialize=True)
    file = tmp_path_factory.mktemp("types") / "shop.py"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PENSTOCK_URL", server.url)
        patch.setenv("PENSTOCK_KEY", server.key)
        assert run(["gen", "types", app.slug, "--out", str(file)]) == 0
        text = file.read_text()
        assert run(["gen", "types", app.slug, "--out", str(file)]) == 0
    assert file.read_text() == text
    return file


@pytest.fixture(scope="module")
def shop(written: Path) -> Iterator[ModuleType]:
    found = importlib.util.spec_from_file_location("generated_shop", written)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    sys.modules["generated_shop"] = module
    found.loader.exec_module(module)
    yield module
    del sys.modules["generated_shop"]


def client_class(shop: ModuleType, app: AppHandle, prefix: str = "") -> Any:
    return getattr(shop, prefix + class_name(app.slug))


USE = """
from decimal import Decimal
from shop import {client}, Orders, OrdersCreate, OrdersUpdate
from penstock_sdk import Client

def use(client: Client) -> list[str]:
    shop = {client}(client)
    made = shop.orders.create(OrdersCreate(kind="a", number=Decimal("1.5")))
    page = shop.orders.list(kind="a", number__gt=Decimal(1), id__in=[1, 2], order_by=["-number", "id"])
    record: Orders = page.items[0]
    shop.orders.update(made.id, OrdersUpdate(text=None))
    return [one.kind for one in shop.orders.all(text__contains="x", day__null=True)] + [record.kind]
"""
MISUSE = """
from shop import {client}, OrdersCreate, OrdersUpdate
from penstock_sdk import Client

def misuse(client: Client) -> None:
    shop = {client}(client)
    OrdersCreate()
    OrdersCreate(kind="z")
    OrdersUpdate(kind=None)
    shop.orders.list(number__gt="x")
    shop.orders.list(nothing=1)
    shop.orders.list(flag__contains="x")
    shop.orders.list(order_by="thing")
    shop.nothing
"""


def test_checkers_accept_it_and_find_mistakes(written: Path, app: AppHandle) -> None:
    names = {"client": class_name(app.slug)}
    (written.parent / "use.py").write_text(USE.format(**names))
    (written.parent / "misuse.py").write_text(MISUSE.format(**names))
    (written.parent / "pyrightconfig.json").write_text(
        f'{{"typeCheckingMode": "strict", "venvPath": "{Path(sys.prefix).parent}", "venv": "{Path(sys.prefix).name}"}}'
    )
    program = Path(sys.executable).with_name("pyright")
    checked = subprocess.run(
        [program, "--outputjson", "-p", str(written.parent)], capture_output=True, check=False
    )
    told = msgspec.json.decode(checked.stdout)["generalDiagnostics"]
    others = [one for one in told if not one["file"].endswith("misuse.py")]
    assert not others, others[:3]
    lines = {one["range"]["start"]["line"] for one in told if one["severity"] == "error"}
    first = MISUSE.splitlines().index("    OrdersCreate()")
    assert lines >= set(range(first, first + 8))
    linted = subprocess.run(
        [Path(sys.executable).with_name("ruff"), "check", "--isolated", str(written)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert linted.returncode == 0, linted.stdout


def test_an_app_without_tables() -> None:
    text = module("empty", [])
    exec(text)
    linted = subprocess.run(
        [Path(sys.executable).with_name("ruff"), "check", "--isolated", "-"],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    assert linted.returncode == 0, linted.stdout


FULL: dict[str, Any] = {
    "text": "x",
    "kind": 'b"\\',
    "code": UUID("123e4567-e89b-12d3-a456-426614174000"),
    "number": Decimal("12345678901234567890.125"),
    "flag": False,
    "day": date(2025, 3, 1),
    "clock": time(9, 30, 0, 5),
    "moment": datetime(2025, 3, 1, 8, 30, 0, 500000, UTC),
    "born": 1999,
    "month": "2025-03",
    "lasts": "PT15M",
    "thing": {"a": [1, None]},
    "items": ["a", 2],
    "whatever": 5,
    "place": (8.5, 47.25),
    "shape": {"type": "Point", "coordinates": [1, 2]},
    "span": Range(datetime(2025, 3, 1, tzinfo=UTC), None),
    "amount": Range(Decimal("1.5"), Decimal("2.5")),
    "level": 2,
    "class_": "c",
    "class__2": "d",
    "list_": 1,
    "page_": 2,
    "str_": "s",
    "field_hidden": "h",
    "with_space_and_": "w",
    "größe": 3,
    "field": 4,
}


def test_every_type_goes_there_and_back(client: Client, app: AppHandle, shop: ModuleType) -> None:
    orders = client_class(shop, app)(client).orders
    made = orders.create(shop.OrdersCreate(**FULL))
    assert isinstance(made, shop.Orders)
    for found in (made, orders.get(made.id), next(orders.all(id=made.id))):
        assert {name: getattr(found, name) for name in FULL} == FULL
        assert isinstance(found.created_at, datetime)
    some, other = orders.create_many([shop.OrdersCreate(kind="a"), shop.OrdersCreate(kind="a", flag=None)])
    assert (some.flag, other.flag, some.text) == (True, None, None)
    changed = orders.update(some.id, shop.OrdersUpdate(number=Decimal("0.10"), text="é"))
    assert (changed.number, changed.text, changed.kind) == (Decimal("0.10"), "é", "a")
    assert orders.update(some.id, shop.OrdersUpdate(text=None)).text is None
    orders.delete(other.id)
    with pytest.raises(NotFoundError):
        orders.get(other.id)


@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"class_": "c"},
        {"class__2__in": ["d"]},
        {"class_": "c", "class___startswith": "C"},
        {"page_": 2, "list___gt": 0, "str___ne": None},
        {"with_space_and_": "w", "field_hidden__null": False},
        {"größe__between": (1, 3), "field": 4},
        {"number__gt": Decimal(5), "flag": False, "born__in": [1999]},
        {"day": date(2025, 3, 1), "clock__lte": time(10), "moment__gte": datetime(2025, 1, 1, tzinfo=UTC)},
        {"items__aelement": "a", "items__aoverlap": [2, 3], "thing__contains": "a"},
        {"span__rcontains": Range(datetime(2025, 4, 1, tzinfo=UTC), datetime(2025, 4, 2, tzinfo=UTC))},
        {"amount__roverlaps": Range(Decimal(2), None), "amount__null": False},
        {"code": UUID("123e4567-e89b-12d3-a456-426614174000"), "month__startswith": "2025"},
        {"kind__ina": ['B"\\'], "where": F("level") == 2, "search": "x", "order_by": "-id"},
        {"whatever": 5, "place__null": False, "order_by": ["kind", "-id"]},
    ],
)
def test_conditions(client: Client, app: AppHandle, shop: ModuleType, filters: dict[str, Any]) -> None:
    orders = client_class(shop, app)(client).orders
    orders.records.delete_many(filter={"id__gt": 0})
    made = orders.create(shop.OrdersCreate(**FULL))
    found = orders.list(**filters)
    assert [one.id for one in found.items] == [made.id]
    assert (found.total, found.number, found.has_next) == (1, 1, False)
    assert orders.count(**{name: value for name, value in filters.items() if name != "order_by"}) == 1
    assert len(list(orders.all(**filters))) == 1


async def test_many_records_and_the_asynchronous_client(
    server: RunningServer, app: AppHandle, shop: ModuleType
) -> None:
    async with AsyncClient(server.url, key=server.key) as client:
        orders = client_class(shop, app, "Async")(client).orders
        await orders.records.delete_many(filter={"id__gt": 0})
        await orders.records.bulk_create([{"kind": "a", "born": 1 + n % 9, "text": "x"} for n in range(2500)])
        page = await orders.list(page=3, page_size=1000)
        assert (len(page.items), page.total, page.has_next) == (500, 2500, False)
        assert (await orders.list(born__lt=3)).has_next
        assert len([one async for one in orders.all(order_by="-born")]) == 2500
        assert len([one async for one in orders.all(search="x")]) == 2500
        assert await orders.count(born=1) == 278
        made = await orders.create(shop.OrdersCreate(kind="a"))
        assert (await orders.update(made.id, shop.OrdersUpdate(born=5))).born == 5
        assert (await orders.get(made.id)).born == 5
        assert len(await orders.create_many([shop.OrdersCreate(kind="a")])) == 1
        await orders.delete(made.id)


def test_tables_with_names_alike(client: Client, app: AppHandle, shop: ModuleType) -> None:
    tables = client_class(shop, app)(client)
    made = tables.class_.create(shop.ClassCreate(left="a/b", right=date(2025, 1, 2)))
    assert tables.class_.get(("a/b", date(2025, 1, 2))) == made
    assert shop.Order.__doc__.startswith("A record of 'order'")
    assert shop.Orders.__doc__.startswith("A record of 'orders'")


def test_every_operator_that_the_server_knows() -> None:
    for kind, operators in _BY_TYPE.items():
        field = Field("x", kind, of="integer" if kind == "range" else None)
        known = set(allowed(BY_NAME[kind].filters_as(field))) - {"null", "nnull", "search"}
        if not BY_NAME[kind].orderable:
            # As text they have an order, which says nothing of what they mean.
            known -= {"gt", "gte", "lt", "lte", "between", "nbetween"}
        assert set(operators) == known, kind
    assert set(_BY_TYPE) == set(BY_NAME)


@given(st.lists(st.text(max_size=20), max_size=10))
def test_names_are_identifiers_and_differ(texts: list[str]) -> None:
    names = Names()
    found = [names.take(attribute(text)) for text in texts]
    assert len(set(found)) == len(texts)
    for name in found:
        assert name.isidentifier()
        assert not name.startswith("_")
        exec(f"{name} = 1")
    for text in texts:
        assert class_name(text).isidentifier()


def test_singulars() -> None:
    words = {"customers": "customer", "order_lines": "order_line", "cities": "city", "addresses": "address"}
    words |= {"boxes": "box", "status": "status", "news": "news", "series": "series", "glass": "glass"}
    assert {word: singular(word) for word in words} == words
