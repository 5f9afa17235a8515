# SPDX-License-Identifier: Apache-2.0
"""A runner for the unit tests of applications: no containerd, no root, no sandbox.

    runner = FakeRunner()
    runner.returns("word-count", {"words": 3})
    runner.ends("resize", Cause.OOM)
    executor = PluginExecutor(runner=runner)

It runs what the test scripts, never a plugin.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ._codec import decode_output, encode_payload
from ._errors import InvalidRequest
from ._types import (
    Cause,
    Denial,
    JsonValue,
    Limits,
    OutputCallback,
    OutputChunk,
    PluginFailure,
    PluginRef,
    RuntimeClass,
    SandboxResult,
    StreamOutput,
    Termination,
    Timings,
)

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class FakeCall:
    """One call that a :class:`FakeRunner` got."""

    plugin_id: str
    payload: JsonValue
    budget_ms: int


@dataclass(frozen=True, slots=True)
class _Script:
    result: Callable[[JsonValue], SandboxResult | JsonValue]
    delay_ms: int
    stdout: bytes


def make_result(
    plugin_id: str,
    output: JsonValue = None,
    *,
    cause: Cause = Cause.OK,
    message: str = "",
    denials: tuple[Denial, ...] = (),
    failure: PluginFailure | None = None,
    stdout: bytes = b"",
    total_usec: int = 0,
) -> SandboxResult:
    """A result as a run would have it."""
    return SandboxResult(
        run_id=f"run-fake-{next(_numbers)}",
        plugin=PluginRef(plugin_id, "0.0.0"),
        runtime_class="fake",
        termination=Termination(
            cause, exit_code=0 if cause is Cause.OK else None, message=message
        ),
        output=output,
        failure=failure,
        stdout=StreamOutput(stdout, len(stdout)),
        denials=denials,
        timings=Timings(total_usec),
    )


class FakeRunner:
    """Implements :class:`vortex_sandbox.SandboxRunner`. As strict as the real one with payloads, values and budgets."""

    def __init__(self) -> None:
        self._scripts: dict[str, _Script] = {}
        #: Every call, in order.
        self.calls: list[FakeCall] = []
        #: Runs that are on now.
        self.running = 0
        #: Plugin ids of runs whose task was cancelled.
        self.cancelled: list[str] = []

    def returns(
        self,
        plugin_id: str,
        value: JsonValue | Callable[[JsonValue], JsonValue],
        *,
        delay_ms: int = 0,
        stdout: bytes = b"",
    ) -> None:
        """``plugin_id`` returns ``value``, or what ``value`` makes of the payload, after ``delay_ms``."""

        def make(payload: JsonValue) -> JsonValue:
            return value(payload) if callable(value) else value

        self._scripts[plugin_id] = _Script(make, delay_ms, stdout)

    def ends(self, plugin_id: str, cause: Cause, message: str = "", *, delay_ms: int = 0, **fields: Any) -> None:
        """``plugin_id`` ends with ``cause``. ``fields`` are those of :func:`make_result`."""

        def make(payload: JsonValue) -> SandboxResult:
            return make_result(plugin_id, cause=cause, message=message or str(cause), **fields)

        self._scripts[plugin_id] = _Script(make, delay_ms, b"")

    async def run(
        self,
        plugin_id: str,
        payload: JsonValue,
        budget_ms: int,
        *,
        runtime_class: RuntimeClass | str | None = None,
        limits: Limits | None = None,
        on_output: OutputCallback | None = None,
        traceparent: str | None = None,
    ) -> SandboxResult:
        """What was scripted for ``plugin_id``; ``deadline`` when its delay is longer than ``budget_ms``."""
        script = self._scripts.get(plugin_id)
        if script is None:
            raise InvalidRequest(f"plugin {plugin_id!r}: not scripted", code="unknown_plugin")
        if isinstance(budget_ms, bool) or not isinstance(budget_ms, int) or budget_ms < 1:
            raise InvalidRequest(f"budget_ms: {budget_ms!r} is not a whole number of 1 or more", code="budget_ms")
        seen = decode_output(encode_payload(payload))
        self.calls.append(FakeCall(plugin_id, seen, budget_ms))
        self.running += 1
        try:
            await asyncio.sleep(min(script.delay_ms, budget_ms) / 1000)
        except asyncio.CancelledError:
            self.cancelled.append(plugin_id)
            raise
        finally:
            self.running -= 1
        if script.delay_ms > budget_ms:
            return make_result(plugin_id, cause=Cause.DEADLINE, message=f"killed: the budget of {budget_ms}ms is over")
        if on_output is not None and script.stdout:
            on_output(OutputChunk("stdout", script.stdout))
        value = script.result(seen)
        if isinstance(value, SandboxResult):
            return value
        return make_result(
            plugin_id, decode_output(encode_payload(value)), stdout=script.stdout, total_usec=script.delay_ms * 1000
        )
