from __future__ import annotations

import base64
import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.kit import errors
from penstock.kit.crypto import KeyRing, new_ring
from penstock.queries.service.links import FileOptions, Link, opened, sealed

RING = new_ring()
LINK = Link(
    org_id=1,
    result_id=7,
    options=FileOptions("csv", ";", False, "gzip"),
    expires=int(time.time()) + 100_000,
    user_id=3,
    key_id=None,
)


def test_a_link_says_what_it_was_given() -> None:
    token = sealed(RING, LINK)
    assert opened(RING, token) == LINK
    assert set(token) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")


def test_after_a_new_key_the_old_ones_still_count() -> None:
    turned = KeyRing((*new_ring().keys, *RING.keys))
    assert opened(turned, sealed(RING, LINK)) == LINK
    with pytest.raises(errors.Forbidden, match="not one that this server made"):
        opened(new_ring(), sealed(RING, LINK))


def test_it_expires() -> None:
    late = msgspec.structs.replace(LINK, expires=int(time.time()) - 1)
    with pytest.raises(errors.Forbidden, match="has expired"):
        opened(RING, sealed(RING, late))


def test_what_it_says_cannot_be_changed() -> None:
    said, key, signature = sealed(RING, LINK).split(".")
    other = msgspec.structs.replace(LINK, result_id=8)
    forged = base64.urlsafe_b64encode(msgspec.json.encode(other)).decode().rstrip("=")
    for token in (
        f"{forged}.{key}.{signature}",
        f"{said}.{key}.{signature[:-2]}",
        f"{said}.{key}.",
        f"{said}..{signature}",
        f"{said}.{signature}",
        said,
        "",
        "..",
        "é.é.é",
        "a" * 5000,
    ):
        with pytest.raises(errors.Forbidden):
            opened(RING, token)


@given(st.text(max_size=200))
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(errors.Forbidden):
        opened(RING, text)
