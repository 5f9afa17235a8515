# SPDX-License-Identifier: Apache-2.0
"""Touches page after page until the memory limit ends it."""


def run(payload):
    blocks = []
    for _ in range(payload["mib"]):
        blocks.append(bytearray(b"x") * (1 << 20))
    return len(blocks)
