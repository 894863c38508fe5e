"""What identity keeps for the life of a process."""

from __future__ import annotations

from penstock.identity.authenticate import Remembered
from penstock.identity.passwords import Passwords
from penstock.identity.service.keys import Places
from penstock.kit.context import Context
from penstock.kit.events import Events


def install(ctx: Context, events: Events) -> None:
    """To be called before the listener starts. `events` carries what identity announces."""
    ctx.put(Remembered(ctx))
    ctx.put(Passwords())
    ctx.put(Places())
    ctx.put(events)


async def stop(ctx: Context) -> None:
    """To be called before the database closes: finish what is being written in the background."""
    await ctx.get(Remembered).stop()
