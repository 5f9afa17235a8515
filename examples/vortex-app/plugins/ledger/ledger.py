# SPDX-License-Identifier: Apache-2.0
import socket


def run(payload):
    # Port 443 needs CAP_NET_BIND_SERVICE, which the policy gives to this plugin alone; the network is the sandbox's own lo.
    with socket.create_server(("127.0.0.1", 443)) as server:
        port = server.getsockname()[1]
    return {"port": port, "balance_cents": sum(payload["entries_cents"])}
