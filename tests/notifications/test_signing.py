"""Signatures against the worked example of https://www.standardwebhooks.com."""

from __future__ import annotations

import base64

from penstock.notifications.signing import PREFIX, new_secret, signature

EXAMPLE = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_the_worked_example() -> None:
    found = signature([EXAMPLE], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_two_secrets_sign_beside_each_other() -> None:
    one, two = new_secret(), new_secret()
    assert one != two and len(base64.b64decode(one.removeprefix(PREFIX))) == 24
    both = signature([one, two], "msg_1", 1, b"{}").split(" ")
    assert both == [signature([one], "msg_1", 1, b"{}"), signature([two], "msg_1", 1, b"{}")]
