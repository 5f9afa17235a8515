# SPDX-License-Identifier: Apache-2.0
"""A pod of two containers through the Kubernetes container runtime interface, as a kubelet makes it.

On the node's network, so that no network plugin is needed.
"""
import os
import pathlib

import grpc

import runsc_panic
from messages import message, parse
from node import (PATIENCE, PAYLOAD, census, containerd_kill, containerd_start, fact, must, nothing_left, shims,
                  wait_for)
from tap import Failed, Skip, expect, expect_equal

IMAGE = "vortex.local/node:test"
NODE = 2
RUNNING, EXITED = 1, 2


class Cri:
    def __init__(self):
        self.connect()

    def connect(self):
        self.channel = grpc.insecure_channel("unix:///run/containerd/containerd.sock",
                                             options=[("grpc.default_authority", "localhost")])

    def call(self, method, **fields):
        request = message(f"runtime.v1.{method}Request")(**fields)
        answer = message(f"runtime.v1.{method}Response")
        function = self.channel.unary_unary(f"/runtime.v1.RuntimeService/{method}",
                                            request_serializer=lambda one: one.SerializeToString(),
                                            response_deserializer=lambda data: parse(answer(), data))
        try:
            return function(request, timeout=PATIENCE)
        except grpc.RpcError as error:
            raise Failed(f"{method}: {error.code()}: {error.details()}") from error


    def ready(self):
        try:
            return self.call("Version").runtime_name
        except Failed:
            return None


class Pod:
    """One pod's steps, each a check of its own; a later one is skipped when it has nothing to stand on."""

    def __init__(self, cri, handler, cgroup_parent, attempt=0):
        self.cri, self.handler, self.id, self.containers = cri, handler, None, {}
        namespaces = {"network": NODE, "pid": 1, "ipc": 0}
        self.namespaces = namespaces
        self.logs = pathlib.Path("/var/log/pods") / handler
        self.config = {
            "metadata": {"name": "pod", "uid": f"uid-{handler}", "namespace": "default",
                         "attempt": attempt},
            "log_directory": str(self.logs), "labels": {"app": "node"},
            "linux": {"cgroup_parent": cgroup_parent, "security_context": {"namespace_options": namespaces}}}

    def need(self, *names):
        for name in names:
            if name not in self.containers:
                raise Skip(f"container {name} was not made")

    def run(self):
        self.logs.mkdir(parents=True, exist_ok=True)
        self.id = self.cri.call("RunPodSandbox", config=self.config, runtime_handler=self.handler).pod_sandbox_id
        state = self.cri.call("PodSandboxStatus", pod_sandbox_id=self.id).status.state
        expect_equal(state, 0, "0 is ready")

    def start(self, name, *command, memory=0):
        if self.id is None:
            raise Skip("the sandbox was not made")
        config = {"metadata": {"name": name, "attempt": 0}, "image": {"image": IMAGE}, "command": list(command),
                  "log_path": f"{name}.log",
                  "linux": {"resources": {"memory_limit_in_bytes": memory},
                            "security_context": {"namespace_options": self.namespaces}}}
        made = self.cri.call("CreateContainer", pod_sandbox_id=self.id, config=config,
                             sandbox_config=self.config).container_id
        self.containers[name] = made
        self.cri.call("StartContainer", container_id=made)

    def status(self, name):
        return self.cri.call("ContainerStatus", container_id=self.containers[name]).status

    def two_containers(self):
        self.start("a", "/work", "stay")
        self.start("b", "/work", "sleep", "100000")
        expect_equal(self.status("a").state, RUNNING)
        expect_equal(self.status("b").state, RUNNING)

    def one_shim(self):
        self.need("a", "b")
        found = shims("-namespace k8s.io ")
        expect_equal(len(found), 1, found)
        # All three tasks' processes are its children.
        shim = next(iter(found))
        tasks = must("ctr", "-n", "k8s.io", "task", "ls").splitlines()[1:]
        expect_equal(len(tasks), 3, tasks)
        for row in tasks:
            parent = fact(f"/proc/{row.split()[1]}/stat").rsplit(")", 1)[1].split()[1]
            expect_equal(int(parent), shim, row)

    def one_sandbox(self):
        self.one_shim()
        pids = {row.split()[1] for row in must("ctr", "-n", "k8s.io", "task", "ls").splitlines()[1:]}
        expect_equal(len(pids), 1, pids)

    def own_cgroups(self):
        """Each container has a cgroup of its own below the pod's parent."""
        self.need("a", "b")
        tasks = {row.split()[0]: row.split()[1] for row in must("ctr", "-n", "k8s.io", "task", "ls").splitlines()[1:]}
        parent = self.config["linux"]["cgroup_parent"].rsplit("/", 1)[-1]
        seen = set()
        for made in [self.id, self.containers["a"], self.containers["b"]]:
            path = fact(f"/proc/{tasks[made]}/cgroup")
            expect(parent in path and made in path, path)
            seen.add(path)
        expect_equal(len(seen), 3, seen)

    def executes(self):
        self.need("a")
        answer = self.cri.call("ExecSync", container_id=self.containers["a"], cmd=["/work", "both"], timeout=200)
        expect_equal((answer.stdout, answer.stderr, answer.exit_code), (b"to stdout\n", b"to stderr\n", 0))
        answer = self.cri.call("ExecSync", container_id=self.containers["b"], cmd=["/work", "exit", "3"], timeout=200)
        expect_equal(answer.exit_code, 3)

    def logs_are_written(self):
        self.start("talks", "/work", "both")
        wait_for("it ends", lambda: self.status("talks").state == EXITED)
        text = (self.logs / "talks.log").read_text()
        expect("stdout F to stdout\n" in text and "stderr F to stderr\n" in text, text)
        expect_equal((self.status("talks").exit_code, self.status("talks").reason), (0, "Completed"))

    def stats(self):
        self.need("b")
        answer = self.cri.call("ContainerStats", container_id=self.containers["b"])
        expect(answer.stats.cpu.usage_core_nano_seconds.value > 0, answer)
        expect(answer.stats.memory.working_set_bytes.value > 0, answer)

    def update(self):
        self.need("b")
        self.cri.call("UpdateContainerResources", container_id=self.containers["b"],
                      linux={"memory_limit_in_bytes": 50331648})
        tasks = {row.split()[0]: row.split()[1] for row in must("ctr", "-n", "k8s.io", "task", "ls").splitlines()[1:]}
        path = fact(f"/proc/{tasks[self.containers['b']]}/cgroup").split("::")[1]
        expect_equal(fact(f"/sys/fs/cgroup{path}/memory.max"), "50331648")

    def out_of_memory(self):
        # More than once: under systemd the cgroup, and with it the evidence, is gone in a moment.
        for name in ("greedy-1", "greedy-2", "greedy-3", "greedy-4"):
            self.start(name, "/work", "memory", "100", memory=20971520)
            wait_for("it ends", lambda name=name: self.status(name).state == EXITED)
            expect_equal(self.status(name).exit_code, 137, name)
            # The event reaches CRI by another way than the exit does.
            wait_for(f"{name}: reason OOMKilled", lambda name=name: self.status(name).reason == "OOMKilled", 20)

    def found_again(self):
        self.need("a", "b")
        before = shims("-namespace k8s.io ")
        containerd_kill()
        containerd_start()
        self.cri.connect()
        # CRI answers a moment after the rest.
        wait_for("the service answers", self.cri.ready, 60)
        expect_equal(self.cri.call("PodSandboxStatus", pod_sandbox_id=self.id).status.state, 0, "0 is ready")
        expect_equal((self.status("a").state, self.status("b").state), (RUNNING, RUNNING))
        expect_equal(shims("-namespace k8s.io "), before)
        answer = self.cri.call("ExecSync", container_id=self.containers["a"], cmd=["/work", "exit", "3"], timeout=200)
        expect_equal(answer.exit_code, 3)

    def stop_containers(self):
        self.need("a", "b")
        self.cri.call("StopContainer", container_id=self.containers["b"], timeout=120)
        expect_equal((self.status("b").state, self.status("b").exit_code), (EXITED, 9))
        # This one is deaf to SIGTERM.
        self.cri.call("StopContainer", container_id=self.containers["a"], timeout=2)
        expect_equal((self.status("a").state, self.status("a").exit_code), (EXITED, 137))

    def remove(self):
        if self.id is None:
            raise Skip("the sandbox was not made")
        for made in self.containers.values():
            self.cri.call("RemoveContainer", container_id=made)
        self.cri.call("StopPodSandbox", pod_sandbox_id=self.id)
        self.cri.call("RemovePodSandbox", pod_sandbox_id=self.id)
        wait_for("its shim is gone", lambda: not shims("-namespace k8s.io "), 60)


def import_image():
    must("ctr", "-n", "k8s.io", "image", "import", PAYLOAD / "node.tar")


def prepare(tap):
    tap.check("cri: our image with pause is imported", import_image)
    cri = Cri()
    tap.check("cri: the service answers", lambda: expect(cri.call("Version").runtime_name == "containerd"))
    return cri


def check(tap):
    cri = prepare(tap)
    for handler, parent in (("vortex", "/kubepods/pod1"),
                            ("vortex-systemd", "/kubepods.slice/kubepods-pod1.slice"),
                            ("vortex-crun", "/kubepods.slice/kubepods-pod2.slice")):
        before = census()
        pod = Pod(cri, handler, parent)
        for what, step in (
                ("a sandbox is ready", pod.run), ("two containers run in it", pod.two_containers),
                ("one shim is the parent of all three", pod.one_shim),
                ("each has a cgroup below the pod's", pod.own_cgroups),
                ("ExecSync: streams and exit code", pod.executes), ("a container's log", pod.logs_are_written),
                ("stats", pod.stats), ("a new memory limit is in force", pod.update),
                ("memory limit: OOMKilled", pod.out_of_memory),
                ("containerd killed -9 and started: the pod is found again", pod.found_again),
                ("stop: by SIGTERM, and by SIGKILL after the timeout", pod.stop_containers),
                ("all is removed, the shim too", pod.remove)):
            tap.check(f"cri, {handler}: {what}", step)
        tap.check(f"cri, {handler}: nothing is left behind", removed, parent, before)
    check_gvisor(tap, cri)


def check_gvisor(tap, cri):
    """Containers inside one sandbox: no cgroups of their own, and limits only for the whole."""
    handler, parent = "vortex-gvisor", "/kubepods/pod3"
    before = census()
    texts = []
    while True:
        outcomes, text = gvisor_pod(cri, handler, parent, len(texts) + 1)
        if text is None:
            break
        texts.append(text)
        runsc_panic.told(text)
        if not runsc_panic.tolerant or len(texts) == runsc_panic.ATTEMPTS:
            break
    for what, problem, excused in outcomes:
        if excused and runsc_panic.tolerant and texts:
            problem = runsc_panic.skip_for(texts)
        tap.check(f"cri, {handler}: {what}", tell, problem)
    tap.check(f"cri, {handler}: nothing is left behind", removed, parent, before)


def tell(problem):
    if problem is not None:
        raise problem


def gvisor_pod(cri, handler, parent, attempt):
    """One pod's life: [(step, what went wrong, whether the sandbox had died of runsc's own panic by then)], and that
    panic when it spoiled a step and nothing else did."""
    pod, outcomes, text = Pod(cri, handler, parent, attempt), [], None
    before = len(runsc_panic.panics())
    for what, step in (
            ("a sandbox is ready", pod.run), ("two containers run in it", pod.two_containers),
            ("one shim is the parent of the one sandbox of all three", pod.one_sandbox),
            ("ExecSync: streams and exit code", pod.executes), ("a container's log", pod.logs_are_written),
            ("stats", pod.stats),
            ("containerd killed -9 and started: the pod is found again", pod.found_again),
            ("stop: by SIGTERM, and by SIGKILL after the timeout", pod.stop_containers),
            ("all is removed, the shim too", pod.remove)):
        try:
            step()
            outcomes.append((what, None, False))
        except Exception as problem:  # told later, by the tap
            if not isinstance(problem, Skip):
                text = text or runsc_panic.panic_since(before)
            # Whatever the sandbox died of, removing the pod is for us to do.
            outcomes.append((what, problem, text is not None and step != pod.remove))
    spoiled = all(excused for _, problem, excused in outcomes if problem is not None)
    return outcomes, text if spoiled else None


def removed(path, before):
    # The pod's own cgroup is made and removed by a kubelet; here the runtime made it on the way.
    for directory in (path, os.path.dirname(path)):
        if directory.endswith(".slice"):
            must("systemctl", "stop", os.path.basename(directory))
        elif os.path.isdir("/sys/fs/cgroup" + directory):
            os.rmdir("/sys/fs/cgroup" + directory)
    nothing_left(before)
