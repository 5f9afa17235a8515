# SPDX-License-Identifier: Apache-2.0
"""What a run is asked with and what it returns: plain, frozen data. docs/user/results.md explains every field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, TypeAlias, runtime_checkable

# What json.loads gives. Recursive aliases need Python 3.12.
JsonValue: TypeAlias = Any


class Cause(StrEnum):
    """Why a run ended; the same under every runtime class, and always from evidence."""

    OK = "ok"
    PLUGIN_ERROR = "plugin_error"
    SIGNAL = "signal"
    OOM = "oom"
    DEADLINE = "deadline"
    CPU_BUDGET = "cpu_budget"
    PIDS_LIMIT = "pids_limit"
    OUTPUT_LIMIT = "output_limit"
    DISK_LIMIT = "disk_limit"
    POLICY_DENIED = "policy_denied"
    SANDBOX_UNAVAILABLE = "sandbox_unavailable"
    SPAWN_FAILED = "spawn_failed"
    CANCELLED = "cancelled"
    SANDBOX_LOST = "sandbox_lost"

    @property
    def is_plugins(self) -> bool:
        """True when the plugin's own code decided the end: a result. False: the sandbox or the policy did."""
        return self not in _NOT_THE_PLUGINS


_NOT_THE_PLUGINS = frozenset(
    {Cause.POLICY_DENIED, Cause.SANDBOX_UNAVAILABLE, Cause.CANCELLED, Cause.SANDBOX_LOST}
)


class RuntimeClass(StrEnum):
    """How a job is isolated."""

    RUNC = "runc"
    CRUN = "crun"
    GVISOR = "gvisor"
    KATA = "kata"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One fact that the cause rests on, and who saw it (``kernel``, ``runner``, ``init``, ``sentry``, ``guest``)."""

    fact: str
    witness: str


@dataclass(frozen=True, slots=True)
class Termination:
    """How a run ended."""

    cause: Cause
    #: The plugin's own exit code, 0 to 255; None when it did not exit by itself.
    exit_code: int | None = None
    #: The signal that ended the plugin.
    signal: int | None = None
    #: The limit that was hit (``memory``, ``budget``, ``pids``, ``output``, ``tmp``, ``fsize``), else empty.
    limit: str = ""
    #: One sentence for a person.
    message: str = ""
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class PluginFailure:
    """The plugin's exception, in its own words (guest: not to be trusted)."""

    kind: str
    type: str = ""
    message: str = ""
    traceback: str = ""
    errno: int | None = None
    filename: str = ""


@dataclass(frozen=True, slots=True)
class StreamOutput:
    """What the plugin printed on one stream."""

    #: The first bytes, at most the limit ``output_bytes``.
    data: bytes = b""
    #: All that was printed, in bytes.
    bytes_total: int = 0
    #: True when more was printed than kept.
    truncated: bool = False
    #: False when the end of the stream was not seen.
    complete: bool = True
    #: ``sha256:…`` of all that was printed, kept or not.
    digest: str = ""

    @property
    def text(self) -> str:
        """The kept bytes as text; what is not UTF-8 becomes U+FFFD."""
        return self.data.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class LimitReport:
    """One limit; the unit is in its name (``memory_bytes``, ``millicpus``, …)."""

    requested: int | None
    effective: int
    #: What the kernel held before the plugin started.
    readback: int | None
    used: int | None


@dataclass(frozen=True, slots=True)
class ControlReport:
    """A control that was read back from the kernel before the plugin started."""

    name: str
    requested: int
    effective: int
    readback: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What the run used; None where the kernel does not count it."""

    cpu_usec: int | None = None
    memory_peak_bytes: int | None = None
    pids_peak: int | None = None
    throttled_usec: int | None = None
    throttled_periods: int | None = None
    #: The plugin's process, from start to end, in microseconds.
    wall_usec: int = 0


@dataclass(frozen=True, slots=True)
class Denial:
    """One kind of refused attempt. Made inside the sandbox (``guest``) it is a hint, not proof."""

    control: str
    action: str
    target: str
    rule: str
    witness: str
    count: int
    #: Unix time in nanoseconds; None: not known.
    first_unix_ns: int | None = None
    last_unix_ns: int | None = None
    errno: int | None = None
    #: What would allow it; empty: nothing does.
    allowed_by: str = ""


@dataclass(frozen=True, slots=True)
class DenialError:
    """The denial that explains why the plugin failed; seen from outside of the sandbox."""

    control: str
    action: str
    target: str
    rule: str
    witness: str
    #: What would allow it; empty: nothing does.
    allowed_by: str = ""
    #: One sentence for a person.
    message: str = ""


@dataclass(frozen=True, slots=True)
class EgressHost:
    """A granted host that the plugin reached for, as the egress proxy counted."""

    host: str
    port: int
    #: Made to it.
    connections: int = 0
    #: Allowed, but not resolved, not reached or not understood.
    failures: int = 0
    #: From the plugin to the host.
    bytes_out: int = 0
    bytes_in: int = 0


@dataclass(frozen=True, slots=True)
class EgressReport:
    """What went through the egress proxy."""

    #: That the plugin made to the proxy.
    connections: int = 0
    hosts: tuple[EgressHost, ...] = ()
    #: Why the counts are not whole; empty: they are.
    problem: str = ""


@dataclass(frozen=True, slots=True)
class AuditTrace:
    """What the audit log has of the run. ``hash`` is an anchor that the log can be checked against."""

    #: Of the run's last line; 0: there is none.
    seq: int = 0
    #: Of that line.
    hash: str = ""
    #: That should have been written and could not be.
    records_lost: int = 0
    #: Why.
    error: str = ""


@dataclass(frozen=True, slots=True)
class ObserverState:
    """How far one kind of attempt was watched. Not watching never means allowing."""

    active: bool
    witness: str = ""
    #: Why not, when not active.
    why: str = ""
    #: Attempts that were not looked at, since there were too many.
    dropped: int = 0
    #: Every attempt of this kind that docs/user/denials.md names was seen.
    complete: bool = False


@dataclass(frozen=True, slots=True)
class RuleDecision:
    """One decision of the gate."""

    rule: str
    outcome: str
    detail: str = ""
    #: Where the policy says so: ``policy.yaml:14``, ``built in``.
    position: str = ""


@dataclass(frozen=True, slots=True)
class PolicyReport:
    """Which policy decided, and how."""

    #: ``sha256:…`` of the policy file's bytes; empty: no policy file.
    digest: str = ""
    rules: tuple[RuleDecision, ...] = ()


@dataclass(frozen=True, slots=True)
class PluginRef:
    """Exactly what ran."""

    id: str
    version: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class ImageRef:
    """The runtime image."""

    name: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of the run's time; a name with a slash is a step inside a phase."""

    name: str
    usec: int


@dataclass(frozen=True, slots=True)
class Timings:
    """Where the time went, in microseconds."""

    #: From the call to the result.
    total_usec: int = 0
    phases: tuple[Phase, ...] = ()


@dataclass(frozen=True, slots=True)
class SandboxResult:
    """What the caller learns about one run."""

    run_id: str
    plugin: PluginRef
    runtime_class: str
    termination: Termination
    #: The plugin's return value; None unless the cause is ``ok``.
    output: JsonValue = None
    failure: PluginFailure | None = None
    stdout: StreamOutput = field(default_factory=StreamOutput)
    stderr: StreamOutput = field(default_factory=StreamOutput)
    limits: Mapping[str, LimitReport] = field(default_factory=dict)
    controls: tuple[ControlReport, ...] = ()
    usage: Usage = field(default_factory=Usage)
    denials: tuple[Denial, ...] = ()
    #: None unless hosts were granted.
    egress: EgressReport | None = None
    #: The denial that the plugin failed of; None when none explains its failure.
    denial_error: DenialError | None = None
    #: ``network``, ``filesystem``, ``syscall``
    observation: Mapping[str, ObserverState] = field(default_factory=dict)
    policy: PolicyReport = field(default_factory=PolicyReport)
    #: None without an audit log.
    audit: AuditTrace | None = None
    timings: Timings = field(default_factory=Timings)
    image: ImageRef = field(default_factory=ImageRef)
    spec_digest: str = ""
    #: What could not be removed and waits for ``vortexctl gc``; empty: nothing is left.
    leftovers: tuple[str, ...] = ()
    #: The whole document of ``vortexctl run --json`` without the output and the kept bytes, for fields that this
    #: version of the package has no name for.
    document: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def cause(self) -> Cause:
        """``termination.cause``."""
        return self.termination.cause

    @property
    def ok(self) -> bool:
        """True when the plugin returned a value."""
        return self.termination.cause is Cause.OK


@dataclass(frozen=True, slots=True)
class OutputChunk:
    """A piece of what a plugin prints, as it comes."""

    #: ``stdout`` or ``stderr``.
    stream: str
    data: bytes
    #: Bytes of the same stream, before these, that were dropped because nobody took them in time.
    lost_bytes: int = 0


OutputCallback: TypeAlias = Callable[[OutputChunk], None]


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits for one run; may only narrow what the manifest or the policy gives. None: not asked for."""

    memory_bytes: int | None = None
    #: Thousandths of a cpu.
    millicpus: int | None = None
    #: Processes and threads.
    pids: int | None = None
    tmp_bytes: int | None = None
    #: Kept of stdout and of stderr, each.
    output_bytes: int | None = None


@runtime_checkable
class SandboxRunner(Protocol):
    """Runs plugins in sandboxes. Implementations are interchangeable: :class:`EmbeddedRunner`,
    :class:`vortex_sandbox.testing.FakeRunner`, or your own."""

    async def run(self, plugin_id: str, payload: dict[str, Any], budget_ms: int) -> SandboxResult:
        """Runs ``plugin_id`` with ``payload`` (JSON, at most 16 MiB) and waits until its sandbox is gone.

        ``budget_ms`` is wall time from this call to the end of the plugin. Whatever happened to the run is in the
        result; :class:`InvalidRequest` is raised for a request that says nothing runnable.
        """
        ...
