# SPDX-License-Identifier: Apache-2.0
"""The executor over the test double: how results become exceptions, and that runners are interchangeable."""

from __future__ import annotations

import asyncio
import datetime

import pytest
from vortex_sandbox import (
    Cause,
    Denial,
    EmbeddedRunner,
    InvalidRequest,
    OutputChunk,
    PluginExecutor,
    PolicyDenied,
    SandboxError,
    SandboxLost,
    SandboxRunner,
    SandboxUnavailable,
)
from vortex_sandbox.testing import FakeRunner


@pytest.fixture
def fake() -> FakeRunner:
    return FakeRunner()


def test_both_are_runners(fake: FakeRunner) -> None:
    assert isinstance(fake, SandboxRunner)
    assert issubclass(EmbeddedRunner, SandboxRunner)


async def test_a_value(fake: FakeRunner) -> None:
    fake.returns("word-count", lambda payload: {"words": len(payload["text"].split())}, stdout=b"hi")
    seen: list[OutputChunk] = []
    result = await PluginExecutor(runner=fake).run("word-count", {"text": "a b a"}, 100, on_output=seen.append)
    assert result.ok and result.output == {"words": 3} and result.cause is Cause.OK
    assert result.stdout.text == "hi" and seen[0].data == b"hi"
    assert fake.calls[0].payload == {"text": "a b a"} and fake.calls[0].budget_ms == 100


@pytest.mark.parametrize("cause", [cause for cause in Cause if cause.is_plugins])
async def test_the_plugins_failure_is_a_result(fake: FakeRunner, cause: Cause) -> None:
    fake.ends("p", cause)
    assert (await PluginExecutor(runner=fake).run("p", {}, 100)).cause is cause


@pytest.mark.parametrize(
    ("cause", "kind", "retryable"),
    [
        (Cause.POLICY_DENIED, PolicyDenied, False),
        (Cause.SANDBOX_UNAVAILABLE, SandboxUnavailable, True),
        (Cause.SANDBOX_LOST, SandboxLost, True),
        (Cause.CANCELLED, SandboxUnavailable, False),
    ],
)
async def test_the_sandboxs_failure_is_an_exception(
    fake: FakeRunner, cause: Cause, kind: type[SandboxError], retryable: bool
) -> None:
    denial = Denial("network", "connect", "192.0.2.1:80", "network.none", "kernel", 2)
    fake.ends("p", cause, "[network.not-allowlisted] plugin p asks", denials=(denial,))
    with pytest.raises(kind) as caught:
        await PluginExecutor(runner=fake).run("p", {}, 100)
    error = caught.value
    assert (error.code, error.cause, error.rule) == (str(cause), cause, "network.not-allowlisted")
    assert error.denials == (denial,) and error.run_id.startswith("run-fake-") and error.retryable is retryable
    assert error.result is not None and error.result.run_id == error.run_id


async def test_as_strict_as_the_real_one(fake: FakeRunner) -> None:
    fake.returns("p", {1, 2})
    with pytest.raises(InvalidRequest, match="payload.when: datetime.date is not"):
        await fake.run("p", {"when": datetime.date(2026, 1, 1)}, 100)
    with pytest.raises(InvalidRequest, match="set is not a JSON type"):
        await fake.run("p", {}, 100)
    with pytest.raises(InvalidRequest, match="budget_ms: 0 is not"):
        await fake.run("p", {}, 0)
    with pytest.raises(InvalidRequest) as error:
        await fake.run("q", {}, 1)
    assert error.value.code == "unknown_plugin"


async def test_budget_and_cancellation(fake: FakeRunner) -> None:
    fake.returns("slow", 1, delay_ms=60_000)
    assert (await fake.run("slow", {}, 5)).cause is Cause.DEADLINE
    task = asyncio.create_task(fake.run("slow", {}, 60_000))
    while not fake.running:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert fake.cancelled == ["slow"] and fake.running == 0


def test_sync_and_refused_arguments(fake: FakeRunner) -> None:
    fake.returns("p", 7)
    assert PluginExecutor(runner=fake).run_sync("p", {}, 10).output == 7
    with pytest.raises(TypeError, match="policy: belongs to the runner"):
        PluginExecutor("/etc/vortex/policy.yaml", runner=fake)
