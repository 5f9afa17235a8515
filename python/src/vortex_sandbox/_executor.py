# SPDX-License-Identifier: Apache-2.0
"""What the application calls."""

from __future__ import annotations

import asyncio
import inspect
from types import TracebackType
from typing import Any

from ._embedded import EmbeddedRunner
from ._errors import error_for
from ._plugins import Plugins, StrPath
from ._policy import Policy
from ._types import JsonValue, SandboxResult, SandboxRunner


class PluginExecutor:
    """Finds plugins, asks the gate, runs them in sandboxes, and tells the truth about the end.

    A plugin that fails (raises, is killed at a limit or by its budget) is a result. A sandbox that fails, or a policy
    that says no, is a :class:`SandboxError`. No plugin's code is ever loaded into this process, trusted or not: there
    is no other way to run one than the sandbox.

    With no ``runner`` given, an :class:`EmbeddedRunner` is made from the other arguments, and a node that cannot run a
    sandbox is refused here, with :class:`SandboxUnavailable` that says what is missing. Extra keywords go to it.
    """

    def __init__(
        self,
        policy: StrPath | Policy | None = None,
        plugins: StrPath | None = None,
        *,
        runner: SandboxRunner | None = None,
        **options: Any,
    ) -> None:
        if runner is None:
            embedded = EmbeddedRunner(plugins, policy=policy, **options)
            embedded.check_ready()
            runner = embedded
        elif options or policy is not None:
            names = ", ".join(sorted([*options, *(["policy"] if policy is not None else [])]))
            raise TypeError(f"{names}: belongs to the runner that is given")
        #: The runner in use.
        self.runner: SandboxRunner = runner
        found = getattr(runner, "plugins", None)
        #: The plugins that were found, by id.
        self.plugins: Plugins = found if isinstance(found, Plugins) else Plugins(plugins)

    async def run(self, plugin_id: str, payload: JsonValue, budget_ms: int, **options: Any) -> SandboxResult:
        """Runs a plugin, at most ``budget_ms`` milliseconds from now. ``options`` are those of the runner's ``run``.

        :raises PolicyDenied: the gate said no; ``error.rule`` says which rule.
        :raises SandboxUnavailable: the plugin could not be started here.
        :raises SandboxLost: what the plugin did is not known.
        :raises InvalidRequest: unknown plugin, or a payload that is not JSON.
        :raises asyncio.CancelledError: the task was cancelled; nothing is left of the run.
        """
        return _checked(await self.runner.run(plugin_id, payload, budget_ms, **options))

    def run_sync(self, plugin_id: str, payload: JsonValue, budget_ms: int, **options: Any) -> SandboxResult:
        """:meth:`run` for programs without an event loop."""
        run_sync = getattr(self.runner, "run_sync", None)
        if run_sync is None:
            return asyncio.run(self.run(plugin_id, payload, budget_ms, **options))
        result: SandboxResult = run_sync(plugin_id, payload, budget_ms, **options)
        return _checked(result)

    async def aclose(self) -> None:
        """Ends what still runs and waits until it is gone."""
        aclose = getattr(self.runner, "aclose", None)
        if aclose is not None:
            ended = aclose()
            if inspect.isawaitable(ended):
                await ended

    async def __aenter__(self) -> PluginExecutor:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def __enter__(self) -> PluginExecutor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        exit_runner = getattr(self.runner, "__exit__", None)
        if exit_runner is not None:
            exit_runner(kind, error, traceback)


def _checked(result: SandboxResult) -> SandboxResult:
    error = error_for(result)
    if error is not None:
        raise error
    return result
