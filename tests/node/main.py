# SPDX-License-Identifier: Apache-2.0
"""Runs inside the node. Its words name groups; without any, all run."""
import os
import pathlib
import re
import shutil
import sys
import traceback

import node
import runsc_panic
from tap import Tap, expect

GROUPS = ("runc", "crun", "runsc", "systemd", "restart", "cri", "client", "repaired")
DROP_IN = """[Service]
# These tests kill it and start it when they mean to.
Restart=no
"""


def cgroup_is_v2():
    expect(node.fact("/sys/fs/cgroup/cgroup.controllers").split(), "no /sys/fs/cgroup/cgroup.controllers")
    expect(not pathlib.Path("/sys/fs/cgroup/memory").exists(), "a v1 hierarchy is mounted too")


def shim_is_installed():
    shutil.copy(node.PAYLOAD / "bin/containerd-shim-vortex-v2", node.SHIM)
    os.chmod(node.SHIM, 0o755)
    node.must(node.SHIM, "-v")


def containerd_is_configured():
    drop_in = pathlib.Path("/run/systemd/system/containerd.service.d")
    drop_in.mkdir(parents=True, exist_ok=True)
    (drop_in / "node.conf").write_text(DROP_IN)
    name = "containerd-1.toml" if node.major() == 1 else "containerd-2.toml"
    pathlib.Path("/etc/containerd").mkdir(exist_ok=True)
    shutil.copy(node.PAYLOAD / "node" / name, "/etc/containerd/config.toml")
    node.must("systemctl", "daemon-reload")
    node.must("systemctl", "restart", "containerd")
    node.wait_for("containerd answers", node.containerd_answers)


def prepare(tap):
    node.ROOTFS.mkdir(parents=True)
    for program in ("work", "forks", "pause"):
        shutil.copy(node.PAYLOAD / "rootfs" / program, node.ROOTFS / program)
    tap.note("; ".join(node.version_of(*words) for words in (
        ["uname", "-sr"], ["containerd", "--version"], ["runc", "--version"], ["crun", "--version"],
        ["runsc", "--version"], ["systemctl", "--version"])))
    tap.check("the node has cgroup v2 alone", cgroup_is_v2)
    tap.check("our shim beside containerd's", shim_is_installed)
    tap.check("containerd with our runtime handlers answers", containerd_is_configured)


def group(name):
    """check(tap) of a group, imported late: one broken module is one failed check."""
    if name in ("runc", "crun", "runsc"):
        module = __import__("ctr_checks")
        return lambda tap: module.check(tap, name)
    return __import__(f"{name}_checks").check


def main(words):
    tap = Tap()
    prepare(tap)
    runsc_panic.tolerant = runsc_panic.is_faulty(runsc_panic.PACKAGED)
    for name in words or GROUPS:
        tap.note(f"group {name}")
        try:
            group(name)(tap)
        except Exception:  # the groups after it still run
            text = traceback.format_exc()
            tap.check(f"{name}: the group runs to its end", lambda text=text: expect(False, text))
    if tap.failed:
        print("# the end of containerd's log, but for what is of no weight:")
        log = node.run("journalctl", "-u", "containerd", "-o", "cat").out.splitlines()
        for line in [line for line in log if "level=info" not in line][-80:]:
            print("#   " + re.sub(r"[^\x20-\x7e]", "?", line)[:400])
    return tap.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
