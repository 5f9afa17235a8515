# SPDX-License-Identifier: Apache-2.0
"""examples/vortex-app on the real thing: what docs/user/python.md shows of it is what it prints."""

from __future__ import annotations

import os
import subprocess
import sys

from conftest import SOURCE, Node

ENVIRONMENT = {
    "VORTEX_CONTAINERD_ADDRESS": "address",
    "VORTEX_STATE_DIR": "state_dir",
    "VORTEX_DATA_DIR": "data_dir",
    "VORTEX_IMAGE": "image",
    "VORTEX_CGROUP_PARENT": "cgroup_parent",
}

EXPECTED = {
    "tag-cloud": "returned [{'tag': 'python', 'count': 3}",
    "ledger": "returned {'port': 443, 'balance_cents': 1152921504606847826}",
    "hostile": "returned {'read_host_secret': 'No such file or directory', 'write_own_code': '",
    "heavy": "oom: ",
    "rates": "policy_denied: [network.",
    "upscale": "policy_denied: [gpus.",
    "broken": "plugin_error: ZeroDivisionError: division by zero",
    "checksum": "returned {'fnv1a': ",
}


def test_the_example_application(clean: Node) -> None:
    environment = os.environ | {name: clean.options[option] for name, option in ENVIRONMENT.items()}
    environment.pop("VORTEX_POLICY", None)
    done = subprocess.run(
        [sys.executable, SOURCE / "examples/vortex-app/app.py"], env=environment, capture_output=True, text=True, timeout=120
    )
    print(done.stdout)
    assert done.returncode == 0, done.stderr
    lines = {line.split()[0]: line.split(maxsplit=1)[1] for line in done.stdout.splitlines() if not line.startswith(" ")}
    assert lines.keys() == EXPECTED.keys()
    for plugin, text in EXPECTED.items():
        assert lines[plugin].startswith(text), lines[plugin]
    assert "DONE" not in lines["hostile"]
