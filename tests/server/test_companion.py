"""The process beside the workers ends when it is told to, however early that is."""

from __future__ import annotations

import subprocess
import sys

# In a process of its own: a companion is forked, and who forks must not have threads.
_STOPPED_AT_ONCE = """
import signal, time
from penstock.server.companion import Companion

signal.signal(signal.SIGTERM, lambda *_: None)
companion = Companion("test", lambda: time.sleep(60))
companion.keep()
companion.ask_to_stop()
began = time.monotonic()
companion.stop(30)
print(time.monotonic() - began < 15)
"""


def test_it_hears_also_while_it_starts() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _STOPPED_AT_ONCE], capture_output=True, text=True, timeout=50
    )
    assert (done.stdout.strip(), done.stderr) == ("True", "")
