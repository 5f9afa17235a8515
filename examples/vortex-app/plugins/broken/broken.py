# SPDX-License-Identifier: Apache-2.0


def run(payload):
    return 1 / payload["divisor"]
