# SPDX-License-Identifier: Apache-2.0
"""Bytes travel as base64, since the payload is JSON: {"ppm": "<a binary PPM, base64>", "bins": 8}."""
import base64

MAX_PIXELS = 4_000_000


def parse_ppm(data):
    """(width, height, pixels) of a P6 file with one byte a sample; the header is words, and comments after #."""
    words, at = [], 0
    while len(words) < 4:
        while data[at:at + 1].isspace():
            at += 1
        if data[at:at + 1] == b"#":
            at = data.index(b"\n", at)
            continue
        end = at
        while end < len(data) and not data[end:end + 1].isspace():
            end += 1
        if end == at:
            raise ValueError("the header ends too early")
        words.append(data[at:end])
        at = end
    if words[0] != b"P6" or words[3] != b"255":
        raise ValueError("not a P6 picture with 255 levels")
    width, height = int(words[1]), int(words[2])
    pixels = data[at + 1:]
    if not 0 < width * height <= MAX_PIXELS or len(pixels) != 3 * width * height:
        raise ValueError("%d x %d pixels do not fit %d bytes" % (width, height, len(pixels)))
    return width, height, pixels


def histogram(samples, bins):
    counts = [0] * bins
    for sample in samples:
        counts[sample * bins >> 8] += 1
    return counts


def edges(width, height, grey):
    """How many inner pixels the Sobel operator calls an edge."""
    found = 0
    for y in range(1, height - 1):
        above, here, below = (grey[(y + d) * width:(y + d + 1) * width] for d in (-1, 0, 1))
        for x in range(1, width - 1):
            across = above[x + 1] + 2 * here[x + 1] + below[x + 1] - above[x - 1] - 2 * here[x - 1] - below[x - 1]
            down = below[x - 1] + 2 * below[x] + below[x + 1] - above[x - 1] - 2 * above[x] - above[x + 1]
            found += abs(across) + abs(down) > 255
    return found


def run(payload):
    bins = payload.get("bins", 16)
    if not 1 <= bins <= 256:
        raise ValueError("bins must be from 1 to 256")
    width, height, pixels = parse_ppm(base64.b64decode(payload["ppm"], validate=True))
    channels = {name: pixels[i::3] for i, name in enumerate(("red", "green", "blue"))}
    grey = [(299 * r + 587 * g + 114 * b) // 1000 for r, g, b in zip(*channels.values())]
    return {"width": width, "height": height, "edges": edges(width, height, grey),
            "mean": {name: round(sum(channel) / len(channel), 2) for name, channel in channels.items()},
            "histogram": {name: histogram(channel, bins) for name, channel in channels.items()}}
