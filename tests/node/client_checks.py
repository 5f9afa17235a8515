# SPDX-License-Identifier: Apache-2.0
"""`vortexctl run` against the node's own containerd under cgroup v2."""
import http.server
import json
import pathlib
import re
import shutil
import threading

from node import PAYLOAD, WORK, census, fact, nothing_left, run
from runsc_panic import retried
from tap import expect, expect_equal

CLASSES = ("runc", "crun", "gvisor")
# Root's own: the payload belongs to whoever packed it, and a policy of somebody else is refused.
POLICY = shutil.copyfile(PAYLOAD / "policy.yaml", "/run/vortex-test-policy.yaml")


def vortexctl(*words, policy=POLICY):
    # The libraries that Debian 12 has under other names than this one.
    return run(PAYLOAD / "bin/vortexctl", *words, seconds=600,
               env={"LD_LIBRARY_PATH": str(PAYLOAD / "lib"), "VORTEX_IMAGE": "vortex.local/python:dev",
                    "VORTEX_POLICY": str(policy),
                    "VORTEX_EGRESS_PROXY": str(WORK / "egress-proxy")})


def proxy_is_installed():
    """It is started with an empty environment, so it has to find those libraries by itself."""
    program = WORK / "egress-proxy"
    program.write_text(f"#!/bin/sh\nLD_LIBRARY_PATH={PAYLOAD}/lib exec {PAYLOAD}/bin/vortex-egress-proxy \"$@\"\n")
    program.chmod(0o755)


def image():
    output = vortexctl("image", "import", PAYLOAD / "image-layout")
    expect_equal(output.code, 0, output)


def doctor(runtime_class):
    """It has run a plugin in the class."""
    output = vortexctl("doctor")
    line = [line for line in output.out.splitlines() if f"runtime class {runtime_class}" in line]
    expect(output.code == 0 and len(line) == 1 and "a plugin ran in" in line[0], output.code, output.out, output.err)


def example(runtime_class, name, cause, *words, **how):
    if runtime_class == "gvisor":
        return retried(ends_with, runtime_class, name, cause, *words, **how)
    return ends_with(runtime_class, name, cause, *words, **how)


def ends_with(runtime_class, name, cause, *words, **how):
    result, output = attempt(runtime_class, name, *words, **how)
    text = json.dumps({key: result.get(key) for key in ("termination", "limits", "usage", "timings", "output")})
    expect_equal(result["termination"]["cause"], cause, text, output.err)
    return result


def attempt(runtime_class, name, *words, payload=None, **how):
    directory = PAYLOAD / "examples" / name
    output = vortexctl("run", "--plugin", directory, "--payload", payload or f"@{directory}/payload.json", "--json",
                       "--runtime-class", runtime_class, *words, **how)
    try:
        result = json.loads(output.out)
    except ValueError:
        expect(False, f"no JSON; exit code {output.code}", output.out, output.err)
    return result, output


def counts_words(runtime_class):
    result = example(runtime_class, "word-count", "ok")
    expect(result.get("output"), json.dumps(result))


def apparmor_is_on():
    expect_equal(fact("/sys/module/apparmor/parameters/enabled"), "Y")
    expect("apparmor" in fact("/sys/kernel/security/lsm").split(","), fact("/sys/kernel/security/lsm"))


def controls_are_read_back(runtime_class):
    """What the shim read of the kernel before the start, and what it could not read."""
    result = example(runtime_class, "word-count", "ok")
    controls = {one["name"]: one["readback"] or "" for one in result["controls"]}
    text = json.dumps(result["controls"])
    for name in ("memory_bytes", "swap_bytes", "pids", "millicpus"):
        expect(controls.get(name, "").isdigit() or result["limits"].get(name, {}).get("readback"), name, text)
    if runtime_class == "gvisor":
        return
    # BPF_PROG_QUERY of the container's cgroup, by the shim.
    found = re.fullmatch(r"(\d+) device programs; their rules are not readable", controls.get("devices", ""))
    expect(found and int(found[1]) > 0, "devices", text)
    expect("Seccomp: 2" in controls.get("seccomp", ""), "seccomp", text)
    unread = [name for name, words in controls.items() if words.startswith("not readable")]
    expect_equal(unread, [], text)


def denial_is_told(runtime_class):
    result = example(runtime_class, "reads-passwd", "plugin_error", "--watch", "all")
    text = json.dumps({key: result.get(key) for key in ("denials", "observation", "denial_error")})
    witness = "sentry" if runtime_class == "gvisor" else "kernel"
    found = [one for one in result["denials"] if (one["control"], one["action"], one["target"], one["witness"]) ==
             ("filesystem", "open", "/etc/passwd", witness)]
    expect(len(found) == 1 and found[0]["errno"] == 2, text)


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"a page of the node"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def egress(runtime_class):
    """The granted name is served by the node itself; another is refused, and so is every other way."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    hosts = pathlib.Path("/etc/hosts")
    before = hosts.read_text()
    hosts.write_text(before + "127.0.0.1 origin.test\n")
    bundle = PAYLOAD / "examples/fetcher"
    (bundle / "vortex-plugin.yaml").write_text(
        "id: fetcher\nversion: 1.0.0\nentrypoint: main:run\nlimits: {budget: 20m}\n"
        f"network: {{allow: [{{host: origin.test, port: {port}}}]}}\n")
    policy = WORK / "egress-policy.yaml"
    policy.write_text(
        (PAYLOAD / "policy.yaml").read_text() +
        "allow: [{plugin: fetcher, reason: test, expires: 2099-01-01, "
        f"egress: [{{host: origin.test, port: {port}}}], address_ranges: [127.0.0.1/32]}}]\n")
    granted, other = f"http://origin.test:{port}/", f"http://other.test:{port}/"
    payload = json.dumps({"urls": [granted, other], "tcp": [["192.0.2.1", 80]]})
    try:
        result = example(runtime_class, "fetcher", "ok", payload=payload, policy=policy)
    finally:
        hosts.write_text(before)
        server.shutdown()
        server.server_close()
    output = result["output"] if isinstance(result["output"], dict) else json.loads(result["output"])
    text = json.dumps({key: result.get(key) for key in ("output", "denials", "observation")})
    expect_equal(output["fetched"][granted], {"status": 200, "body": "a page of the node"}, text)
    expect("egress.host" in json.dumps(output["fetched"][other]), text)
    expect(output["tcp"]["192.0.2.1:80"] != "ok", text)
    expect([one for one in result["denials"] if one["witness"] == "proxy" and "other.test" in one["target"]], text)


def prepare(tap):
    tap.check("vortexctl: the runtime image is imported", image)
    tap.check("vortexctl: the egress proxy has a starter", proxy_is_installed)


def check(tap):
    prepare(tap)
    tap.check("vortexctl: AppArmor is on in this node's kernel", apparmor_is_on)
    for runtime_class in CLASSES:
        check_class(tap, runtime_class)


def check_class(tap, runtime_class):
    before = census()
    tap.check(f"vortexctl, {runtime_class}: doctor finds the class ready",
              *([retried] if runtime_class == "gvisor" else []), doctor, runtime_class)
    tap.check(f"vortexctl, {runtime_class}: word-count: ok, with its output", counts_words, runtime_class)
    tap.check(f"vortexctl, {runtime_class}: too-greedy: oom", example, runtime_class, "too-greedy", "oom")
    tap.check(f"vortexctl, {runtime_class}: sleeper: deadline", example, runtime_class, "sleeper", "deadline")
    tap.check(f"vortexctl, {runtime_class}: every control is read back", controls_are_read_back, runtime_class)
    tap.check(f"vortexctl, {runtime_class}: reads-passwd: the denial, by its witness", denial_is_told, runtime_class)
    tap.check(f"vortexctl, {runtime_class}: egress: the granted host, and nothing else", egress, runtime_class)
    tap.check(f"vortexctl, {runtime_class}: nothing is left behind", nothing_left, before)
