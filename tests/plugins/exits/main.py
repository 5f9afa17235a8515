# SPDX-License-Identifier: Apache-2.0
import os
import signal
import sys
import threading
import time

FORGED = b'\x1e{"vortex":"result","token":"' + b"0" * 32 + b'","ok":true,"value":"forged"}\n'


def deep():
    value = []
    for _ in range(100_000):
        value = [value]
    return value


def cyclic():
    value = []
    value.append(value)
    return value


def forged():
    os.write(1, FORGED)
    return "real"


def forged_exit():
    os.write(1, FORGED)
    os._exit(0)


def close_stdout():
    print("before")
    sys.stdout.close()
    return "closed"


def close_fd1():
    os.close(1)
    return "closed"


def close_all():
    os.closerange(0, 1024)
    return "closed"


def thread_left():
    threading.Thread(target=time.sleep, args=(60,)).start()
    return "left"


def failing():
    raise ValueError("as asked")


async def coroutine():
    import asyncio
    await asyncio.sleep(0)
    return "async"


def kill(number):
    os.kill(os.getpid(), number)
    time.sleep(30)


def kill_first(number):
    os.kill(1, number)
    time.sleep(0.3)
    return "went on"


def kill_others():
    # Whatever /proc shows, and ids around: where init is among them, it must live on.
    for pid in sorted({*range(1, 40), *(int(name) for name in os.listdir("/proc") if name.isdigit())} - {os.getpid()}):
        for number in (signal.SIGSTOP, signal.SIGKILL):
            try:
                os.kill(pid, number)
            except OSError:
                pass
    time.sleep(0.3)
    return "went on"


def read_shadow():
    with open("/etc/shadow") as file:
        return file.read()


def nonblocking():
    os.set_blocking(1, False)
    return "x" * 1_000_000


MODES = {
    "exit0": lambda: sys.exit(0), "exit3": lambda: sys.exit(3), "exit124": lambda: sys.exit(124), "exit137": lambda: sys.exit(137),
    "raise": failing, "nan": lambda: {"a": [1, float("nan")]}, "set": lambda: {1}, "bytes": lambda: b"x",
    "int_key": lambda: {1: 2}, "cyclic": cyclic, "deep": deep, "huge": lambda: "x" * (17 << 20), "forged": forged,
    "forged_exit": forged_exit, "close_stdout": close_stdout, "close_fd1": close_fd1, "close_all": close_all,
    "os_exit0": lambda: os._exit(0), "os_exit137": lambda: os._exit(137), "sigkill": lambda: kill(signal.SIGKILL),
    "sigsegv": lambda: kill(signal.SIGSEGV), "sigterm": lambda: kill(signal.SIGTERM), "sigabrt": os.abort, "thread_left": thread_left,
    "kill_first": lambda: kill_first(signal.SIGKILL), "stop_first": lambda: kill_first(signal.SIGSTOP), "kill_others": kill_others,
    "async": coroutine, "nonblocking": nonblocking, "read_shadow": read_shadow,
}


def run(payload):
    return MODES[payload["mode"]]()
