# SPDX-License-Identifier: Apache-2.0


def run(payload):
    blocks = [bytearray(b"x") * (1 << 20) for _ in range(payload["mib"])]
    return len(blocks)
