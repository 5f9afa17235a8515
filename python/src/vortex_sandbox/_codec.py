# SPDX-License-Identifier: Apache-2.0
"""Payloads out, results in: JSON without anything that JSON does not have."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any, TypeVar, cast

from . import _native
from ._errors import InvalidRequest
from ._types import (
    AuditTrace,
    Cause,
    ControlReport,
    Denial,
    DenialError,
    EgressHost,
    EgressReport,
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


_T = TypeVar("_T")


def _make(kind: type[_T], document: dict[str, Any], /, **other: Any) -> _T:
    """A ``kind`` of the document's members of the same names, but for those in ``other``. A member that the extension
    does not give is a KeyError: both are of one build."""
    names = cast(tuple[str, ...], getattr(kind, "__match_args__"))
    return kind(**{name: document[name] for name in names if name not in other}, **other)


def _maybe(kind: type[_T], document: dict[str, Any] | None) -> _T | None:
    return None if document is None else _make(kind, document)


def _all(kind: type[_T], documents: list[dict[str, Any]]) -> tuple[_T, ...]:
    return tuple(_make(kind, document) for document in documents)


def _by_name(kind: type[_T], documents: dict[str, dict[str, Any]]) -> dict[str, _T]:
    return {name: _make(kind, document) for name, document in documents.items()}


def decode_result(text: bytes, output: bytes, stdout: bytes, stderr: bytes) -> SandboxResult:
    """The result from what the extension gives: the document of ``vortexctl run --json``, and the texts beside it."""
    document: dict[str, Any] = json.loads(text)
    end, egress, timings = document["termination"], document["egress"], document["timings"]
    result = _make(
        SandboxResult,
        document,
        document=document,
        plugin=_make(PluginRef, document["plugin"]),
        termination=_make(
            Termination, end, cause=Cause(end["cause"]), evidence=_all(Evidence, end["evidence"])
        ),
        output=None,
        failure=_maybe(PluginFailure, document["failure"]),
        stdout=_make(StreamOutput, document["stdout"], data=stdout),
        stderr=_make(StreamOutput, document["stderr"], data=stderr),
        limits=_by_name(LimitReport, document["limits"]),
        controls=_all(ControlReport, document["controls"]),
        usage=_make(Usage, document["usage"]),
        denials=_all(Denial, document["denials"]),
        egress=egress and _make(EgressReport, egress, hosts=_all(EgressHost, egress["hosts"])),
        denial_error=_maybe(DenialError, document["denial_error"]),
        observation=_by_name(ObserverState, document["observation"]),
        policy=_make(
            PolicyReport, document["policy"], rules=_all(RuleDecision, document["policy"]["rules"])
        ),
        audit=_maybe(AuditTrace, document["audit"]),
        timings=_make(
            Timings, timings, phases=tuple(Phase(p["phase"], p["usec"]) for p in timings["phases"])
        ),
        image=_make(ImageRef, document["image"]),
        leftovers=tuple(document["leftovers"]),
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
