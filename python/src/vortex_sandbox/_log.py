# SPDX-License-Identifier: Apache-2.0
"""What runs say in Python's logging, logger ``vortex_sandbox``: the message for people, ``record.vortex`` (a dict) for
programs."""

from __future__ import annotations

import logging
from typing import Any

from ._types import Cause, SandboxResult

logger = logging.getLogger("vortex_sandbox")
logger.addHandler(logging.NullHandler())

# As levels: what an operator should look at is a warning, what is wrong with the node an error.
_LEVELS = {
    Cause.OK: logging.INFO,
    Cause.POLICY_DENIED: logging.WARNING,
    Cause.CANCELLED: logging.INFO,
    Cause.SANDBOX_UNAVAILABLE: logging.ERROR,
    Cause.SANDBOX_LOST: logging.ERROR,
}


def _emit(level: int, message: str, args: tuple[object, ...], event: dict[str, Any]) -> None:
    logger.log(level, message, *args, extra={"vortex": event})


def run_started(plugin_id: str, budget_ms: int, payload_bytes: int) -> None:
    if logger.isEnabledFor(logging.DEBUG):
        _emit(
            logging.DEBUG,
            "run of %s: budget %d ms, payload %d bytes",
            (plugin_id, budget_ms, payload_bytes),
            {"event": "run_started", "plugin": plugin_id, "budget_ms": budget_ms, "payload_bytes": payload_bytes},
        )


def run_ended(result: SandboxResult) -> None:
    level = _LEVELS.get(result.cause, logging.INFO)
    if logger.isEnabledFor(level):
        _emit(
            level,
            "%s of %s under %s: %s after %.1f ms%s",
            (
                result.run_id,
                result.plugin.id or "?",
                result.runtime_class or "?",
                result.cause,
                result.timings.total_usec / 1000,
                f" ({result.termination.message})" if result.termination.message else "",
            ),
            {
                "event": "run_ended",
                "run_id": result.run_id,
                "plugin": result.plugin.id,
                "plugin_version": result.plugin.version,
                "bundle_digest": result.plugin.digest,
                "runtime_class": result.runtime_class,
                "cause": str(result.cause),
                "message": result.termination.message,
                "total_usec": result.timings.total_usec,
                "cpu_usec": result.usage.cpu_usec,
                "memory_peak_bytes": result.usage.memory_peak_bytes,
                "denials": len(result.denials),
                "policy_digest": result.policy.digest,
            },
        )
    for denial in result.denials:
        _emit(
            logging.WARNING,
            "%s of %s: denied %s %s %s (%s, seen by %s, %d times)",
            (
                result.run_id,
                result.plugin.id,
                denial.control,
                denial.action,
                # Untrusted: control characters must not reach a terminal.
                ascii(denial.target)[1:-1],
                denial.rule,
                denial.witness,
                denial.count,
            ),
            {
                "event": "denial",
                "run_id": result.run_id,
                "plugin": result.plugin.id,
                "control": denial.control,
                "action": denial.action,
                "target": denial.target,
                "rule": denial.rule,
                "witness": denial.witness,
                "count": denial.count,
            },
        )
    for leftover in result.leftovers:
        _emit(
            logging.ERROR,
            "%s left behind, for vortexctl gc: %s",
            (result.run_id, leftover),
            {"event": "leftover", "run_id": result.run_id, "leftover": leftover},
        )
