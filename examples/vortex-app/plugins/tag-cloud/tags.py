# SPDX-License-Identifier: Apache-2.0
import collections


def run(payload):
    counts = collections.Counter(tag.lower() for tag in payload["tags"])
    print(f"{len(counts)} different tags")
    return [{"tag": tag, "count": count} for tag, count in counts.most_common(payload.get("top", 3))]
