# SPDX-License-Identifier: Apache-2.0
"""What a faulty `runsc` spoils, once more with a copy of it in which that one number is right; nothing is excused here."""
import pathlib

import client_checks
import cri_checks
import ctr_checks
import runsc_panic
from node import must
from tap import Skip

# Before the other one on PATH, containerd's and ours.
REPAIRED = pathlib.Path("/usr/local/bin/runsc")


class Repaired:
    """The tap, with names of their own for the checks."""

    def __init__(self, tap):
        self.tap = tap

    def check(self, what, *how):
        return self.tap.check(f"repaired runsc: {what}", *how)


def not_faulty():
    raise Skip(f"{runsc_panic.PACKAGED} does not have the fault")


def repair():
    runsc_panic.repair(runsc_panic.PACKAGED, REPAIRED)
    must(REPAIRED, "--version")


def check(tap):
    if not runsc_panic.is_faulty(runsc_panic.PACKAGED):
        tap.check("repaired runsc", not_faulty)
        return
    repaired = Repaired(tap)
    runsc_panic.tolerant = False
    try:
        if not repaired.check("a copy with the right number in one instruction", repair):
            return
        ctr_checks.check(repaired, "runsc")
        cri_checks.check_gvisor(repaired, cri_checks.prepare(repaired))
        client_checks.prepare(repaired)
        client_checks.check_class(repaired, "gvisor")
    finally:
        runsc_panic.tolerant = True  # as it was, with a faulty one
        REPAIRED.unlink(missing_ok=True)
