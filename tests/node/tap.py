# SPDX-License-Identifier: Apache-2.0
"""Checks that tell what happened in the Test Anything Protocol."""
import time
import traceback


class Failed(Exception):
    """A check that did not hold; its text is the evidence."""


class Skip(Exception):
    """A check that cannot be made here; its text says why."""


def expect(condition, *evidence):
    if not condition:
        raise Failed("\n".join(str(item) for item in evidence))


def expect_equal(got, wanted, *evidence):
    expect(got == wanted, f"got {got!r}, not {wanted!r}", *evidence)


class Tap:
    def __init__(self):
        self.count = self.failed = self.skipped = 0
        self.begin = time.monotonic()

    def check(self, what, function, *arguments):
        """Runs one check; True when it held."""
        self.count += 1
        evidence = ""
        try:
            function(*arguments)
            verdict = f"ok {self.count} - {what}"
        except Skip as skip:
            self.skipped += 1
            verdict = f"ok {self.count} - {what} # SKIP {skip}"
        except Failed as failed:
            self.failed += 1
            where = [f"{one.filename.rsplit('/', 1)[-1]}:{one.lineno}: {one.line}"
                     for one in traceback.extract_tb(failed.__traceback__) if not one.filename.endswith("tap.py")]
            verdict, evidence = f"not ok {self.count} - {what}", f"{failed}\n" + "\n".join(where)
        except Exception:  # a broken check is a failed one
            self.failed += 1
            verdict, evidence = f"not ok {self.count} - {what}", traceback.format_exc()
        print(verdict, flush=True)
        for line in evidence.splitlines():
            print(f"#   {line}", flush=True)
        return not verdict.startswith("not")

    def note(self, text):
        print(f"# {int(time.monotonic() - self.begin)} s: {text}", flush=True)

    def end(self):
        """Prints the plan and the counts; the exit code of the whole."""
        print(f"1..{self.count}")
        passed = self.count - self.failed - self.skipped
        print(f"{passed} passed, {self.failed} failed, {self.skipped} skipped", flush=True)
        return 1 if self.failed else 0
