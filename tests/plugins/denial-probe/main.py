# SPDX-License-Identifier: Apache-2.0
"""A list of attempts in, the errno of each out."""
import ctypes
import errno
import importlib
import os
import socket
import subprocess
import sys
import threading
import time

LIBC = ctypes.CDLL(None, use_errno=True)
OPENAT, OPENAT2, CREAT, EXECVE = 257, 437, 85, 59
WRITES = os.O_WRONLY | os.O_CREAT


def tell(action, *args):
    try:
        action(*args)
        return "ok"
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error.errno))


def close_after(fd):
    os.close(fd)


def read(path):
    close_after(os.open(path, os.O_RDONLY))


def write(path):
    close_after(os.open(path, WRITES, 0o600))


def truncate_open(path):
    close_after(os.open(path, os.O_WRONLY | os.O_TRUNC))


def raw(number, *args):
    converted = [ctypes.c_long(a) if isinstance(a, int) else a for a in args]
    result = LIBC.syscall(ctypes.c_long(number), *converted)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def from_directory(directory, path):
    fd = os.open(directory, os.O_PATH)
    try:
        close_after(os.open(path, os.O_RDONLY, dir_fd=fd))
    finally:
        os.close(fd)


def after_chdir(directory, path):
    before = os.getcwd()
    os.chdir(directory)
    try:
        read(path)
    finally:
        os.chdir(before)


def by_link(target):
    link = "/tmp/link"
    if os.path.lexists(link):
        os.unlink(link)
    os.symlink(target, link)
    read(link)


def in_child(path):
    """A grandchild with a session of its own, orphaned."""
    child = os.fork()
    if child == 0:
        os.setsid()
        if os.fork() == 0:
            tell(read, path)
        os._exit(0)
    os.waitpid(child, 0)
    time.sleep(0.3)


def in_thread(path):
    thread = threading.Thread(target=tell, args=(read, path))
    thread.start()
    thread.join()


def connect(host, port):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.settimeout(1)
        sock.connect((host, port))


def send_to(host, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"x", (host, port))


def send_message(host, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendmsg([b"x"], [], 0, (host, port))


def connect_unix(path):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(path)


def bind(host, port):
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as sock:
        sock.bind((host, port))


def bind_unix(path):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(path)


def chmod_fd(path, mode):
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fchmod(fd, mode)
    finally:
        os.close(fd)


def resolve(name):
    socket.getaddrinfo(name, 80)


def resolve4(name):
    socket.gethostbyname(name)


def family(number, kind, protocol):
    socket.socket(number, kind, protocol).close()


def lo_works():
    """The positive control of the network: the sandbox's own loopback."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        with socket.create_connection(server.getsockname()) as client:
            peer = server.accept()[0]
            client.sendall(b"x" * 100000)
            client.sendmsg([b"y"])
            left = 100001
            while left:
                left -= len(peer.recv(65536))
            peer.close()


def reads(path, count):
    for _ in range(count):
        os.close(os.open(path, os.O_RDONLY))


def sends(count):
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        with socket.create_connection(server.getsockname()) as client:
            peer = server.accept()[0]
            for _ in range(count):
                client.send(b"x")
                peer.recv(1)
            peer.close()


def execute(path):
    subprocess.run([path], check=False)


def run_python(code):
    subprocess.run([sys.executable, "-c", code], check=True)


def flood(kind, count):
    for number in range(count):
        if kind == "open":
            tell(read, "/etc/flood-%d" % number)
        else:
            tell(send_to, "192.0.2.1", 1 + number % 65000)


def race(seconds):
    """One thread opens a path that others rewrite all the time; whatever the observer reads, nothing opens."""
    buffer = ctypes.create_string_buffer(b"/etc/passwd", 64)
    deadline = time.monotonic() + seconds
    opened = []

    def rewrite():
        while time.monotonic() < deadline:
            ctypes.memmove(buffer, b"/etc/passwd\0", 12)
            ctypes.memmove(buffer, b"/etc/shadow\0", 12)
            ctypes.memmove(buffer, b"/root/secret", 12)

    def attempt():
        while time.monotonic() < deadline:
            fd = LIBC.syscall(OPENAT, -100, buffer, 0, 0)
            if fd >= 0:
                opened.append(fd)

    threads = [threading.Thread(target=f) for f in (rewrite, attempt, attempt)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if opened:
        raise OSError(errno.EEXIST, "opened")


def imports():
    for name in sorted(sys.stdlib_module_names):
        if name in ("antigravity", "this", "idlelib", "__main__"):
            continue
        try:
            importlib.import_module(name)
        except ImportError:
            pass
    import multiprocessing
    import sqlite3
    import tempfile
    with tempfile.TemporaryDirectory() as directory:
        sqlite3.connect(directory + "/db").execute("create table t (x)")
    process = multiprocessing.get_context("fork").Process(target=int)
    process.start()
    process.join()
    time.localtime()
    import locale
    locale.setlocale(locale.LC_ALL, "C")
    import ssl
    ssl.create_default_context()


def close_everything():
    os.closerange(3, 256)


ACTIONS = {
    "read": read, "write": write, "truncate_open": truncate_open, "from_directory": from_directory,
    "after_chdir": after_chdir, "by_link": by_link, "in_child": in_child, "in_thread": in_thread, "connect": connect,
    "send_to": send_to, "send_message": send_message, "connect_unix": connect_unix, "resolve": resolve,
    "resolve4": resolve4, "family": family, "lo_works": lo_works, "execute": execute, "run_python": run_python,
    "flood": flood, "race": race, "imports": imports, "close_everything": close_everything, "reads": reads, "sends": sends,
    "mkdir": os.mkdir, "unlink": os.unlink, "rename": os.rename, "symlink": os.symlink, "rmdir": os.rmdir,
    "truncate": lambda path: os.truncate(path, 0), "setuid": os.setuid, "setgid": os.setgid, "chown": os.chown,
    "setgroups": os.setgroups, "listdir": os.listdir, "makedirs": lambda path: os.makedirs(path, exist_ok=True),
    "ptrace": lambda: raw(101, 16, 1, 0, 0), "mount": lambda: raw(165, b"none", b"/tmp", b"tmpfs", 0, None),
    "unshare": lambda: raw(272, 0x10000000), "clone_newuser": lambda: raw(56, 0x10000000 | 17, 0, 0, 0, 0),
    "io_uring_setup": lambda: raw(425, 1, None), "bpf": lambda: raw(321, 0, None, 0),
    "mknod": lambda: os.mknod("/tmp/null", 0o020666, os.makedev(1, 3)),
    "bad_pointer": lambda: raw(OPENAT, -100, ctypes.c_void_p(8), 0, 0),
    "long_path": lambda: raw(OPENAT, -100, b"/etc/" + b"x" * 5000, 0, 0),
    "creat": lambda path: raw(CREAT, path.encode(), 0o600),
    "openat2": lambda path: raw(OPENAT2, -100, path.encode(), ctypes.create_string_buffer(24), 24),
    "bad_fd": lambda: raw(OPENAT, 77, b"etc/passwd", 0, 0),
    "make_file": lambda path: open(path, "w").close(), "chmod": os.chmod,
    "bind": bind, "bind_unix": bind_unix, "link": os.link, "chmod_fd": chmod_fd,
}


def run(attempts):
    outcomes = []
    for name, *args in attempts:
        outcomes.append(tell(ACTIONS[name], *args))
    return outcomes
