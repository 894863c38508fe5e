from __future__ import annotations

import base64
import json
import time
from dataclasses import replace

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from penstock.identity import tokens
from penstock.identity.models import KeyKind
from penstock.kit.crypto import KeyRing, new_ring

CLAIMS = tokens.Claims(7, 5, None, 3, "family", int(time.time()) + 86_400)


def test_what_was_issued_is_read() -> None:
    ring = new_ring()
    for claims in (CLAIMS, replace(CLAIMS, user_id=None, key_id=9, family=None)):
        assert tokens.read(ring, tokens.issue(ring, claims)) == claims


def test_a_rotated_key_still_verifies_and_a_dropped_one_does_not() -> None:
    old, new = new_ring(), new_ring()
    token = tokens.issue(old, CLAIMS)
    assert tokens.read(KeyRing(new.keys + old.keys), token) == CLAIMS
    with pytest.raises(tokens.InvalidToken):
        tokens.read(new, token)


def part(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def test_forgeries() -> None:
    ring = new_ring()
    key_id, secret = ring.current
    header, body, signature = tokens.issue(ring, CLAIMS).split(".")
    key = OctKey.import_key(secret)

    def signed(header: dict, claims: dict) -> str:
        return jwt.encode(header, claims, key, algorithms=["HS256", "HS512", "none"])

    sound = {"alg": "HS256", "kid": key_id}
    full = json.loads(base64.urlsafe_b64decode(body + "=="))
    forged = [
        f"{part({'alg': 'none', 'kid': key_id})}.{body}.",
        f"{header}.{part({**full, 'sub': '1'})}.{signature}",
        f"{header}.{body}.{signature[:-4]}AAAA",
        f"{header}.{body}",
        "eyJ.eyJ.x",
        "",
        "a.b.c",
        signed({"alg": "HS512", "kid": key_id}, full),
        signed({"alg": "HS256"}, full),
        signed({"alg": "HS256", "kid": "unknown"}, full),
        signed(sound, {**full, "exp": int(time.time()) - 1}),
        signed(sound, {**full, "exp": "soon"}),
        signed(sound, {name: value for name, value in full.items() if name != "exp"}),
        signed(sound, {**full, "sub": "x"}),
        signed(sound, {**full, "org": None}),
    ]
    for token in forged:
        with pytest.raises(tokens.InvalidToken):
            tokens.read(ring, token)


def test_secrets() -> None:
    user, service = tokens.new_key(KeyKind.USER), tokens.new_key(KeyKind.SERVICE)
    assert (user[:4], service[:4]) == ("pnu_", "pns_")
    assert len({tokens.new_key(KeyKind.USER) for _ in range(100)}) == 100
    assert len(user) >= 44
    assert user.startswith(tokens.visible_prefix(user))
    assert len(tokens.visible_prefix("x" * 32)) == 8
    assert tokens.looks_signed(tokens.issue(new_ring(), CLAIMS))
    assert not tokens.looks_signed(user)
