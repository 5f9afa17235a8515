# SPDX-License-Identifier: Apache-2.0
"""Loads the seccomp profiles of the golden specs into this kernel, with libseccomp as runc does, and asks the kernel.

Needs no root: a filter may be loaded by anyone who has given up new privileges. Exit codes: 0 passed, 1 failed,
77 skipped (the reason is printed)."""
import ctypes
import ctypes.util
import errno
import json
import os
import platform
import signal
import subprocess
import sys
import unittest

SKIP = 77
PR_SET_NO_NEW_PRIVS = 38
ACT_ALLOW, ACT_ERRNO = 0x7FFF0000, 0x00050000
OPERATORS = {"SCMP_CMP_NE": 1, "SCMP_CMP_EQ": 4, "SCMP_CMP_GE": 5, "SCMP_CMP_MASKED_EQ": 7}  # enum scmp_compare, seccomp.h
# Stands for SCMP_ACT_NOTIFY, so that no listener is needed: an errno that no call here gives by itself.
NOTIFIED = "EXFULL"
PLAIN, WATCHED = "runc-unwatched", "runc-default"

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.syscall.restype = ctypes.c_long  # an address of mmap is no int
GOLDEN = ""  # set by main


class Argument(ctypes.Structure):  # struct scmp_arg_cmp
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


def load_library():
    try:
        library = ctypes.CDLL("libseccomp.so.2")
    except OSError as error:
        sys.exit_reason = "libseccomp.so.2 is not there: %s" % error
        return None
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_rule_add_array.argtypes = [
        ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.POINTER(Argument)]
    library.seccomp_load.argtypes = [ctypes.c_void_p]
    return library


LIBRARY = load_library()


def profile(name):
    with open(os.path.join(GOLDEN, name + ".json")) as file:
        return json.load(file)["linux"]["seccomp"]


def number(name):
    return LIBRARY.seccomp_syscall_resolve_name(name.encode())


def action(rule):
    if rule["action"] == "SCMP_ACT_ALLOW":
        return ACT_ALLOW
    if rule["action"] == "SCMP_ACT_NOTIFY":
        return ACT_ERRNO | getattr(errno, NOTIFIED)
    assert rule["action"] == "SCMP_ACT_ERRNO", rule
    return ACT_ERRNO | rule["errnoRet"]


def load_filter(seccomp):
    assert seccomp["defaultAction"] == "SCMP_ACT_ERRNO"
    context = LIBRARY.seccomp_init(ctypes.c_uint32(ACT_ERRNO | seccomp["defaultErrnoRet"]))
    for rule in seccomp["syscalls"]:
        args = rule.get("args", [])
        array = (Argument * max(1, len(args)))(
            *[Argument(a["index"], OPERATORS[a["op"]], a["value"], a["valueTwo"]) for a in args])
        for name in rule["names"]:
            code = LIBRARY.seccomp_rule_add_array(context, action(rule), number(name), len(args), array)
            assert code == 0, (name, code)
    assert LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    code = LIBRARY.seccomp_load(context)
    assert code == 0, code


def outcome(golden, call):
    """What call() returns in a child, under the profile of that golden spec unless None; a string."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setsid()  # vhangup(2) and TIOCSTI find no terminal
            if golden is not None:
                load_filter(profile(golden))
            text = call()
        except BaseException as error:  # pylint: disable=broad-except
            text = "%s: %s" % (type(error).__name__, error)
        os.write(writer, str(text).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        text = file.read().decode()
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        return signal.Signals(os.WTERMSIG(status)).name
    return text


def raw(name, *args):
    """Makes the system call in this process; "ok" or the errno's name."""
    ctypes.set_errno(0)
    values = [ctypes.c_long(a) if isinstance(a, int) else a for a in args]
    result = LIBC.syscall(ctypes.c_long(number(name)), *values)
    if result == 0 and name == "clone":
        os._exit(0)
    return "ok" if result >= 0 else errno.errorcode[ctypes.get_errno()]


BUFFER = ctypes.create_string_buffer(4096)

FAULT = 8           # an address that nothing is at
NOBODY = 0x3FFFFFF  # a process id that nobody has
NOWHERE = b"/nonexistent-vortex"
NOKEY = 0x566F7274   # of System V ipc, that nobody has

# Name of the attack, system call, arguments that do no harm when the call is let through, even to root. EPERM is the
# filter's answer: test_controls shows that the kernel's would be another one.
DENIED = [
    ("a user namespace gives all capabilities over the kernel's mount and network code",
     [("unshare", 0x10000000), ("clone", 0x10000000 | 17, 0, 0, 0, 0)]),
    ("joining another namespace", [("setns", 0, 0)]),
    ("reading and writing other processes",
     [("ptrace", 16, NOBODY, 0, 0), ("process_vm_readv", 1, BUFFER, 1, BUFFER, 1, 0),
      ("process_vm_writev", 1, BUFFER, 1, BUFFER, 1, 0), ("kcmp", NOBODY, NOBODY, 0, 0, 0), ("pidfd_getfd", -1, 0, 0)]),
    ("programs inside the kernel", [("bpf", 0, BUFFER, 128), ("perf_event_open", BUFFER, 0, -1, -1, 0)]),
    ("holding a page fault open widens every race in the kernel", [("userfaultfd", 1)]),
    ("the keyring has no namespace", [("keyctl", 0, -3, 0), ("add_key", b"user", b"x", b"y", 1, -3),
                                     ("request_key", b"user", b"x", None, 0)]),
    ("changing what is mounted",
     [("mount", b"none", NOWHERE, b"tmpfs", 0, None), ("umount2", NOWHERE, 2), ("pivot_root", NOWHERE, NOWHERE),
      ("chroot", NOWHERE), ("fsopen", b"tmpfs", 0), ("fsmount", -1, 0, 0), ("open_tree", -100, NOWHERE, 1),
      ("move_mount", -100, NOWHERE, -100, NOWHERE, 0), ("mount_setattr", -100, NOWHERE, 0, BUFFER, 32)]),
    ("opening files by number instead of by path",
     [("open_by_handle_at", -1, BUFFER, 0), ("name_to_handle_at", -100, b"/", BUFFER, BUFFER, 0)]),
    ("replacing the kernel or its modules",
     [("init_module", BUFFER, 0, b""), ("finit_module", 0, b"", 0), ("delete_module", b"vortex_no_such", 0),
      ("kexec_load", 0, 99, 0, 0xFFFF), ("reboot", 0, 0, 0, 0)]),
    ("the node's clock", [("clock_settime", 0, FAULT), ("settimeofday", FAULT, 0), ("adjtimex", BUFFER),
                          ("clock_adjtime", 0, BUFFER)]),
    ("the node's swap, accounting, quotas, log, names",
     [("swapon", NOWHERE, 0), ("swapoff", NOWHERE), ("acct", FAULT), ("quotactl", 0x80000700, NOWHERE, 0, 0),
      ("syslog", 10, 0, 0), ("sethostname", FAULT, 1), ("setdomainname", FAULT, 1), ("vhangup",)]),
    ("flushing all of the node's disks", [("sync",), ("syncfs", 0)]),
    ("ports and segments of the processor", [("iopl", 3), ("ioperm", 0, 1, 1), ("modify_ldt", 0, BUFFER, 16)]),
    ("device nodes", [("mknod", NOWHERE + b"/null", 0o020666, 0x103),
                      ("mknodat", -100, NOWHERE + b"/disk", 0o060666, 0x800)]),
    ("addresses without randomness", [("personality", 0x0040000)]),
    ("the node's huge pages", [("mmap", 0, 1 << 21, 3, 0x40022, -1, 0), ("memfd_create", b"x", 4),
                               ("shmget", 0, 1 << 21, 0o4600)]),
    # Queues and segments that live in the kernel's heap: what exploits of other bugs arrange it with.
    ("System V and POSIX ipc", [("msgget", NOKEY, 0), ("semget", NOKEY, 0, 0), ("shmget", NOKEY, 4096, 0),
                                ("shmat", -1, 0, 0), ("msgsnd", -1, BUFFER, 1, 0), ("mq_open", FAULT, 0, 0, 0)]),
    ("pages of user memory in pipes", [("vmsplice", -1, BUFFER, 1, 0)]),
    ("a filter program of one's own, also with bits set that the kernel ignores",
     [("prctl", 22, 2, 0, 0, 0), ("prctl", 0x100000016, 2, 0, 0, 0), ("prctl", 59, 99, 0, 0, 0)]),
    ("protocols inside of TCP, also with bits set that the kernel ignores",
     [("setsockopt", -1, 6, 31, BUFFER, 4), ("setsockopt", -1, 0x100000006, 31, BUFFER, 4),
      ("setsockopt", -1, 6, 0x10000001F, BUFFER, 4), ("setsockopt", -1, 132, 1, BUFFER, 4)]),
    ("another personality", [("personality", 8)]),
    ("moving memory between NUMA nodes", [("mbind", 0, 0, 0, BUFFER, 0, 0), ("migrate_pages", NOBODY, 0, BUFFER, BUFFER)]),
    ("typing into a terminal", [("ioctl", 0, 0x5412, b"x"), ("ioctl", 0, 0x100005412, b"x"), ("ioctl", 0, 0x541C, b"x")]),
    ("another filter with a listener of its own", [("seccomp", 1, 8, BUFFER)]),
    ("code of socket families and protocols that nobody needs",
     [("socket", 16, 3, 0), ("socket", 17, 3, 0), ("socket", 38, 5, 0), ("socket", 40, 1, 0), ("socket", 2, 3, 1),
      ("socket", 2, 5, 0), ("socket", 2, 1, 132), ("socket", 2, 1, 262), ("socket", 10, 2, 136), ("socket", 2, 10, 0),
      ("socketpair", 2, 1, 0, BUFFER)]),
]
ABSENT = [("clone3", BUFFER, 88), ("io_uring_setup", 1, BUFFER), ("io_setup", 1, BUFFER), ("cachestat", 0, BUFFER, BUFFER, 0)]
X86_ONLY = {"iopl", "ioperm", "modify_ldt", "mknod"}


# Under the watched profile: what an observer is told (NOTIFIED), and what must not cost a thing.
SEEN = [
    (NOTIFIED, "connect", -1, FAULT, 16), (NOTIFIED, "sendmsg", -1, FAULT, 0), (NOTIFIED, "sendmmsg", -1, FAULT, 1, 0),
    (NOTIFIED, "sendto", -1, FAULT, 1, 0, FAULT, 16), (NOTIFIED, "sendto", -1, FAULT, 1, 0x4000, FAULT, 16),
    (NOTIFIED, "sendto", -1, FAULT, 1, 0x4000, 0, 0), (NOTIFIED, "sendto", -1, FAULT, 1, 0, FAULT << 32, 16),
    ("EBADF", "sendto", -1, FAULT, 1, 0, 0, 0), ("EBADF", "sendto", -1, FAULT, 1, 0x40, 0, 0),
    (NOTIFIED, "bind", -1, FAULT, 16), (NOTIFIED, "linkat", -100, NOWHERE, -100, NOWHERE, 0),
    (NOTIFIED, "fchmodat", -100, NOWHERE, 0), (NOTIFIED, "fchmod", -1, 0),
    (NOTIFIED, "openat", -100, NOWHERE, 0, 0), (NOTIFIED, "openat2", -100, NOWHERE, BUFFER, 24),
    (NOTIFIED, "execve", NOWHERE, 0, 0), (NOTIFIED, "unlinkat", -100, NOWHERE, 0), (NOTIFIED, "setuid", 0),
    (NOTIFIED, "clone", 0x10000000 | 17, 0, 0, 0, 0), ("ok", "clone", 17, 0, 0, 0, 0), ("ENOSYS", "clone3", BUFFER, 88),
    (NOTIFIED, "ptrace", 16, NOBODY, 0, 0), (NOTIFIED, "mknodat", -100, NOWHERE, 0o020666, 0x103),
    (NOTIFIED, "socket", 16, 3, 15), ("EPERM", "socket", 16, 3, 0), (NOTIFIED, "socket", 17, 3, 0),
    (NOTIFIED, "socket", 2, 3, 1), (NOTIFIED, "socket", 2, 3 | 0x80000, 1), (NOTIFIED, "socket", 40, 1, 0),
    ("ok", "socket", 2, 1, 0), ("ok", "socket", 1, 1, 0), (NOTIFIED, "ioctl", 0, 0x5412, b"x"),
    (NOTIFIED, "ioctl", 0, 0x100005412, b"x"), ("EFAULT", "newfstatat", -100, FAULT, BUFFER, 0), ("ok", "getpid"),
]


class SeccompTest(unittest.TestCase):
    def test_every_name_is_known_to_libseccomp(self):
        # An unknown name would be skipped in silence by runc.
        unknown = [name for golden in (PLAIN, WATCHED) for rule in profile(golden)["syscalls"] for name in rule["names"]
                   if number(name) == -1]
        self.assertEqual(unknown, [])

    def test_denied(self):
        for attack, calls in DENIED:
            for name, *args in calls:
                if platform.machine() != "x86_64" and name in X86_ONLY:
                    continue
                with self.subTest(attack=attack, call=(name, *args)):
                    self.assertEqual(outcome(PLAIN, lambda n=name, a=args: raw(n, *a)), "EPERM")

    @unittest.skipUnless(os.geteuid() == 0, "without privileges the kernel itself says EPERM to most")
    def test_controls(self):
        # The same calls without the filter: nobody but the filter says EPERM.
        for attack, calls in DENIED:
            for name, *args in calls:
                with self.subTest(attack=attack, call=(name, *args)):
                    self.assertNotEqual(outcome(None, lambda n=name, a=args: raw(n, *a)), "EPERM")

    def test_watching_opens_nothing(self):
        # What the profile refuses it still refuses, or leaves to an observer that refuses it.
        for golden in (WATCHED, "runc-watched-network"):
            for name, *args in [call for _, calls in DENIED for call in calls]:
                with self.subTest(golden=golden, call=(name, *args)):
                    self.assertIn(outcome(golden, lambda n=name, a=args: raw(n, *a)), ("EPERM", NOTIFIED))
            for name, *args in ABSENT:
                with self.subTest(golden=golden, call=name):
                    self.assertIn(outcome(golden, lambda n=name, a=args: raw(n, *a)), ("ENOSYS", NOTIFIED))

    def test_what_is_watched(self):
        for want, name, *args in SEEN:
            with self.subTest(call=(name, *args)):
                self.assertEqual(outcome(WATCHED, lambda n=name, a=args: raw(n, *a)), want)

    def test_absent(self):
        for name, *args in ABSENT:
            with self.subTest(call=name):
                self.assertEqual(outcome(PLAIN, lambda n=name, a=args: raw(n, *a)), "ENOSYS")

    def test_allowed(self):
        for name, *args in [("getpid",), ("socket", 1, 1, 0), ("socket", 1, 2 | 0x80000, 0), ("socket", 2, 1 | 0x80800, 0),
                            ("socket", 2, 1, 6), ("socket", 10, 2, 17), ("socketpair", 1, 1, 0, BUFFER),
                            ("memfd_create", b"x", 1), ("mmap", 0, 4096, 3, 0x22, -1, 0), ("personality", 0xFFFFFFFF),
                            ("clone", 17, 0, 0, 0, 0), ("prctl", 15, b"x", 0, 0, 0), ("prctl", 38, 1, 0, 0, 0)]:
            with self.subTest(call=(name, *args)):
                self.assertEqual(outcome(PLAIN, lambda n=name, a=args: raw(n, *a)), "ok")

    @unittest.skipUnless(platform.machine() == "x86_64", "the x32 entry points are x86_64's")
    def test_x32_entry_points_kill(self):
        # A foreign entry point has other numbers, so a filter for ours would judge the wrong call.
        def call():
            return LIBC.syscall(ctypes.c_long(0x40000000 | 39))
        self.assertEqual(outcome(PLAIN, call), "SIGSYS")

    def test_a_granted_capability_opens_raw_sockets_alone(self):
        raw_socket = outcome("runc-raw-sockets", lambda: raw("socket", 2, 3, 1))
        # Whether the kernel then agrees depends on who runs the test.
        self.assertIn(raw_socket, ("ok", "EPERM"))
        if os.geteuid() == 0:
            self.assertEqual(raw_socket, "ok")
        self.assertIn(outcome("runc-raw-sockets", lambda: raw("socket", 17, 3, 0)), ("EPERM", NOTIFIED))

    def test_a_granted_device_opens_ioctl(self):
        # ENOTTY is the driver's answer, EPERM the filter's.
        null = os.open("/dev/null", os.O_RDWR)
        self.assertEqual(outcome("runc-device", lambda: raw("ioctl", null, 0xC0104600, BUFFER)), "ENOTTY")
        self.assertEqual(outcome(PLAIN, lambda: raw("ioctl", null, 0xC0104600, BUFFER)), "EPERM")
        os.close(null)

    def test_the_standard_library_works(self):
        def call():
            done = subprocess.run([sys.executable, "-I", "-B", "-c", STANDARD_LIBRARY], stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
            return done.stdout.strip()
        self.assertEqual(outcome(PLAIN, call), "all of it")


STANDARD_LIBRARY = r"""
import asyncio, concurrent.futures, ctypes, multiprocessing, os, socket, sqlite3, ssl, subprocess, sys, tempfile
import multiprocessing.shared_memory
assert subprocess.run([sys.executable, "-I", "-c", "print(42)"], stdout=-1).stdout == b"42\n"
ssl.create_default_context()
with tempfile.TemporaryDirectory() as directory:
    database = sqlite3.connect(directory + "/x.db")
    database.execute("pragma journal_mode=wal")
    database.execute("create table t(a)")
    database.commit()
    database.close()
    os.mkfifo(directory + "/fifo")
with concurrent.futures.ThreadPoolExecutor(8) as pool:
    assert sum(pool.map(abs, range(-9, 0))) == 45
with multiprocessing.get_context("fork").Pool(2) as pool:
    assert pool.map(abs, [-1, 2]) == [1, 2]
memory = multiprocessing.shared_memory.SharedMemory(create=True, size=4096)
memory.close()
memory.unlink()
async def echo():
    async def serve(reader, writer):
        writer.write(await reader.readline())
        writer.close()
    server = await asyncio.start_unix_server(serve, "\0vortex-seccomp-%d" % os.getpid())
    reader, writer = await asyncio.open_unix_connection("\0vortex-seccomp-%d" % os.getpid())
    writer.write(b"x\n")
    assert await reader.readline() == b"x\n"
    writer.close()
    server.close()
    child = await asyncio.create_subprocess_exec(sys.executable, "-I", "-c", "pass")
    assert await child.wait() == 0
asyncio.run(echo())
order = (ctypes.c_int * 3)(2, 0, 1)
compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
ctypes.CDLL(None).qsort(order, 3, 4, compare(lambda a, b: a[0] - b[0]))
assert list(order) == [0, 1, 2]
print("all of it")
"""


def main():
    global GOLDEN
    if len(sys.argv) != 2:
        sys.exit("usage: seccomp_kernel_test.py SOURCE_DIR")
    GOLDEN = os.path.join(sys.argv.pop(), "oci-specs", "golden")
    if LIBRARY is None:
        print("skipped: " + sys.exit_reason)
        sys.exit(SKIP)
    if platform.machine() != "x86_64":
        print("skipped: the golden profiles are x86_64's")
        sys.exit(SKIP)
    unittest.main(verbosity=2)


if __name__ == "__main__":
    main()
