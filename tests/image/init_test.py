#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Init by itself: as a plain process, and as pid 1 of a pid namespace where this user may make one."""
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import tempfile
import time
import unittest

INIT = os.environ["VORTEX_TEST_INIT"]
TOKEN = "0123456789abcdef" * 2
PREFIX = b'\x1e{"vortex":"exit","token":"%s",' % TOKEN.encode()
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "VORTEX_INIT_TOKEN": TOKEN}
# A pid namespace with a /proc of its own, whose first process is init, with the uid and no more power than in the sandbox.
# To the kernel, an id that maps to the host's root would own what belongs to nobody in there.
NOBODY = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
AS_PID_1 = ["unshare", "--user", "--map-user=65532", "--pid", "--fork", "--kill-child", "--mount-proc"]


def record_of(stdout):
    start = stdout.rfind(PREFIX)
    assert start >= 0 and stdout.endswith(b"}\n"), stdout[-200:]
    return json.loads(stdout[start + 1:]), stdout[:start]


def run(*command, init=INIT, prefix=(), **options):
    options.setdefault("env", ENVIRONMENT)
    return subprocess.run([*prefix, init, "--", *command], capture_output=True, timeout=60, **options)


def why_no_namespaces():
    try:
        done = subprocess.run([*AS_PID_1, "true"], capture_output=True, timeout=20, cwd="/", **NOBODY)
    except FileNotFoundError:
        return "unshare is not installed"
    return done.stderr.decode().strip() if done.returncode else ""


class Ends(unittest.TestCase):
    def expect(self, code, key, value, *command):
        done = run(*command)
        record, _ = record_of(done.stdout)
        self.assertEqual((done.returncode, record.get(key)), (code, value), (command, record))
        self.assertEqual(len({"code", "signal", "exec_errno"} & set(record)), 1, record)
        return done, record

    def test_codes(self):
        for code in (0, 3, 127, 137, 255):
            self.expect(code, "code", code, "/bin/sh", "-c", "exit %d" % code)

    def test_signals(self):
        for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV, signal.SIGABRT, signal.SIGPIPE):
            self.expect(128 + number, "signal", int(number), "/bin/sh", "-c", "kill -%d $$" % number)

    def test_what_cannot_be_started(self):
        self.expect(127, "exec_errno", 2, "/no/such/program")
        self.expect(127, "exec_errno", 20, "/dev/null/x")
        with tempfile.NamedTemporaryFile() as file:
            self.expect(126, "exec_errno", 13, file.name)
            os.chmod(file.name, 0o700)
            file.write(b"no program")
            file.flush()
            # Open for writing: ETXTBSY.
            self.expect(126, "exec_errno", 26, file.name)

    def test_the_record_is_byte_exact(self):
        done, record = self.expect(3, "code", 3, "/bin/sh", "-c", "echo text; exit 3")
        self.assertRegex(done.stdout, re.compile(
            rb'\Atext\n' + re.escape(PREFIX) + rb'"code":3,"max_rss_kib":\d+,"user_us":\d+,"system_us":\d+,'
            rb'"seccomp":\d,"no_new_privs":\d,"cap_eff":"[0-9a-f]{16}"}\n\Z'))
        self.assertGreater(record["max_rss_kib"], 100)

    def test_usage(self):
        _, record = self.expect(0, "code", 0, "/usr/bin/python3", "-c", "import time\nwhile time.process_time() < 0.3: pass")
        self.assertGreater(record["user_us"] + record["system_us"], 250_000)

    def test_arguments_and_environment_are_passed_on_without_the_token(self):
        done = run("/usr/bin/python3", "-c", "import os, sys; print(sys.argv[1:], sorted(os.environ)); "
                   "print(b'TOKEN' in open('/proc/self/environ', 'rb').read())", "a b", "",
                   env={**ENVIRONMENT, "LC_ALL": "C.UTF-8"})
        self.assertEqual(record_of(done.stdout)[1], b"['a b', ''] ['LC_ALL', 'PATH']\nFalse\n")

    def test_the_command_leads_a_session_with_default_signals(self):
        def inherit():
            for number in (signal.SIGTERM, signal.SIGPIPE, signal.SIGCHLD, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGTERM})
        done = run("/bin/sh", "-c", "grep -E '^Sig(Blk|Ign)' /proc/self/status; exit 5", preexec_fn=inherit)
        self.assertEqual(record_of(done.stdout)[1], b"SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n")
        self.assertEqual(done.returncode, 5)
        done = run("/usr/bin/python3", "-c", "import os; print(os.getsid(0) == os.getpid() == os.getpgrp())")
        self.assertEqual(record_of(done.stdout)[1], b"True\n")

    def test_the_record_says_what_the_command_inherits(self):
        done = run("/usr/bin/grep", "-E", "^(Seccomp|NoNewPrivs|CapEff):", "/proc/self/status")
        record, said = record_of(done.stdout)
        told = dict(line.split(":\t") for line in said.decode().splitlines())
        self.assertEqual((str(record["seccomp"]), str(record["no_new_privs"]), record["cap_eff"]),
                         (told["Seccomp"], told["NoNewPrivs"], told["CapEff"]))

    def test_the_results_token_leaves_inits_environment_and_reaches_the_command(self):
        env = {**ENVIRONMENT, "VORTEX_RESULT_TOKEN": "f" * 32}
        code = ("import os\nprint(os.environ['VORTEX_RESULT_TOKEN'] == 'f' * 32)\n"
                "try: print(b'f' * 32 in open('/proc/%d/environ' % os.getppid(), 'rb').read())\n"
                "except PermissionError: print('closed')")
        done = run("/usr/bin/python3", "-c", code, env=env)
        # Root may read the environment of a process that is not dumpable.
        self.assertIn(record_of(done.stdout)[1], (b"True\nFalse\n", b"True\nclosed\n"))

    def test_wrong_use(self):
        for env in ({}, {"VORTEX_INIT_TOKEN": "short"}, {"VORTEX_INIT_TOKEN": "X" * 32}):
            done = run("/bin/true", env=env)
            self.assertEqual((done.returncode, done.stdout), (126, b""))
            self.assertIn(b"VORTEX_INIT_TOKEN must be 32", done.stderr)
        done = subprocess.run([INIT, "/bin/true"], capture_output=True, env=ENVIRONMENT)
        self.assertEqual((done.returncode, done.stdout), (126, b""))
        self.assertIn(b"usage: init", done.stderr)


class Streams(unittest.TestCase):
    def test_a_full_non_blocking_pipe_still_gets_the_record(self):
        read_end, write_end = os.pipe()
        # The command fills the pipe and leaves it non-blocking; nobody reads until it has ended.
        code = ("import os\nos.set_blocking(1, False)\n"
                "try:\n  while True: os.write(1, b'x' * 4096)\nexcept BlockingIOError: pass\n")
        process = subprocess.Popen([INIT, "--", "/usr/bin/python3", "-c", code], stdout=write_end, env=ENVIRONMENT)
        os.close(write_end)
        # It is init that waits now, for room: its only child is gone.
        children = "/proc/%d/task/%d/children" % (process.pid, process.pid)
        deadline = time.monotonic() + 30
        started = False
        while time.monotonic() < deadline:
            with open(children) as file:
                present = bool(file.read())
            if started and not present:
                break
            started = started or present
            time.sleep(0.005)
        with os.fdopen(read_end, "rb") as file:
            record, before = record_of(file.read())
        self.assertEqual((process.wait(), record["code"], set(before)), (0, 0, {ord("x")}))

    def test_a_reader_that_is_gone_does_not_change_the_exit_code(self):
        read_end, write_end = os.pipe()
        os.close(read_end)
        process = subprocess.Popen([INIT, "--", "/bin/sh", "-c", "exit 4"], stdout=write_end, env=ENVIRONMENT)
        os.close(write_end)
        self.assertEqual(process.wait(timeout=30), 4)

    def test_the_command_has_the_three_streams_and_nothing_else(self):
        done = run("/bin/ls", "/proc/self/fd", stdin=subprocess.DEVNULL)
        self.assertEqual(record_of(done.stdout)[1].split(), [b"0", b"1", b"2", b"3"])  # 3 is ls's own

    def test_signals_are_forwarded_to_the_group(self):
        # A parent and a child in one group, each says when it is ready and what it got.
        code = ("import os, signal, sys\n"
                "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})\n"
                "child = os.fork()\n"
                "os.write(1, b'ready\\n')\n"
                "got = signal.sigwait({signal.SIGTERM, signal.SIGINT})\n"
                "if child: os.waitpid(child, 0)\n"
                "os.write(1, b'%d\\n' % got)\n"
                "os._exit(7)\n")
        for number in (signal.SIGTERM, signal.SIGINT):
            process = subprocess.Popen([INIT, "--", "/usr/bin/python3", "-c", code], stdout=subprocess.PIPE, env=ENVIRONMENT)
            with process.stdout:
                self.assertEqual([process.stdout.readline() for _ in range(2)], [b"ready\n"] * 2)
                process.send_signal(number)
                stdout = process.stdout.read()
            self.assertEqual(process.wait(timeout=30), 7)
            self.assertTrue(stdout.startswith(b"%d\n" % number * 2), stdout)

    @staticmethod
    def catches_signals(pid):
        with open("/proc/%d/status" % pid) as file:
            return "SigCgt:\t0000000000000000" not in file.read()

    def test_a_signal_at_once_is_not_lost(self):
        # Before, during or after exec: the command ends of it, whenever it comes after init has started.
        for _ in range(20):
            process = subprocess.Popen([INIT, "--", "/bin/sleep", "60"], stdout=subprocess.PIPE, env=ENVIRONMENT)
            while not self.catches_signals(process.pid):
                pass
            process.terminate()
            self.assertEqual(process.wait(timeout=30), 128 + signal.SIGTERM)
            process.stdout.close()


@unittest.skipIf(why_no_namespaces(), "no pid namespace: " + why_no_namespaces())
class AsPid1(unittest.TestCase):
    def setUp(self):
        # The build directory may be closed to nobody.
        place = tempfile.TemporaryDirectory(prefix="vortex-init-")
        self.addCleanup(place.cleanup)
        os.chmod(place.name, 0o755)
        self.as_pid_1 = {"init": shutil.copy(INIT, place.name), "prefix": AS_PID_1, "cwd": "/", **NOBODY}

    def test_everything_left_is_killed_and_the_record_comes_last(self):
        code = ("import os, signal, time\n"
                "for _ in range(5):\n"
                "  if os.fork() == 0:\n"
                "    os.setsid()\n"
                "    if os.fork() == 0:\n"
                "      for n in range(1, 32):\n"
                "        try: signal.signal(n, signal.SIG_IGN)\n"
                "        except (OSError, ValueError): pass\n"
                "      while True: os.write(1, b'still here\\n')\n"
                "    os._exit(0)\n"
                "time.sleep(0.2)\nos._exit(3)\n")
        done = run("/usr/bin/python3", "-c", code, **self.as_pid_1)
        record, before = record_of(done.stdout)
        self.assertEqual((done.returncode, record["code"]), (3, 3))
        self.assertIn(b"still here\n", before)

    def test_a_process_that_forks_as_fast_as_it_can_is_killed(self):
        code = ("import os\nif os.fork(): os._exit(0)\n"
                "while True:\n"
                "  if os.fork(): os._exit(0)\n")
        self.assertEqual(run("/usr/bin/python3", "-c", code, **self.as_pid_1).returncode, 0)

    def test_death_by_its_own_signal_is_seen(self):
        for number in (signal.SIGKILL, signal.SIGABRT):
            done = run("/bin/sh", "-c", "kill -%d $$" % number, **self.as_pid_1)
            self.assertEqual(record_of(done.stdout)[0]["signal"], number)

    def test_with_pids_of_its_own_the_command_cannot_see_init(self):
        place = os.path.dirname(self.as_pid_1["init"])
        code = ("import os\nprint(os.getpid(), os.getppid(), os.getuid(), os.getgid())\n"
                "print(open('/proc/thread-self/status').read().count('CapBnd:\\t0000000000000000'))\n"
                "os.kill(1, 9)")
        done = subprocess.run([os.path.join(place, "init"), "--own-pids", "--", "/usr/bin/python3", "-c", code],
                              capture_output=True, timeout=60, env=ENVIRONMENT, cwd="/", **NOBODY)
        record, said = record_of(done.stdout)
        # The first process of a namespace is immune to itself under Linux; under gVisor it is not.
        self.assertEqual(record["code"], 0, done.stderr)
        self.assertEqual(said.splitlines()[0].split()[:3], [b"1", b"0", b"%d" % NOBODY.get("user", os.getuid())], done.stdout)
        self.assertEqual(said.splitlines()[1], b"1", done.stdout)

    def test_the_token_is_out_of_reach(self):
        code = ("import ctypes, os\n"
                "for p in ('environ', 'mem', 'maps', 'fd', 'root'):\n"
                "  try: (os.listdir if p in ('fd', 'root') else open)('/proc/1/' + p); print(p, 'readable')\n"
                "  except OSError as e: print(p, e.errno)\n"
                "print('ptrace', ctypes.CDLL(None, use_errno=True).ptrace(16, 1, 0, 0))\n")
        done = run("/usr/bin/python3", "-c", code, **self.as_pid_1)
        self.assertEqual(record_of(done.stdout)[1], b"environ 13\nmem 13\nmaps 13\nfd 13\nroot 13\nptrace -1\n", done.stderr)


class Size(unittest.TestCase):
    def test_is_static_and_small(self):
        size = os.path.getsize(INIT)
        print("init: %d kB" % (size // 1024))
        self.assertLess(size, 1 << 20)
        with open(INIT, "rb") as file:
            image = file.read()
        # Program headers of an ELF64 file (elf(5)): none is PT_INTERP, nothing asks for a dynamic loader.
        offset, size, count = (struct.unpack_from(form, image, at)[0] for form, at in (("<Q", 32), ("<H", 54), ("<H", 56)))
        self.assertNotIn(3, [struct.unpack_from("<I", image, offset + i * size)[0] for i in range(count)])


if __name__ == "__main__":
    unittest.main()
