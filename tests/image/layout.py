# SPDX-License-Identifier: Apache-2.0
"""Reads an OCI image layout."""
import hashlib
import json


def blob(layout, digest):
    data = (layout / "blobs" / "sha256" / digest.split(":")[1]).read_bytes()
    assert "sha256:" + hashlib.sha256(data).hexdigest() == digest, digest
    return data


def manifest_of(layout):
    """(its descriptor in the index, the manifest)"""
    index = json.loads((layout / "index.json").read_text())
    descriptor = index["manifests"][0]
    return descriptor, json.loads(blob(layout, descriptor["digest"]))
