# SPDX-License-Identifier: Apache-2.0
"""A `runsc` that panics of itself, and what a check may do about that.

gVisor before Go 1.25 was out reads a goroutine's id at a fixed place of the Go runtime's record of it (160 bytes in).
Go 1.25 moved the id to 152; at 160 lies now the next goroutine in a queue. Debian testing builds its runsc with such a
Go. The sentry takes what it finds there for the id of the goroutine that it runs on, and panics when it has changed.
"""
import pathlib
import re
import shutil
import time

from node import run
from tap import Failed, Skip, expect

PACKAGED = "/usr/bin/runsc"
PANIC = "panic: running on goroutine"
ATTEMPTS = 3
# pkg/goid's function on amd64: the goroutine's record into r14, the number in it into r14.
READ = bytes.fromhex("644c8b3425f8ffffff" "4d8bb6")
WRONG, RIGHT = READ + (160).to_bytes(4, "little"), READ + (152).to_bytes(4, "little")


# Whether a check may be tried again, and be skipped at the end: with a faulty runsc alone (main.py), and not with a
# repaired one.
tolerant = False


def panics():
    """What the shim told containerd's log of sandboxes that died of this panic, up to now."""
    run("journalctl", "--sync")
    return [line for line in run("journalctl", "-u", "containerd", "-o", "cat").out.splitlines() if PANIC in line]


def panic_since(count):
    """The panic that the log has got since it had that many, if there is one; for a check that failed."""
    for _ in range(5):
        if lines := panics()[count:]:
            return lines[-1][lines[-1].index(PANIC):].split('"')[0]
        time.sleep(1)
    return None


def told(text):
    print(f"# a sandbox died of itself: {text}", flush=True)


def skip_for(texts):
    return Skip(f"{len(texts)} times: " + "; ".join(texts))


def retried(function, *arguments, **how):
    """The check again when a sandbox died of the panic meanwhile; skipped after the third time, with what each said."""
    if not tolerant:
        return function(*arguments, **how)
    texts = []
    while len(texts) < ATTEMPTS:
        before = len(panics())
        try:
            return function(*arguments, **how)
        except Failed:
            text = panic_since(before)
            if text is None:
                raise
            texts.append(text)
            told(text)
    raise skip_for(texts)


def go_version(program):
    """(1, 26) of a Go program, by the version that its linker wrote into it."""
    if not pathlib.Path(program).exists():
        return None
    data = pathlib.Path(program).read_bytes()
    found = re.search(rb"\xff Go buildinf:.{18}.go(\d+)\.(\d+)", data, re.DOTALL)
    return (int(found[1]), int(found[2])) if found else None


def is_faulty(program):
    version = go_version(program)
    return version is not None and version >= (1, 25) and pathlib.Path(program).read_bytes().count(WRONG) == 1


def repair(program, copy):
    """A copy that reads the id where this Go has it. Nothing else differs."""
    data = pathlib.Path(program).read_bytes()
    expect(data.count(WRONG) == 1 and data.count(RIGHT) == 0, "not the function that was looked for")
    pathlib.Path(copy).write_bytes(data.replace(WRONG, RIGHT))
    shutil.copymode(program, copy)
