# SPDX-License-Identifier: Apache-2.0
"""What every part of the builder uses."""
import os
import subprocess
import sys


class BuildError(Exception):
    """One clear sentence for the user."""


def say(text):
    print("image build: " + text, file=sys.stderr, flush=True)


def run(argv, cwd=None, stdin=None, env=None):
    """The program's stdout; BuildError with the line of its output that says what went wrong."""
    try:
        done = subprocess.run(argv, cwd=cwd, input=stdin, capture_output=True, text=True,
                              env={**os.environ, "LC_ALL": "C", **(env or {})})
    except FileNotFoundError:
        raise BuildError("%s: not installed; the builder needs Debian's apt, dpkg and binutils" % argv[0]) from None
    if done.returncode != 0:
        lines = (done.stderr.strip() or done.stdout.strip()).splitlines() or ["no output"]
        errors = [line for line in lines if line.startswith("E: ")] or lines[-1:]  # apt's errors, before its advice
        raise BuildError("%s: exit status %d: %s" % (" ".join(argv[:3]), done.returncode, errors[0]))
    return done.stdout
