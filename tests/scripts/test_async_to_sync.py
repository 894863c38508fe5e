from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "async_to_sync.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("async_to_sync", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_synchronous_client_is_fresh(script: ModuleType) -> None:
    assert script.stale() == [], "run scripts/async_to_sync.py"


def test_nothing_asynchronous_is_left(script: ModuleType) -> None:
    for path, text in script.generated().items():
        for word in ("async ", "await ", "Async", "_async.", "Awaitable", "asyncio"):
            assert word not in text.replace("Generated from _async", ""), f"{word!r} in {path}"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("async def f() -> None: ...", "def f() -> None: ..."),
        ("x = await self.g()", "x = self.g()"),
        ("async with a as b: ...", "with a as b: ..."),
        ("async for a in b: ...", "for a in b: ..."),
        ("f: Callable[[int], Awaitable[Page[T]]]", "f: Callable[[int], Page[T]]"),
        ("await async_sleep(1)", "sleep(1)"),
        ("class AsyncClient(AsyncBase): ...", "class Client(Base): ..."),
        ("from penstock_sdk._async.pages import AsyncPager", "from penstock_sdk._sync.pages import Pager"),
    ],
)
def test_rules(script: ModuleType, source: str, expected: str) -> None:
    assert script.sync_source(source) == expected
