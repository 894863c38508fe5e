"""Which addresses connections may go to."""

from __future__ import annotations

import pytest

from penstock.kit import errors, outbound
from penstock.kit.outbound import OutboundSettings, Unreachable, may_reach

ALLOW, FORBID = OutboundSettings("allow"), OutboundSettings("forbid")
NEVER = (
    "0.0.0.0",
    "::",
    "169.254.169.254",
    "fe80::1",
    "fe80::1%eth0",
    "224.0.0.1",
    "ff02::1",
    "255.255.255.255",
    "240.0.0.1",
    "100.100.100.200",
    "fd00:ec2::254",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::",
    "not an address",
)
PRIVATE = (
    "127.0.0.1",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "::1",
    "fd12::1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
)
PUBLIC = ("8.8.8.8", "2001:4860:4860::8888", "64:ff9b::808:808")


@pytest.mark.parametrize("address", NEVER)
def test_never(address: str) -> None:
    assert not may_reach(address, ALLOW) and not may_reach(address, FORBID)


@pytest.mark.parametrize("address", PRIVATE)
def test_private(address: str) -> None:
    assert may_reach(address, ALLOW) and not may_reach(address, FORBID)


@pytest.mark.parametrize("address", PUBLIC)
def test_public(address: str) -> None:
    assert may_reach(address, ALLOW) and may_reach(address, FORBID)


@pytest.mark.anyio
async def test_names_are_looked_at_by_what_they_lead_to() -> None:
    assert "127.0.0.1" in await outbound.addresses("localhost", 80, ALLOW)
    for host in ("localhost", "127.1", "0x7f000001"):
        with pytest.raises(Unreachable):
            await outbound.addresses(host, 80, FORBID)
    for host in ("no-such-host.invalid", "x" * 300, "\udc80"):
        with pytest.raises(errors.Transient):
            await outbound.addresses(host, 80, ALLOW)
