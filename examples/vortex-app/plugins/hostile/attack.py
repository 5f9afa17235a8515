# SPDX-License-Identifier: Apache-2.0
import ctypes
import os
import signal
import socket


def attempt(action):
    try:
        action()
    except OSError as error:
        return error.strerror
    return "DONE"


def read_host_secret():
    open("/etc/shadow").close()


def write_own_code():
    open("/plugin/attack.py", "a").close()


def connect_out():
    socket.create_connection(("192.0.2.1", 80), timeout=1).close()


def become_root():
    os.setuid(0)


def mount():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"none", b"/tmp", b"tmpfs", 0, None) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def fork_bomb():
    children = []
    try:
        while len(children) < 64:
            child = os.fork()
            if child == 0:
                signal.pause()
            children.append(child)
    finally:
        for child in children:
            os.kill(child, 9)
            os.waitpid(child, 0)


def run(payload):
    actions = (read_host_secret, write_own_code, connect_out, become_root, mount, fork_bomb)
    return {action.__name__: attempt(action) for action in actions}
