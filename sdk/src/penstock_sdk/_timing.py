"""Waiting and locking in both worlds; generated code uses the name without `async_` or `Async`."""

from __future__ import annotations

import asyncio
import threading
import time

async_sleep = asyncio.sleep
sleep = time.sleep

AsyncLock = asyncio.Lock
Lock = threading.Lock
