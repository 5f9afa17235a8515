# SPDX-License-Identifier: Apache-2.0


def run(payload):
    rows = [bytearray(b"\1") * (1 << 20) for _ in range(payload["mib"])]
    return sum(len(row) for row in rows)
