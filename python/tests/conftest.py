# SPDX-License-Identifier: Apache-2.0
"""A private containerd for the session, and a look at what is left on the node."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from vortex_sandbox import EmbeddedRunner

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BIN = SOURCE / "build/release/bin"
PLUGINS = SOURCE / "tests/plugins"
IMAGE = "vortex.local/python:test"

# Strangers run; they are what is tested.
POLICY = """version: 1
allow_untrusted: true
untrusted: {runtime_classes: [runc, crun, gvisor, kata]}
"""


def why_no_node() -> str:
    if os.geteuid() != 0:
        return "needs root"
    if not (BIN / "vortexctl").exists():
        return "needs build/release (./dev build)"
    if not os.environ.get("VORTEX_TEST_IMAGE"):
        return "needs VORTEX_TEST_IMAGE, an image layout; run it by ./dev test"
    return "" if shutil.which("containerd") else "needs containerd"


class Node:
    """A containerd of our own below a directory of our own."""

    def __init__(self, directory: str) -> None:
        self.dir = directory
        self.cgroup_parent = "/vortex-pytest-" + os.path.basename(directory)
        self.options: dict[str, Any] = {
            "address": directory + "/containerd.sock",
            "state_dir": directory + "/run",
            "data_dir": directory + "/data",
            "image": IMAGE,
            "cgroup_parent": self.cgroup_parent,
            "policy": directory + "/policy.yaml",
        }

    def start(self) -> None:
        pathlib.Path(self.options["policy"]).write_text(POLICY)
        subprocess.run([SOURCE / "scripts/private-containerd", "start", self.dir, BIN], check=True)
        layout = os.environ["VORTEX_TEST_IMAGE"]
        command = [BIN / "vortexctl", "image", "import", layout, "--name", IMAGE, "--address", self.options["address"]]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    def stop(self) -> None:
        subprocess.run([SOURCE / "scripts/private-containerd", "stop", self.dir], check=True)
        for root in ["/sys/fs/cgroup", *[entry.path for entry in os.scandir("/sys/fs/cgroup") if entry.is_dir()]]:
            try:
                os.rmdir(root + self.cgroup_parent)
            except OSError:
                pass
        shutil.rmtree(self.dir, ignore_errors=True)

    def _ctr(self, *args: str) -> int:
        command = ["ctr", "--address", self.options["address"], "-n", "vortex", *args]
        return len(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines())

    def census(self) -> dict[str, int]:
        """What there is of runs, by kind."""
        cgroups = 0
        for root in ["/sys/fs/cgroup", *[entry.path for entry in os.scandir("/sys/fs/cgroup") if entry.is_dir()]]:
            parent = pathlib.Path(root + self.cgroup_parent)
            cgroups += sum(path.is_dir() for path in parent.iterdir()) if parent.is_dir() else 0
        runs = pathlib.Path(self.options["state_dir"], "runs")
        return {
            "containers": self._ctr("containers", "ls", "-q"),
            "tasks": self._ctr("tasks", "ls", "-q"),
            "snapshots": self._ctr("snapshots", "ls") - 1,  # a heading
            "leases": self._ctr("leases", "ls", "-q"),
            "mounts": pathlib.Path("/proc/self/mountinfo").read_text().count(self.dir),
            "shims": len(self.shims()),
            "cgroups": cgroups,
            "run directories": len(list(runs.iterdir())) if runs.exists() else 0,
        }

    def shims(self) -> list[int]:
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if b"containerd-shim" in line and self.options["address"].encode() in line:
                found.append(int(entry.name))
        return found

    def await_census(self, wanted: dict[str, int], seconds: float = 10) -> dict[str, int]:
        """The census once it is `wanted`, or the last one: a shim ends after the answer to its last call."""
        end = time.monotonic() + seconds
        while (now := self.census()) != wanted and time.monotonic() < end:
            time.sleep(0.05)
        return now


@pytest.fixture(scope="session")
def node() -> Iterator[Node]:
    reason = why_no_node()
    if reason:
        pytest.skip(reason)
    node = Node(tempfile.mkdtemp(prefix="vx-py-", dir="/tmp"))
    try:
        node.start()
        with EmbeddedRunner(PLUGINS, **node.options) as runner:
            # The first run makes the view of the image, which stays.
            assert runner.run_sync("echo", 1, 20_000).ok
        yield node
    finally:
        node.stop()


@pytest.fixture
def clean(node: Node) -> Iterator[Node]:
    """The node; after the test nothing more may be there than before it."""
    before = node.census()
    yield node
    assert node.await_census(before) == before, "something was left behind"


@pytest.fixture
async def runner(clean: Node) -> AsyncIterator[EmbeddedRunner]:
    async with EmbeddedRunner(PLUGINS, **clean.options) as made:
        yield made
