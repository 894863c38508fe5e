"""`penstock mcp`: tables and queries for programs that speak the Model Context Protocol."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import Any

from penstock_sdk._async.client import AsyncClient
from penstock_sdk.cli._errors import CommandError
from penstock_sdk.cli._options import DEFAULTS, Options


def mcp(*, timeout: float = 60.0, options: Options = DEFAULTS) -> None:
    """Serve the Model Context Protocol on standard input and output: list tables, describe one, run SQL that reads.

    The program that starts it sees what the key may see, a thousand rows of a result at the most.

    Parameters
    ----------
    timeout
        Seconds after which a query is cancelled.
    """
    try:
        module: Any = import_module("penstock_sdk._mcp")
    except ModuleNotFoundError as error:
        raise CommandError("This needs the SDK of the protocol: pip install 'penstock-sdk[mcp]'") from error
    client = AsyncClient(options.url, key=options.key, profile=options.profile)
    asyncio.run(module.serve(client, timeout))
