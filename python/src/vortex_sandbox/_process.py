# SPDX-License-Identifier: Apache-2.0
"""One process: what a fork must not use, and what must be over before the interpreter is."""

from __future__ import annotations

import atexit
import os
import weakref
from typing import Protocol

from ._errors import ForkedProcess

_PID = os.getpid()

#: How long the interpreter waits at its end for sandboxes to be killed and removed, in milliseconds. A killed sandbox
#: is gone in some tens of them.
EXIT_GRACE_MS = 10_000


class _Closable(Protocol):
    def close(self) -> None: ...
    def join(self, timeout_ms: int) -> bool: ...


_runners: weakref.WeakSet[_Closable] = weakref.WeakSet()


def refuse_fork() -> None:
    """Raises in a child of os.fork(): threads, connections and locks are the parent's."""
    if os.getpid() != _PID:
        raise ForkedProcess(
            f"process {os.getpid()} was forked from {_PID} after import vortex_sandbox, which its threads and "
            "connections do not survive; import it in the child only, or start the child by spawn or forkserver "
            '(multiprocessing.set_start_method("spawn"))',
            code="forked",
        )


def end_at_exit(runner: _Closable) -> None:
    """Ends the runner's runs at the interpreter's end."""
    _runners.add(runner)


@atexit.register
def _end_runs() -> None:
    if os.getpid() != _PID:
        return
    live = list(_runners)
    for runner in live:
        runner.close()
    for runner in live:
        runner.join(EXIT_GRACE_MS)
