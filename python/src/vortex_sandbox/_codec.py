# SPDX-License-Identifier: Apache-2.0
"""Payloads out, results in: JSON without anything that JSON does not have."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

from . import _native
from ._errors import InvalidRequest
from ._types import (
    Cause,
    ControlReport,
    Denial,
    DenialError,
    Evidence,
    ImageRef,
    JsonValue,
    LimitReport,
    ObserverState,
    Phase,
    PluginFailure,
    PluginRef,
    PolicyReport,
    RuleDecision,
    SandboxResult,
    StreamOutput,
    Termination,
    Timings,
    Usage,
)

#: Largest payload and largest return value, in bytes of JSON text.
MAX_PAYLOAD_BYTES: int = _native.MAX_PAYLOAD_BYTES
#: The plugin's side accepts no more levels either.
MAX_DEPTH = 200


def encode_payload(payload: JsonValue) -> bytes:
    """``payload`` as JSON.

    Raises :class:`InvalidRequest` (code ``payload``) that names the place and the type of what is not JSON, for example
    ``payload.items[3].when: datetime.datetime is not a JSON type``.
    """
    try:
        return _native.encode_json(payload, "payload", MAX_DEPTH, MAX_PAYLOAD_BYTES)
    except ValueError as error:
        raise InvalidRequest(str(error), code="payload") from None


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{text[:40]} is more than a float holds")
    return value


def decode_output(text: bytes) -> JsonValue:
    """The plugin's return value. Integers keep every digit. ValueError says what cannot be read."""
    try:
        return json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
    except RecursionError:
        raise ValueError("nested deeper than Python's decoder takes") from None


def _stream(document: dict[str, Any], data: bytes) -> StreamOutput:
    return StreamOutput(
        data=data,
        bytes_total=document["bytes_total"],
        truncated=document["truncated"],
        complete=document["complete"],
        digest=document["digest"],
    )


def _termination(document: dict[str, Any]) -> Termination:
    return Termination(
        cause=Cause(document["cause"]),
        exit_code=document["exit_code"],
        signal=document["signal"],
        limit=document["limit"],
        message=document["message"],
        evidence=tuple(Evidence(e["fact"], e["witness"]) for e in document["evidence"]),
    )


def _denial(document: dict[str, Any]) -> Denial:
    return Denial(
        control=document["control"],
        action=document["action"],
        target=document["target"],
        rule=document["rule"],
        witness=document["witness"],
        count=document["count"],
        first_unix_ns=document.get("first_unix_ns"),
        last_unix_ns=document.get("last_unix_ns"),
        errno=document.get("errno"),
        allowed_by=document.get("allowed_by", ""),
    )


def _denial_error(document: dict[str, Any] | None) -> DenialError | None:
    if document is None:
        return None
    return DenialError(
        control=document["control"],
        action=document["action"],
        target=document["target"],
        rule=document["rule"],
        witness=document["witness"],
        allowed_by=document["allowed_by"],
        message=document["message"],
    )


def _usage(document: dict[str, Any]) -> Usage:
    return Usage(
        cpu_usec=document["cpu_usec"],
        memory_peak_bytes=document["memory_peak_bytes"],
        pids_peak=document["pids_peak"],
        throttled_usec=document["throttled_usec"],
        throttled_periods=document["throttled_periods"],
        wall_usec=document["wall_usec"],
    )


def _failure(document: dict[str, Any] | None) -> PluginFailure | None:
    if document is None:
        return None
    return PluginFailure(
        kind=document["kind"],
        type=document["type"],
        message=document["message"],
        traceback=document["traceback"],
        errno=document["errno"],
        filename=document["filename"],
    )


def decode_result(text: bytes, output: bytes, stdout: bytes, stderr: bytes) -> SandboxResult:
    """The result from what the extension gives: the document of ``vortexctl run --json``, and the texts beside it."""
    document: dict[str, Any] = json.loads(text)
    plugin, image, timings = document["plugin"], document["image"], document["timings"]
    result = SandboxResult(
        run_id=document["run_id"],
        plugin=PluginRef(plugin["id"], plugin["version"], plugin["digest"]),
        runtime_class=document["runtime_class"],
        termination=_termination(document["termination"]),
        failure=_failure(document["failure"]),
        stdout=_stream(document["stdout"], stdout),
        stderr=_stream(document["stderr"], stderr),
        limits={
            name: LimitReport(v["requested"], v["effective"], v["readback"], v["used"])
            for name, v in document["limits"].items()
        },
        controls=tuple(
            ControlReport(c["name"], c["requested"], c["effective"], c["readback"])
            for c in document["controls"]
        ),
        usage=_usage(document["usage"]),
        denials=tuple(_denial(d) for d in document["denials"]),
        denial_error=_denial_error(document.get("denial_error")),
        observation={
            name: ObserverState(o["active"], o["witness"], o["why"], o["dropped"], o["complete"])
            for name, o in document.get("observation", {}).items()
        },
        policy=PolicyReport(
            document["policy"]["digest"],
            tuple(
                RuleDecision(r["rule"], r["outcome"], r["detail"], r.get("position", ""))
                for r in document["policy"]["rules"]
            ),
        ),
        timings=Timings(
            timings["total_usec"], tuple(Phase(p["phase"], p["usec"]) for p in timings["phases"])
        ),
        image=ImageRef(image["name"], image["digest"]),
        spec_digest=document["spec_digest"],
        leftovers=tuple(document["leftovers"]),
        document=document,
    )
    if not output:
        return result
    try:
        return replace(result, output=decode_output(output))
    except ValueError as error:
        # Valid for a plugin in another language, but not a value that Python has: the plugin's failure.
        message = f"the return value cannot be read: {error}"
        return replace(
            result,
            termination=replace(result.termination, cause=Cause.PLUGIN_ERROR, message=message),
            failure=PluginFailure(kind="result_not_json", message=message),
        )
