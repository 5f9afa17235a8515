# SPDX-License-Identifier: Apache-2.0
"""What is raised. A plugin that fails is a result; a sandbox that fails, or a policy that says no, is an exception."""

from __future__ import annotations

import re

from ._types import Cause, Denial, SandboxResult

_RULE = re.compile(r"^\[([a-z0-9_.-]+)\] ")


class SandboxError(Exception):
    """The base of everything that this package raises on purpose.

    ``code`` is stable and for programs (``policy_denied``, ``sandbox_unavailable``, ``payload``, …); ``str(error)`` is
    for people.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str,
        cause: Cause | None = None,
        rule: str | None = None,
        denials: tuple[Denial, ...] = (),
        run_id: str = "",
        retryable: bool = False,
        result: SandboxResult | None = None,
    ) -> None:
        super().__init__(message)
        #: Stable name of what went wrong.
        self.code = code
        #: The run's cause; None when there was no run.
        self.cause = cause
        #: The rule of the gate that decided, for example ``network.not-allowlisted``.
        self.rule = rule
        #: What the sandbox had refused by then.
        self.denials = denials
        #: Empty when there was no run.
        self.run_id = run_id
        #: True when the same call may succeed later without a change to it.
        self.retryable = retryable
        #: The whole result, when there was a run.
        self.result = result


class InvalidRequest(SandboxError):
    """The request says nothing runnable: an unknown plugin, a payload that is not JSON, a limit that would widen."""


class PolicyDenied(SandboxError):
    """The gate said no (``rule`` says which rule); nothing was created."""


class SandboxUnavailable(SandboxError):
    """A sandbox as asked for cannot be had on this node; the plugin did not start."""


class SandboxLost(SandboxError):
    """containerd or the shim went away during the run: the plugin may have done all, some or none of its work."""


class ForkedProcess(SandboxError):
    """This process was forked after ``import vortex_sandbox``: its threads and connections are the parent's."""


_BY_CAUSE: dict[Cause, type[SandboxError]] = {
    Cause.POLICY_DENIED: PolicyDenied,
    Cause.SANDBOX_UNAVAILABLE: SandboxUnavailable,
    Cause.SANDBOX_LOST: SandboxLost,
    # Not by a cancelled task, which gets its CancelledError: the runner was closed meanwhile.
    Cause.CANCELLED: SandboxUnavailable,
}
_RETRYABLE = frozenset({Cause.SANDBOX_UNAVAILABLE, Cause.SANDBOX_LOST})


def rule_of(message: str) -> str | None:
    """The rule in front of a message of the gate: ``[limits.memory.request] …``."""
    match = _RULE.match(message)
    return match.group(1) if match else None


def error_for(result: SandboxResult) -> SandboxError | None:
    """The exception for a run that the sandbox or the policy ended; None when the plugin's own code did."""
    kind = _BY_CAUSE.get(result.cause)
    if kind is None:
        return None
    return kind(
        result.termination.message or f"run {result.run_id} ended: {result.cause}",
        code=str(result.cause),
        cause=result.cause,
        rule=rule_of(result.termination.message),
        denials=result.denials,
        run_id=result.run_id,
        retryable=result.cause in _RETRYABLE,
        result=result,
    )


def error_from_status(code: str, message: str) -> SandboxError:
    """The exception for a status of the C++ library (``invalid_argument``, ``not_found``, …)."""
    rule = rule_of(message)
    if code in ("invalid_argument", "not_found"):
        return InvalidRequest(message, code=code, rule=rule)
    if code == "permission_denied" and rule is not None:
        return PolicyDenied(message, code="policy_denied", cause=Cause.POLICY_DENIED, rule=rule)
    return SandboxUnavailable(
        message,
        code="sandbox_unavailable",
        cause=Cause.SANDBOX_UNAVAILABLE,
        retryable=code in ("unavailable", "deadline_exceeded", "resource_exhausted"),
    )
