# SPDX-License-Identifier: Apache-2.0
"""Counts words: the payload is {"text": ...}, the result {"words": ..., "distinct": ..., "top": [[word, n], ...]}."""
from collections import Counter


def run(payload):
    words = payload["text"].split()
    counts = Counter(words)
    return {"words": len(words), "distinct": len(counts), "top": counts.most_common(5)}
