# SPDX-License-Identifier: Apache-2.0
"""Runs on the real thing: a private containerd, runc and gVisor."""

from __future__ import annotations

import asyncio
import json
import logging
import pathlib
import shutil
import time
from collections.abc import Iterator
from typing import Any

import prometheus_client
import pytest
from conftest import BIN, PLUGINS, POLICY, Node
from test_result import differences
from vortex_sandbox import (
    Cause,
    EmbeddedRunner,
    InvalidRequest,
    Limits,
    OutputChunk,
    PluginExecutor,
    Plugins,
    PolicyDenied,
    RuntimeClass,
    SandboxUnavailable,
)
from vortex_sandbox.prometheus import RunnerCollector

BUDGET = 20_000
CLASSES = [RuntimeClass.RUNC, RuntimeClass.GVISOR]


@pytest.fixture(params=CLASSES)
def classed(request: pytest.FixtureRequest, clean: Node) -> Iterator[EmbeddedRunner]:
    """A runner of each class; skipped where the class's runtime is not installed."""
    runner = EmbeddedRunner(PLUGINS, default_class=request.param, **clean.options)
    try:
        runner.check_ready()
    except SandboxUnavailable as error:
        pytest.skip(str(error))
    with runner:
        yield runner


async def test_a_value_and_what_ran(classed: EmbeddedRunner) -> None:
    payload = {"text": "naïve \U0001f600 \u2028 \x00", "big": 2**63 + 1, "deep": [[[[{}]]]], "f": 0.1, "none": None}
    result = await classed.run("echo", payload, BUDGET)
    assert result.ok and result.output == payload, result
    assert result.plugin.id == "echo" and result.plugin.digest.startswith("sha256:")
    assert result.run_id.startswith("run-") and result.image.digest.startswith("sha256:")
    assert result.limits["budget_ms"].requested == BUDGET and result.usage.wall_usec > 0
    assert sum(p.usec for p in result.timings.phases if "/" not in p.name) <= result.timings.total_usec
    assert result.timings.phases[0].name == "queue" and not result.leftovers


async def test_failures_of_the_plugin_are_results(classed: EmbeddedRunner) -> None:
    executor = PluginExecutor(runner=classed)
    raised = await executor.run("exits", {"mode": "raise"}, BUDGET)
    assert raised.cause is Cause.PLUGIN_ERROR and raised.failure is not None
    assert (raised.failure.type, raised.failure.message) == ("ValueError", "as asked") and raised.output is None
    exited = await executor.run("exits", {"mode": "exit3"}, BUDGET)
    assert exited.cause is Cause.PLUGIN_ERROR and exited.termination.exit_code == 3
    late = await executor.run("sleeper", {"seconds": 60}, 1500)
    assert late.cause is Cause.DEADLINE and late.termination.limit == "budget"
    hog = await executor.run("memory-hog", {"mib": 200}, BUDGET)
    assert hog.cause is Cause.OOM, hog
    assert (await executor.run("no-program", {}, 10_000)).cause is Cause.SPAWN_FAILED


async def test_cancellation_under_each_class(classed: EmbeddedRunner, clean: Node) -> None:
    before = clean.census()
    task = asyncio.create_task(classed.run("sleeper", {"seconds": 60}, 30_000))
    while not clean.shims():
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert clean.await_census(before) == before


async def test_the_gate_says_no(runner: EmbeddedRunner) -> None:
    result = await runner.run("wants-network", {}, BUDGET)
    assert result.cause is Cause.POLICY_DENIED
    with pytest.raises(PolicyDenied) as error:
        await PluginExecutor(runner=runner).run("wants-network", {}, BUDGET)
    assert error.value.rule is not None and error.value.rule.startswith("network.")
    assert runner.policy is not None and result.policy.digest == runner.policy.digest
    assert any(decision.outcome == "refused" for decision in result.policy.rules)
    assert not error.value.retryable and error.value.run_id.startswith("run-")


async def test_without_a_policy_strangers_are_refused(clean: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VORTEX_POLICY", raising=False)
    options: dict[str, Any] = {**clean.options, "policy": None}
    async with EmbeddedRunner(PLUGINS, **options) as runner:
        with pytest.raises(PolicyDenied):
            await PluginExecutor(runner=runner).run("echo", {}, BUDGET)


async def test_requests_that_say_nothing_runnable(runner: EmbeddedRunner) -> None:
    for call, part in (
        (runner.run("nothing", {}, 1), "did you mean|none of the"),
        (runner.run("echo", {"x": {1}}, BUDGET), "payload.x: set is not a JSON type"),
        (runner.run("echo", {}, 0), "budget_ms: 0 is not"),
        (runner.run("echo", {}, BUDGET + 1), "limits.budget.request"),
        (runner.run("echo", {}, 1 << 90), "limits.budget"),
        (runner.run("echo", {}, BUDGET, runtime_class="docker"), "docker"),
        (runner.run("echo", {}, BUDGET, limits=Limits(memory_bytes=8 << 30)), "limits.memory"),
    ):
        with pytest.raises(InvalidRequest, match=part):
            await call


async def test_limits_narrow(runner: EmbeddedRunner) -> None:
    limits = Limits(memory_bytes=64 << 20, millicpus=500, pids=16, tmp_bytes=1 << 20, output_bytes=10)
    result = await runner.run("printer", {"bytes": 50}, BUDGET, limits=limits)
    assert result.stdout.data == b"x" * 10 and result.stdout.bytes_total == 50 and result.stdout.truncated
    assert result.limits["memory_bytes"].readback == 64 << 20, result.limits
    assert result.limits["pids"].effective == 16


@pytest.mark.parametrize("size", [1, 3, 65_536, 65_537, 1 << 20, 16 << 20])
async def test_payloads_and_results_of_every_size(runner: EmbeddedRunner, size: int) -> None:
    # The text of a JSON string is its length and two quotes; one byte is a digit.
    payload = 7 if size == 1 else "x" * (size - 2)
    result = await runner.run("echo", payload, BUDGET)
    assert result.ok and result.output == payload, result.termination


async def test_a_result_above_the_limit_is_the_plugins_failure(runner: EmbeddedRunner, tmp_path: pathlib.Path) -> None:
    plugin = tmp_path / "filler"
    plugin.mkdir()
    (plugin / "vortex-plugin.yaml").write_text("id: filler\nversion: 1.0.0\nentrypoint: main:run\n")
    (plugin / "main.py").write_text("def run(size):\n    return 'x' * (size - 2)\n")
    runner.plugins._add(str(plugin))
    assert (await runner.run("filler", 16 << 20, 10_000)).ok
    result = await runner.run("filler", (16 << 20) + 1, 10_000)
    assert result.cause is Cause.PLUGIN_ERROR and result.output is None and result.failure is not None
    assert result.failure.kind == "result_not_json" and "at most 16777216" in result.failure.message
    with pytest.raises(InvalidRequest, match="more than 16777216 bytes of JSON"):
        await runner.run("echo", "x" * ((16 << 20) - 1), BUDGET)


async def test_what_is_printed_comes_as_it_is_printed(runner: EmbeddedRunner, tmp_path: pathlib.Path) -> None:
    plugin = tmp_path / "ticker"
    plugin.mkdir()
    (plugin / "vortex-plugin.yaml").write_text("id: ticker\nversion: 1.0.0\nentrypoint: main:run\n")
    (plugin / "main.py").write_text(
        "import sys, time\n"
        "def run(payload):\n"
        "    for i in range(3):\n"
        "        print('out', i, flush=True)\n"
        "        print('err', i, file=sys.stderr, flush=True)\n"
        "        time.sleep(0.2)\n"
        "    return 'done'\n"
    )
    runner.plugins._add(str(plugin))
    seen: list[tuple[float, OutputChunk]] = []
    result = await runner.run("ticker", {}, 10_000, on_output=lambda chunk: seen.append((time.monotonic(), chunk)))
    assert result.output == "done"
    assert b"".join(c.data for _, c in seen if c.stream == "stdout") == result.stdout.data == b"out 0\nout 1\nout 2\n"
    assert b"".join(c.data for _, c in seen if c.stream == "stderr") == b"err 0\nerr 1\nerr 2\n"
    assert seen[-1][0] - seen[0][0] > 0.3, "it came at the end"
    async with runner.stream("ticker", {}, 10_000) as run:
        lines = [chunk.data async for chunk in run if chunk.stream == "stdout"]
        assert b"".join(lines) == b"out 0\nout 1\nout 2\n" and (await run.result()).output == "done"
    async with runner.stream("ticker", {}, 10_000) as run:
        async for _ in run:
            break  # leaving early cancels; the fixture counts what is left


async def test_a_slow_reader_loses_bytes_that_are_counted(clean: Node) -> None:
    async with EmbeddedRunner(PLUGINS, stream_buffer_bytes=70_000, **clean.options) as runner:
        got = lost = 0

        def take(chunk: OutputChunk) -> None:
            nonlocal got, lost
            got += len(chunk.data)
            lost += chunk.lost_bytes
            time.sleep(0.3)

        result = await runner.run("printer", {"bytes": 900_000}, BUDGET, on_output=take)
    total = result.stdout.bytes_total + result.stderr.bytes_total
    assert got + lost == total and len(result.stdout.data) + len(result.stderr.data) == total, (got, lost, total)


async def test_a_callback_that_raises_ends_nothing(runner: EmbeddedRunner) -> None:
    problems = []

    def fail(chunk: OutputChunk) -> None:
        raise ZeroDivisionError

    asyncio.get_running_loop().set_exception_handler(lambda loop, context: problems.append(context["exception"]))
    result = await runner.run("printer", {"bytes": 10}, BUDGET, on_output=fail)
    assert result.ok and isinstance(problems[0], ZeroDivisionError)


async def test_a_bundle_that_changed_its_id_is_refused(runner: EmbeddedRunner, tmp_path: pathlib.Path) -> None:
    shutil.copytree(PLUGINS / "echo", tmp_path / "echo")
    plugins = Plugins(tmp_path)
    manifest = tmp_path / "echo/vortex-plugin.yaml"
    manifest.write_text(manifest.read_text().replace("id: echo", "id: trusted"))
    runner.plugins = plugins
    with pytest.raises(InvalidRequest, match="its id is trusted now, not echo"):
        await runner.run("echo", {}, BUDGET)


async def test_runs_are_logged(runner: EmbeddedRunner, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "vortex_sandbox"):
        result = await runner.run("exits", {"mode": "read_shadow"}, BUDGET)
    events = [record.vortex for record in caplog.records if record.name == "vortex_sandbox"]  # type: ignore[attr-defined]
    assert [event["event"] for event in events][:2] == ["run_started", "run_ended"]
    assert events[1]["run_id"] == result.run_id and events[1]["cause"] == str(result.cause)
    assert len([e for e in events if e["event"] == "denial"]) == len(result.denials)


async def test_the_spec_without_a_run(runner: EmbeddedRunner) -> None:
    spec = json.loads(runner.spec("echo"))
    assert spec["process"]["noNewPrivileges"] is True
    assert runner.spec("echo") == runner.spec("echo")


def test_the_synchronous_twin(clean: Node) -> None:
    with PluginExecutor(plugins=PLUGINS, **clean.options) as executor:
        assert executor.run_sync("echo", {"a": 1}, BUDGET).output == {"a": 1}
        with pytest.raises(PolicyDenied):
            executor.run_sync("wants-network", {}, BUDGET)


async def test_the_twin_refuses_to_block_a_loop(runner: EmbeddedRunner) -> None:
    with pytest.raises(RuntimeError, match="await run"):
        runner.run_sync("echo", {}, BUDGET)


def test_one_runner_serves_many_loops(clean: Node) -> None:
    with EmbeddedRunner(PLUGINS, **clean.options) as runner:
        assert [asyncio.run(runner.run("echo", i, BUDGET)).output for i in range(3)] == [0, 1, 2]


async def test_a_closed_runner(clean: Node) -> None:
    runner = EmbeddedRunner(PLUGINS, **clean.options)
    executor = PluginExecutor(runner=runner)
    task = asyncio.create_task(executor.run("sleeper", {"seconds": 60}, 30_000))
    while not clean.shims():
        await asyncio.sleep(0.01)
    await runner.aclose()
    with pytest.raises(SandboxUnavailable) as error:
        await task
    assert error.value.code == "cancelled"
    with pytest.raises(SandboxUnavailable) as error:
        await runner.run("echo", {}, BUDGET)
    assert error.value.code == "closed"


FETCHES = """
import urllib.request
def run(payload):
    urllib.request.urlopen(payload["url"], timeout=10)
"""


async def test_egress(clean: Node, tmp_path: pathlib.Path) -> None:
    plugin = tmp_path / "plugins/fetches"
    plugin.mkdir(parents=True)
    (plugin / "main.py").write_text(FETCHES)
    (plugin / "vortex-plugin.yaml").write_text(
        "id: fetches\nversion: 1.0.0\nentrypoint: main:run\nnetwork: {allow: [{host: one.test, port: 80}]}\n"
    )
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        POLICY + "allow:\n  - {plugin: fetches, reason: a test, expires: never, egress: [{host: one.test, port: 80}]}\n"
    )
    options: dict[str, Any] = {**clean.options, "policy": policy, "audit_dir": tmp_path / "audit"}
    proxy = BIN / "vortex-egress-proxy"
    async with EmbeddedRunner(tmp_path / "plugins", egress_proxy=proxy, **options) as runner:
        result = await runner.run("fetches", {"url": "http://two.test/"}, 10_000)
    assert result.cause is Cause.PLUGIN_ERROR, result.termination
    assert result.egress is not None and result.egress.connections == 1 and result.egress.problem == ""
    assert [(d.target, d.rule, d.witness) for d in result.denials] == [("two.test:80", "egress.host", "proxy")]
    assert result.audit is not None and result.audit.seq > 0 and result.audit.hash
    assert differences(result.document, result) == set()


async def test_granted_devices_are_looked_up_where_the_caller_says(clean: Node, tmp_path: pathlib.Path) -> None:
    plugin = tmp_path / "plugins/draws"
    plugin.mkdir(parents=True)
    (plugin / "main.py").write_text("def run(payload): return 1\n")
    (plugin / "vortex-plugin.yaml").write_text(
        "id: draws\nversion: 1.0.0\nentrypoint: main:run\ngpus: [vendor.test/gpu=0]\n"
    )
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        POLICY + "allow:\n  - {plugin: draws, reason: a test, expires: never, gpus: [vendor.test/gpu=0]}\n"
    )
    options: dict[str, Any] = {**clean.options, "policy": policy}
    dirs = [tmp_path / "here", tmp_path / "there"]
    async with EmbeddedRunner(tmp_path / "plugins", cdi_dirs=dirs, **options) as runner:
        result = await runner.run("draws", {}, 10_000)
    assert result.cause is Cause.SANDBOX_UNAVAILABLE, result.termination
    assert f"no CDI file in {dirs[0]} or {dirs[1]}" in result.termination.message
    for wrong, told in (("/etc/cdi", "is not a list"), ([], "is not a list"), (["cdi"], "absolute"), (["/a:/b"], "colon")):
        with pytest.raises(InvalidRequest, match="cdi_dirs: .*" + told):
            EmbeddedRunner(tmp_path / "plugins", cdi_dirs=wrong, **options)


async def test_the_denial_that_a_plugin_failed_of(runner: EmbeddedRunner) -> None:
    result = await runner.run("exits", {"mode": "read_shadow"}, BUDGET)
    assert result.denial_error is not None and result.denial_error.target == "/etc/shadow", result
    assert result.denial_error.witness == "kernel" and result.denial_error.message
    assert result.observation["filesystem"].active and result.observation["filesystem"].witness == "kernel"
    assert result.egress is None and result.audit is None


TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def test_a_trace_context_is_checked(runner: EmbeddedRunner) -> None:
    with pytest.raises(InvalidRequest, match="traceparent: 'abc' is not 00-") as error:
        await runner.run("echo", {}, BUDGET, traceparent="abc")
    assert error.value.code == "traceparent"
    assert (await runner.run("echo", {}, BUDGET, traceparent=TRACE)).ok


async def test_audit_and_metrics(clean: Node, tmp_path: pathlib.Path) -> None:
    registry = prometheus_client.CollectorRegistry()
    options: dict[str, Any] = {**clean.options, "audit_dir": tmp_path / "audit"}
    async with EmbeddedRunner(PLUGINS, **options) as runner:
        registry.register(RunnerCollector(runner))
        result = await runner.run("echo", {}, BUDGET, traceparent=TRACE)
        assert "vortex_" in runner.metrics_text()
        assert any(family.name.startswith("vortex_") for family in registry.collect())
    log = b"".join(path.read_bytes() for path in (tmp_path / "audit").iterdir() if path.is_file())
    assert TRACE.split("-")[1].encode() in log and result.run_id.encode() in log
