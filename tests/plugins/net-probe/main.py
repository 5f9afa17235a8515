# SPDX-License-Identifier: Apache-2.0
"""Tries to reach what the payload lists, and sockets of every family that could help."""
import errno
import socket


def outcome(action):
    try:
        action()
        return "ok"
    except socket.gaierror as error:
        return "gaierror"
    except OSError as error:
        return errno.errorcode.get(error.errno, type(error).__name__)


def tcp(host, port):
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.settimeout(2)
        sock.connect((host, port))


def udp(host, port):
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"x", (host, port))


def abstract(name):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect("\0" + name)


def family(*args):
    socket.socket(*args).close()


def interfaces():
    with open("/proc/net/dev") as file:
        return sorted(line.split(":")[0].strip() for line in file if ":" in line)


def run(payload):
    result = {"interfaces": interfaces()}
    for host, port in payload.get("tcp", []):
        result["tcp %s" % host] = outcome(lambda: tcp(host, port))
    for host, port in payload.get("udp", []):
        result["udp %s" % host] = outcome(lambda: udp(host, port))
    for name in payload.get("dns", []):
        result["dns %s" % name] = outcome(lambda: socket.getaddrinfo(name, 80))
    for name in payload.get("abstract", []):
        result["abstract %s" % name] = outcome(lambda: abstract(name))
    result["raw"] = outcome(lambda: family(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP))
    result["packet"] = outcome(lambda: family(socket.AF_PACKET, socket.SOCK_RAW, 0))
    result["netlink"] = outcome(lambda: family(socket.AF_NETLINK, socket.SOCK_RAW, 0))
    result["vsock"] = outcome(lambda: family(socket.AF_VSOCK, socket.SOCK_STREAM))
    result["bluetooth"] = outcome(lambda: family(31, socket.SOCK_RAW, 1))
    result["xdp"] = outcome(lambda: family(44, socket.SOCK_RAW, 0))
    result["raw6"] = outcome(lambda: family(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6))
    result["ping"] = outcome(lambda: family(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP))
    result["alg"] = outcome(lambda: family(socket.AF_ALG, socket.SOCK_SEQPACKET))
    return result
