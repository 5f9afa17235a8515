# SPDX-License-Identifier: Apache-2.0
"""`vortexctl run` against the node's own containerd under cgroup v2."""
import json
import shutil

from node import PAYLOAD, census, nothing_left, run
from tap import expect, expect_equal

CLASSES = ("runc", "crun", "gvisor")
# Root's own: the payload belongs to whoever packed it, and a policy of somebody else is refused.
POLICY = shutil.copyfile(PAYLOAD / "policy.yaml", "/run/vortex-test-policy.yaml")


def vortexctl(*words):
    # The libraries that Debian 12 has under other names than this one.
    return run(PAYLOAD / "bin/vortexctl", *words, seconds=600,
               env={"LD_LIBRARY_PATH": str(PAYLOAD / "lib"), "VORTEX_IMAGE": "vortex.local/python:dev",
                    "VORTEX_POLICY": str(POLICY)})


def image():
    output = vortexctl("image", "import", PAYLOAD / "image-layout")
    expect_equal(output.code, 0, output)


def doctor(runtime_class):
    output = vortexctl("doctor")
    line = [line for line in output.out.splitlines() if runtime_class in line]
    expect(output.code == 0 and line, output.code, output.out, output.err)


def example(runtime_class, name, cause):
    directory = PAYLOAD / "examples" / name
    output = vortexctl("run", "--plugin", directory, "--payload", f"@{directory}/payload.json", "--json",
                       "--runtime-class", runtime_class)
    try:
        result = json.loads(output.out)
    except ValueError:
        expect(False, f"no JSON; exit code {output.code}", output.out, output.err)
    text = json.dumps({key: result.get(key) for key in ("termination", "limits", "usage", "timings", "output")})
    expect_equal(result["termination"]["cause"], cause, text, output.err)
    return result


def counts_words(runtime_class):
    result = example(runtime_class, "word-count", "ok")
    expect(result.get("output"), json.dumps(result))


def check(tap):
    tap.check("vortexctl: the runtime image is imported", image)
    for runtime_class in CLASSES:
        before = census()
        tap.check(f"vortexctl, {runtime_class}: doctor names the class", doctor, runtime_class)
        tap.check(f"vortexctl, {runtime_class}: word-count: ok, with its output", counts_words, runtime_class)
        tap.check(f"vortexctl, {runtime_class}: too-greedy: oom", example, runtime_class, "too-greedy", "oom")
        tap.check(f"vortexctl, {runtime_class}: sleeper: deadline", example, runtime_class, "sleeper", "deadline")
        tap.check(f"vortexctl, {runtime_class}: nothing is left behind", nothing_left, before)
