from __future__ import annotations

import pytest

from penstock.identity import names
from penstock.kit import errors


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Anna", "ANNA"),
        ("ａｎｎａ", "anna"),
        ("Straße", "STRASSE"),
        ("e\u0301", "É"),
        ("ﬁ", "FI"),
        ("Ⅳ", "iv"),
    ],
)
def test_names_that_look_alike_are_one(one: str, other: str) -> None:
    assert names.key(one) == names.key(other)


@pytest.mark.parametrize("name", ["anna", "a.b-c_d+e", "Zoë", "李雷", "x1", "1x", "a" * 254])
def test_usernames(name: str) -> None:
    names.check_username(name, None)


@pytest.mark.parametrize(
    "name", ["", "1", "１２", "me", "ME", "a b", "a/b", "a\n", "a\0", "a" * 255, "a@b.example", "<b>", "a:b"]
)
def test_no_usernames(name: str) -> None:
    with pytest.raises(errors.Invalid) as caught:
        names.check_username(name, None)
    assert caught.value.errors is not None
    assert list(caught.value.errors) == ["username"]


def test_only_ones_own_address_is_a_username() -> None:
    names.check_username("A@b.example", "a@b.example")
    with pytest.raises(errors.Invalid):
        names.check_username("a@b.example", "other@b.example")


@pytest.mark.parametrize("address", ["a@b", "a.b+c@d.example", "ä@ö.example", "'@b.example"])
def test_addresses(address: str) -> None:
    names.check_email(address)


@pytest.mark.parametrize(
    "address", ["", "a", "@b", "a@", "a@b@c", "a b@c", "a@b\n", "x" * 65 + "@b", "a@" + "b" * 190]
)
def test_no_addresses(address: str) -> None:
    with pytest.raises(errors.Invalid):
        names.check_email(address)


def test_suggestions_are_usernames() -> None:
    for address in ("anna@b", "'x y'@b", "42@b", "!!@b", "me.too@b"):
        names.check_username(names.suggested(address), address)


@pytest.mark.parametrize(
    ("text", "number"),
    [("1", 1), ("007", 7), ("9223372036854775807", 2**63 - 1), ("9223372036854775808", -1), ("9" * 5000, -1)],
)
def test_ids(text: str, number: int) -> None:
    assert names.resource_id(text) == number


@pytest.mark.parametrize("text", ["", "-1", "1.0", "x", "１", "²", "1 "])
def test_no_ids(text: str) -> None:
    assert names.resource_id(text) is None
