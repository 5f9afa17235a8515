# SPDX-License-Identifier: Apache-2.0
import urllib.request


def run(payload):
    with urllib.request.urlopen("https://rates.example.com/" + payload["currency"], timeout=2) as response:
        return response.read().decode()
