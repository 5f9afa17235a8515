# SPDX-License-Identifier: Apache-2.0
"""Runs untrusted plugins in single-use containerd sandboxes.

    from vortex_sandbox import PluginExecutor

    executor = PluginExecutor(policy="/etc/vortex/policy.yaml", plugins="/srv/plugins")
    result = await executor.run("word-count", {"text": "a b a"}, budget_ms=2_000)

docs/user/python.md is the guide.
"""

import sys

try:
    from . import _native
except ImportError as error:
    raise ImportError(
        f"vortex_sandbox: its extension cannot be loaded by CPython {sys.version_info.major}."
        f"{sys.version_info.minor} ({sys.executable}): {error}. Build it for this interpreter: `./dev build python` in "
        "a checkout (for Debian's python3), or `pip install ./python`"
    ) from error

from ._embedded import EmbeddedRunner
from ._errors import (
    ForkedProcess,
    InvalidRequest,
    PolicyDenied,
    SandboxError,
    SandboxLost,
    SandboxUnavailable,
)
from ._executor import PluginExecutor
from ._plugins import PluginInfo, Plugins, read_plugin
from ._policy import Policy
from ._stream import StreamedRun
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
    LimitReport,
    Limits,
    ObserverState,
    OutputChunk,
    Phase,
    PluginFailure,
    PluginRef,
    PolicyReport,
    RuleDecision,
    RuntimeClass,
    SandboxResult,
    SandboxRunner,
    StreamOutput,
    Termination,
    Timings,
    Usage,
)

__version__: str = _native.VERSION

__all__ = [
    "AuditTrace",
    "Cause",
    "ControlReport",
    "Denial",
    "DenialError",
    "EgressHost",
    "EgressReport",
    "EmbeddedRunner",
    "Evidence",
    "ForkedProcess",
    "ImageRef",
    "InvalidRequest",
    "LimitReport",
    "Limits",
    "ObserverState",
    "OutputChunk",
    "Phase",
    "PluginExecutor",
    "PluginFailure",
    "PluginInfo",
    "PluginRef",
    "Plugins",
    "Policy",
    "PolicyDenied",
    "PolicyReport",
    "RuleDecision",
    "RuntimeClass",
    "SandboxError",
    "SandboxLost",
    "SandboxResult",
    "SandboxRunner",
    "SandboxUnavailable",
    "StreamOutput",
    "StreamedRun",
    "Termination",
    "Timings",
    "Usage",
    "__version__",
    "read_plugin",
]
