# SPDX-License-Identifier: Apache-2.0
"""The dataclasses have a field for everything that the C++ library tells, and nothing that it does not."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import re
from typing import Any

from vortex_sandbox import Cause, RuntimeClass, SandboxResult
from vortex_sandbox._codec import decode_result

SOURCE = pathlib.Path(__file__).resolve().parents[2]
# A result in which nothing is empty, as the C++ library prints it (tests/unit/sandbox/result_json_test.cc).
DOCUMENT = json.loads((SOURCE / "tests/unit/sandbox/result.json").read_text())
STREAMS = {"text": "data", "base64": "data", "bytes_kept": "data"}
# Where names differ: class → the document's name → the dataclass's.
RENAMED = {"Phase": {"phase": "name"}, "StreamOutput": STREAMS}
# Of the whole: what the document is about, and what only this package has.
BESIDE = {"schema_version", "document"}


def differences(document: Any, value: Any, place: str = "result") -> set[str]:
    """The places where one of them has what the other has not."""
    if dataclasses.is_dataclass(value):
        names = {field.name for field in dataclasses.fields(value)}
        renamed = RENAMED.get(type(value).__name__, {})
        members = {renamed.get(name, name): member for name, member in document.items()}
        found = {f"{place}.{name}" for name in members.keys() ^ names if name not in BESIDE}
        for name in members.keys() & names - {"output", "data"}:
            found |= differences(members[name], getattr(value, name), f"{place}.{name}")
        return found
    if isinstance(document, dict):
        return set().union(*(differences(document[name], value[name], f"{place}.{name}") for name in document))
    if isinstance(document, list):
        assert len(document) == len(value), place
        return set().union(*(differences(*pair, f"{place}[]") for pair in zip(document, value, strict=True)))
    return set() if document == value else {place}


def decoded(document: dict[str, Any]) -> SandboxResult:
    return decode_result(json.dumps(document).encode(), b'{"words":3}', b"text", b"\xff")


def test_every_field_of_the_document_has_its_place() -> None:
    result = decoded(DOCUMENT)
    assert differences(DOCUMENT, result) == set()
    assert result.output == {"words": 3} and result.stderr.data == b"\xff"
    assert result.egress is not None and result.egress.hosts[0].bytes_in == 4
    assert result.audit is not None and result.audit.records_lost == 2
    assert result.document["schema_version"] == 1


def test_nothing_in_the_sample_is_empty() -> None:
    # An empty list would hide the fields of what it could hold.
    def empty(value: Any) -> bool:
        if isinstance(value, dict | list):
            return not value or any(map(empty, value.values() if isinstance(value, dict) else value))
        return value is None or value == ""

    assert not empty(DOCUMENT)


def test_a_field_on_one_side_only_is_found() -> None:
    extra = json.loads(json.dumps(DOCUMENT))
    extra["egress"]["hosts"][0]["new"] = 1
    extra["newer"] = {}
    assert differences(extra, decoded(DOCUMENT)) == {"result.newer", "result.egress.hosts[].new"}
    less = dataclasses.replace(decoded(DOCUMENT), policy=decoded(DOCUMENT).image)
    assert differences(DOCUMENT, less) == {"result.policy.rules", "result.policy.name", "result.policy.digest"}


def test_names_are_those_of_the_library() -> None:
    def names(file: str) -> set[str]:
        found = re.findall(r'case \w+::k\w+:\s+return "(\w+)"', (SOURCE / "src" / file).read_text())
        assert len(found) > 3, file
        return set(found)

    assert names("sandbox/cause.cc") == set(Cause)
    assert names("oci/runtime_class.cc") == set(RuntimeClass)
