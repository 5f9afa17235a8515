#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What tests/node excuses on a node whose runsc panics of itself, and what it never does."""
import pathlib
import sys
import tempfile
import types
import unittest
from unittest import mock

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).parent / "node"))
# Of the node; nothing here talks CRI.
sys.modules.setdefault("grpc", types.ModuleType("grpc"))
sys.modules["messages"] = types.SimpleNamespace(message=None, parse=None)
import cri_checks  # noqa: E402
import runsc_panic  # noqa: E402
from tap import Failed, Skip, Tap  # noqa: E402

LINE = 'level=error msg="container c: the sandbox died: panic: running on goroutine 7 (task is 0)" runtime=x'


class Node(unittest.TestCase):
    """With a log of containerd's that the checks write themselves."""

    def setUp(self):
        self.log, self.calls = [], 0
        for patch in (mock.patch.object(runsc_panic, "panics", lambda: list(self.log)),
                      mock.patch.object(runsc_panic.time, "sleep"), mock.patch.object(runsc_panic, "told"),
                      mock.patch.object(runsc_panic, "tolerant", True)):
            patch.start()
            self.addCleanup(patch.stop)

    def step(self, *plan):
        """One that goes by the plan, a letter a call: o fine, p a panic spoils it, f another failure."""
        def one():
            what = plan[min(self.calls, len(plan) - 1)]
            self.calls += 1
            if what == "p":
                self.log.append(LINE)
            if what != "o":
                raise Failed(f"call {self.calls}")
        return one


class Retried(Node):
    def test_a_failure_without_a_panic_is_one_at_once(self):
        self.log.append(LINE)  # of before
        with self.assertRaisesRegex(Failed, "call 1"):
            runsc_panic.retried(self.step("f", "o"))

    def test_a_panic_is_tried_again(self):
        runsc_panic.retried(self.step("p", "o"))
        self.assertEqual(self.calls, 2)

    def test_a_failure_after_a_panic_is_one(self):
        with self.assertRaisesRegex(Failed, "call 2"):
            runsc_panic.retried(self.step("p", "f"))

    def test_skipped_after_the_third_with_what_the_log_said(self):
        with self.assertRaisesRegex(Skip, r"^3 times: (panic: running on goroutine 7 \(task is 0\)(; )?){3}$"):
            runsc_panic.retried(self.step("p"))

    def test_nothing_is_excused_with_a_sound_or_a_repaired_runsc(self):
        with mock.patch.object(runsc_panic, "tolerant", False), self.assertRaises(Failed):
            runsc_panic.retried(self.step("p", "o"))


class GvisorPod(Node):
    def verdicts(self, stats, remove):
        """{step: verdict} of a pod of which those two steps go by their plan."""
        tap, seen = mock.create_autospec(Tap, instance=True), {}

        def check(what, function, *arguments):
            try:
                function(*arguments)
                seen[what.split(": ", 1)[1]] = "ok"
            except (Failed, Skip) as problem:
                seen[what.split(": ", 1)[1]] = type(problem).__name__
        tap.check.side_effect = check
        steps = {name: lambda _: None for name in ("run", "two_containers", "one_sandbox", "executes",
                                                   "logs_are_written", "found_again", "stop_containers")}
        steps["stats"], steps["remove"] = lambda _: stats(), lambda _: remove()
        with mock.patch.multiple(cri_checks.Pod, **steps), mock.patch.object(cri_checks, "census", set), \
                mock.patch.object(cri_checks, "removed"):
            cri_checks.check_gvisor(tap, None)
        return seen

    def test_only_the_spoiled_step_is_skipped(self):
        seen = self.verdicts(self.step("p"), lambda: None)
        self.assertEqual(self.calls, 3)
        self.assertEqual({name for name, verdict in seen.items() if verdict != "ok"}, {"stats"})
        self.assertEqual(seen["stats"], "Skip")

    def test_a_second_pod_may_pass(self):
        self.assertEqual(set(self.verdicts(self.step("p", "o"), lambda: None).values()), {"ok"})

    def test_another_failure_is_told(self):
        self.assertEqual(self.verdicts(self.step("f"), lambda: None)["stats"], "Failed")
        self.assertEqual(self.calls, 1)

    def test_removing_the_pod_is_never_excused(self):
        seen = self.verdicts(lambda: None, self.step("p"))
        self.assertEqual(seen["all is removed, the shim too"], "Failed")
        self.assertEqual(self.calls, 1)

    def test_nothing_is_excused_with_a_sound_or_a_repaired_runsc(self):
        with mock.patch.object(runsc_panic, "tolerant", False):
            self.assertEqual(self.verdicts(self.step("p", "o"), lambda: None)["stats"], "Failed")


class Repair(unittest.TestCase):
    def program(self, go, number):
        path = pathlib.Path(self.directory) / "runsc"
        path.write_bytes(b"code" + runsc_panic.READ + number.to_bytes(4, "little") + b"code" +
                         b"\xff Go buildinf:" + b"\x08\x02" + bytes(16) + bytes([len(go)]) + go.encode())
        return path

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name

    def test_which_runsc_is_faulty(self):
        for go, number, faulty in (("go1.26.2", 160, True), ("go1.25", 160, True), ("go1.24.4", 160, False),
                                   ("go1.26.2", 152, False), ("devel", 160, False)):
            self.assertEqual(runsc_panic.is_faulty(self.program(go, number)), faulty, (go, number))

    def test_one_number_differs_in_the_copy(self):
        program = self.program("go1.26.2", 160)
        copy = program.with_name("copy")
        runsc_panic.repair(program, copy)
        pairs = [pair for pair in zip(program.read_bytes(), copy.read_bytes(), strict=True) if pair[0] != pair[1]]
        self.assertEqual(pairs, [(160, 152)])
        with self.assertRaises(Failed):
            runsc_panic.repair(copy, program)


if __name__ == "__main__":
    unittest.main()
