"""Names and slugs."""

from __future__ import annotations

import pytest

from penstock.kit import errors
from penstock.tables import naming


@pytest.mark.parametrize(
    ("taken", "free"),
    [
        (set[str](), "shop"),
        ({"shop"}, "shop-2"),
        ({"shop", "shop-2", "shop-4"}, "shop-3"),
        ({"shop-2"}, "shop"),
    ],
)
def test_free_slugs(taken: set[str], free: str) -> None:
    assert naming.free_slug("shop", taken) == free


def test_free_slugs_stay_slugs_at_full_length() -> None:
    base = "a" * 61 + "-b"
    slug = naming.free_slug(base, {base})
    assert slug == "a" * 61 + "-2"
    assert naming.check_slug(slug) == slug


@pytest.mark.parametrize("name", ["x" * 300, "Ωμέγα", "a-b--c", "ﬁne", "1", "_", "-" * 70 + "z"])
def test_derived_slugs_are_slugs(name: str) -> None:
    slug = naming.slug_of(name, "app")
    assert naming.check_slug(slug) == slug


def test_physical_names_differ_and_fit() -> None:
    names = {naming.physical_name("n" * naming.TABLE_NAME_LENGTH) for _ in range(100)}
    assert len(names) == 100
    assert all(len(name.encode()) <= 63 for name in names)


@pytest.mark.parametrize("name", ["a", "_", "Users_2", "n" * 50])
def test_good_table_names(name: str) -> None:
    assert naming.check_table_name(name) == name


@pytest.mark.parametrize("name", ["", "2a", "ä", "a b", "n" * 51, "STATS"])
def test_bad_table_names(name: str) -> None:
    with pytest.raises(errors.Invalid) as caught:
        naming.check_table_name(name)
    assert list(caught.value.errors or {}) == ["name"]
