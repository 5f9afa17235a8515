# SPDX-License-Identifier: Apache-2.0
"""The runner that talks to containerd itself."""

from __future__ import annotations

import asyncio
import itertools
import os
import re
import weakref
from collections.abc import Callable, Sequence
from dataclasses import asdict
from types import TracebackType
from typing import Any

from . import _log, _native
from ._codec import decode_result, encode_payload
from ._errors import InvalidRequest, SandboxUnavailable, error_from_status
from ._plugins import Plugins, StrPath
from ._policy import Policy
from ._process import end_at_exit, refuse_fork
from ._stream import StreamedRun
from ._types import JsonValue, Limits, OutputCallback, OutputChunk, RuntimeClass, SandboxResult

# Option → environment variable: the same that vortexctl reads.
_ENVIRONMENT = {
    "address": "VORTEX_CONTAINERD_ADDRESS",
    "containerd_namespace": "VORTEX_CONTAINERD_NAMESPACE",
    "state_dir": "VORTEX_STATE_DIR",
    "data_dir": "VORTEX_DATA_DIR",
    "image": "VORTEX_IMAGE",
    "snapshotter": "VORTEX_SNAPSHOTTER",
    "runtime_classes": "VORTEX_RUNTIME_CLASSES",
    "egress_proxy": "VORTEX_EGRESS_PROXY",
    "cgroup_parent": "VORTEX_CGROUP_PARENT",
    "cdi_dirs": "VORTEX_CDI_DIRS",
    "watch": "VORTEX_WATCH",
    "audit_dir": "VORTEX_AUDIT_DIR",
    "audit_fsync": "VORTEX_AUDIT_FSYNC",
    "audit_on_full": "VORTEX_AUDIT_ON_FULL",
}
# W3C Trace Context, level 1: version 00, in lower case.
_TRACEPARENT = re.compile("00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

_numbers = itertools.count(1)


def _joined(directories: Sequence[StrPath]) -> str:
    """As in the variable, where a colon stands between two."""
    if isinstance(directories, (str, os.PathLike)) or not directories:
        raise InvalidRequest(f"cdi_dirs: {directories!r} is not a list of one directory or more", code="option")
    paths = [os.fspath(directory) for directory in directories]
    for path in paths:
        if not path.startswith("/") or ":" in path:
            raise InvalidRequest(f"cdi_dirs: {path!r} is not an absolute path without a colon", code="option")
    return ":".join(paths)


class _Pending:
    """A run that is under way, and who waits for it."""

    __slots__ = ("call", "on_output", "letter", "waiter")

    def __init__(self, on_output: OutputCallback | None) -> None:
        self.call: _native.Call | None = None
        self.on_output = on_output
        self.letter: _native.Done | _native.Failed | None = None
        self.waiter: asyncio.Future[None] | None = None

    def cancel(self) -> None:
        if self.call is not None:
            self.call.cancel()

    async def wait(self) -> None:
        if self.letter is None:
            self.waiter = asyncio.get_running_loop().create_future()
            await self.waiter

    def take(self, letter: _native.Done | _native.Failed | _native.Chunk) -> bool:
        """True when it was the last one."""
        if letter[1] == "done" or letter[1] == "failed":
            self.letter = letter
            if self.waiter is not None and not self.waiter.done():
                self.waiter.set_result(None)
            return True
        if self.call is not None:
            self.call.took(len(letter[2]))
        if self.on_output is not None:
            self.on_output(OutputChunk(letter[1], letter[2], letter[3]))
        return False


class _Channel:
    """Brings what the runs' threads say into one event loop, by an eventfd that the loop watches while runs are on."""

    def __init__(self) -> None:
        self._mailbox = _native.Mailbox()
        self._pending: dict[int, _Pending] = {}

    def start(
        self, runner: _native.Runner, request: dict[str, Any], on_output: OutputCallback | None, room: int
    ) -> _Pending:
        number = next(_numbers)
        pending = _Pending(on_output)
        if not self._pending:
            asyncio.get_running_loop().add_reader(self._mailbox.fileno(), self._read)
        self._pending[number] = pending
        try:
            pending.call = runner.start(request, self._mailbox, number, room)
        except BaseException:
            self._forget(number)
            raise
        return pending

    def _forget(self, number: int) -> None:
        del self._pending[number]
        if not self._pending:
            asyncio.get_running_loop().remove_reader(self._mailbox.fileno())

    def _read(self) -> None:
        for letter in self._mailbox.take():
            pending = self._pending.get(letter[0])
            if pending is None:
                continue
            try:
                if pending.take(letter):
                    self._forget(letter[0])
            except Exception as error:  # the callback's: its run, and the others, go on
                asyncio.get_running_loop().call_exception_handler(
                    {"message": "on_output of a sandbox run raised", "exception": error}
                )


class EmbeddedRunner:
    """Runs plugins in containers of the containerd on this node. Needs root. Implements :class:`SandboxRunner`.

    ``plugins`` is the directory that has the plugins' directories; ``policy`` the operator's policy file. What is not
    given comes from the environment variables that ``vortexctl`` reads (``VORTEX_CONTAINERD_ADDRESS``,
    ``VORTEX_STATE_DIR``, …) and else has their defaults. Nothing is contacted before the first run;
    :meth:`check_ready` asks.

    Every method may be called from any thread; runs belong to the event loop that they were started in, and one runner
    serves many. ``max_concurrent_runs`` sandboxes run at once, each with a thread of its own; more wait in their order,
    and their budget runs while they wait. ``watch`` says which denials are watched for at most (``all``, ``network``,
    ``filesystem``, ``none``), within the policy; ``audit_dir`` where the audit log is written, unless the policy
    names another; ``cdi_dirs`` where granted devices are looked up, a later directory overriding an earlier one. A
    closed runner kills and removes what still runs.
    """

    def __init__(
        self,
        plugins: StrPath | Plugins | None = None,
        *,
        policy: StrPath | Policy | None = None,
        address: str | None = None,
        containerd_namespace: str | None = None,
        state_dir: StrPath | None = None,
        data_dir: StrPath | None = None,
        image: str | None = None,
        snapshotter: str | None = None,
        runtime_classes: StrPath | None = None,
        default_class: RuntimeClass | str | None = None,
        egress_proxy: StrPath | None = None,
        cgroup_parent: str | None = None,
        cdi_dirs: Sequence[StrPath] | None = None,
        watch: str | None = None,
        audit_dir: StrPath | None = None,
        audit_fsync: str | None = None,
        audit_on_full: str | None = None,
        max_concurrent_runs: int = 64,
        stream_buffer_bytes: int = 1 << 20,
    ) -> None:
        refuse_fork()
        if max_concurrent_runs < 1:
            raise InvalidRequest(f"max_concurrent_runs: {max_concurrent_runs} is not 1 or more", code="option")
        given: dict[str, Any] = {
            "address": address,
            "containerd_namespace": containerd_namespace,
            "state_dir": state_dir,
            "data_dir": data_dir,
            "image": image,
            "snapshotter": snapshotter,
            "runtime_classes": runtime_classes,
            "egress_proxy": egress_proxy,
            "cgroup_parent": cgroup_parent,
            "cdi_dirs": None if cdi_dirs is None else _joined(cdi_dirs),
            "watch": watch,
            "audit_dir": audit_dir,
            "audit_fsync": audit_fsync,
            "audit_on_full": audit_on_full,
        }
        options: dict[str, Any] = {}
        for name, variable in _ENVIRONMENT.items():
            value = given[name] if given[name] is not None else os.environ.get(variable)
            if value:
                options[name] = os.fspath(value)
        if default_class is not None:
            options["default_class"] = str(default_class)
        if options.get("watch", "all") not in ("all", "network", "filesystem", "none"):
            raise InvalidRequest(f"watch: {options['watch']!r} is not all, network, filesystem or none", code="option")
        in_force = policy if isinstance(policy, Policy) else _load_policy(policy)
        options["policy"] = in_force._native
        #: The policy in force; None: the built-in one, under which nobody is trusted and strangers are refused.
        self.policy = in_force if in_force.path else None
        #: What was found, by id.
        self.plugins = plugins if isinstance(plugins, Plugins) else Plugins(plugins)
        self._stream_buffer_bytes = stream_buffer_bytes
        self._closed = False
        try:
            self._native = _native.Runner(options, max_concurrent_runs)
        except _native.Error as error:
            raise error_from_status(*error.args) from None
        self._channels: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Channel] = weakref.WeakKeyDictionary()
        end_at_exit(self)

    def check_ready(self) -> None:
        """Whether a run could start: containerd answers, the image is there, the default class is installed.

        Takes some milliseconds. Raises :class:`SandboxUnavailable` that says what is missing.
        """
        refuse_fork()
        try:
            self._native.check_ready()
        except _native.Error as error:
            code, message = error.args
            raise SandboxUnavailable(
                f"the sandbox is not ready: {message}",
                code="sandbox_unavailable",
                retryable=code in ("unavailable", "deadline_exceeded", "not_found"),
            ) from None

    def _request(
        self,
        plugin_id: str,
        payload: JsonValue,
        budget_ms: int | None,
        runtime_class: RuntimeClass | str | None,
        limits: Limits | None,
        traceparent: str | None = None,
    ) -> dict[str, Any]:
        refuse_fork()
        if self._closed:
            raise SandboxUnavailable("the runner is closed", code="closed")
        if budget_ms is not None and (isinstance(budget_ms, bool) or not isinstance(budget_ms, int) or budget_ms < 1):
            raise InvalidRequest(f"budget_ms: {budget_ms!r} is not a whole number of 1 or more", code="budget_ms")
        if traceparent is not None and _TRACEPARENT.fullmatch(traceparent) is None:
            raise InvalidRequest(
                f"traceparent: {traceparent[:64]!r} is not 00-<32 hex digits>-<16 hex digits>-<2 hex digits>",
                code="traceparent",
            )
        request: dict[str, Any] = {
            "traceparent": traceparent,
            "plugin": self.plugins.find(plugin_id).directory,
            "plugin_id": plugin_id,
            "payload": encode_payload(payload),
            # Anything longer is refused by its rule, not by an overflow.
            "budget_ms": None if budget_ms is None else min(budget_ms, 1 << 40),
            "runtime_class": None if runtime_class is None else str(runtime_class),
        }
        if limits is not None:
            request.update(asdict(limits))
        return request

    def _finish(self, letter: _native.Done | _native.Failed) -> SandboxResult:
        if letter[1] == "failed":
            raise error_from_status(letter[2], letter[3])
        result = decode_result(letter[2], letter[3], letter[4], letter[5])
        _log.run_ended(result)
        return result

    def _channel(self) -> _Channel:
        loop = asyncio.get_running_loop()
        channel = self._channels.get(loop)
        if channel is None:
            channel = self._channels[loop] = _Channel()
        return channel

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
        """Runs a plugin; the result says what happened, also when the policy or the node refused it.

        :param payload: anything that is JSON, at most 16 MiB as text and 200 levels deep.
        :param budget_ms: wall time in milliseconds, from this call to the end of the plugin.
        :param limits: may only narrow what the plugin is granted.
        :param traceparent: W3C trace context of the caller (``00-…``); goes into the audit log, never into the sandbox.
        :param on_output: called in the event loop with what the plugin prints, as it comes.
        :raises InvalidRequest: nothing runnable was asked for.
        :raises asyncio.CancelledError: the task was cancelled. The sandbox is gone by then; a second cancellation does
            not wait for that, and it goes in the background.
        """
        request = self._request(plugin_id, payload, budget_ms, runtime_class, limits, traceparent)
        _log.run_started(plugin_id, budget_ms, len(request["payload"]))
        room = self._stream_buffer_bytes if on_output is not None else 0
        try:
            pending = self._channel().start(self._native, request, on_output, room)
        except _native.Error as error:
            raise error_from_status(*error.args) from None
        del request
        try:
            await pending.wait()
        except asyncio.CancelledError:
            pending.on_output = None
            pending.cancel()
            await pending.wait()
            if pending.letter is not None and pending.letter[1] == "done":
                self._finish(pending.letter)
            raise
        assert pending.letter is not None
        return self._finish(pending.letter)

    def stream(
        self,
        plugin_id: str,
        payload: JsonValue,
        budget_ms: int,
        *,
        runtime_class: RuntimeClass | str | None = None,
        limits: Limits | None = None,
        traceparent: str | None = None,
    ) -> StreamedRun:
        """A run whose output is read while it runs::

            async with runner.stream("trainer", {}, budget_ms=60_000) as run:
                async for chunk in run:
                    print(chunk.stream, chunk.data)
                result = await run.result()
        """

        async def start(on_output: OutputCallback) -> SandboxResult:
            return await self.run(
                plugin_id,
                payload,
                budget_ms,
                runtime_class=runtime_class,
                limits=limits,
                on_output=on_output,
                traceparent=traceparent,
            )

        return StreamedRun(start, self._stream_buffer_bytes)

    def run_sync(
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
        """:meth:`run` for programs without an event loop: blocks this thread.

        :raises KeyboardInterrupt: Ctrl-C. The sandbox is gone by then; a second Ctrl-C does not wait for that.
        """
        _refuse_loop()
        request = self._request(plugin_id, payload, budget_ms, runtime_class, limits, traceparent)
        _log.run_started(plugin_id, budget_ms, len(request["payload"]))
        mailbox = _native.Mailbox()
        pending = _Pending(on_output)
        room = self._stream_buffer_bytes if on_output is not None else 0
        try:
            pending.call = self._native.start(request, mailbox, next(_numbers), room)
        except _native.Error as error:
            raise error_from_status(*error.args) from None
        try:
            _drain(mailbox, pending)
        except BaseException:
            pending.on_output = None
            pending.cancel()
            _drain(mailbox, pending)
            raise
        assert pending.letter is not None
        return self._finish(pending.letter)

    def spec(self, plugin_id: str, payload: JsonValue = None, *, runtime_class: RuntimeClass | str | None = None) -> str:
        """The OCI spec (canonical JSON) that a run would have. Runs nothing."""
        try:
            return self._native.dry_run(self._request(plugin_id, payload, None, runtime_class, None))[1].decode()
        except _native.Error as error:
            raise error_from_status(*error.args) from None

    def metrics_text(self) -> str:
        """The numbers of this runner's runs, in Prometheus' text format; docs/user/metrics.md names them.

        :mod:`vortex_sandbox.prometheus` puts them into a registry of prometheus_client.
        """
        refuse_fork()
        return self._native.metrics_text()

    def close(self) -> None:
        """Refuses new runs and cancels those that are on. Does not wait; their callers are told."""
        self._closed = True
        self._native.close()

    def join(self, timeout_ms: int) -> bool:
        """After :meth:`close`: waits until every sandbox is gone. False: not within ``timeout_ms``."""
        return self._native.join(timeout_ms)

    async def aclose(self) -> None:
        """:meth:`close`, and waits until every sandbox is gone."""
        self.close()
        await asyncio.get_running_loop().run_in_executor(None, self._native.join, 60_000)

    async def __aenter__(self) -> EmbeddedRunner:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def __enter__(self) -> EmbeddedRunner:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
        self.join(60_000)


def _load_policy(path: StrPath | None) -> Policy:
    path = path or os.environ.get("VORTEX_POLICY")
    return Policy.load(path) if path else Policy._load("")


def _drain(mailbox: _native.Mailbox, pending: _Pending) -> None:
    while pending.letter is None:
        mailbox.wait(-1)
        for letter in mailbox.take():
            pending.take(letter)


def _refuse_loop(running: Callable[[], asyncio.AbstractEventLoop] = asyncio.get_running_loop) -> None:
    try:
        running()
    except RuntimeError:
        return
    raise RuntimeError("run_sync would block the event loop of this thread; await run() instead")
