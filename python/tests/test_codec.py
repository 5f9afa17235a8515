# SPDX-License-Identifier: Apache-2.0
"""Payloads and results: what is JSON and what is not."""

from __future__ import annotations

import collections
import datetime
import enum
import json
import math
import random
from collections.abc import Callable
from typing import Any

import pytest
from vortex_sandbox import InvalidRequest
from vortex_sandbox._codec import MAX_DEPTH, MAX_PAYLOAD_BYTES, decode_output, encode_payload


class Colour(enum.StrEnum):
    RED = "red"


class Number(enum.IntEnum):
    SEVEN = 7


@pytest.mark.parametrize(
    "value",
    [
        {}, [], 0, "", None, True, False, 1, -1, 2**53 + 1, -(2**63), 2**64, 10**400, 0.1, 1e308, 5e-324, -0.0, 1e16,
        "é", "\U0001f600", "\x00\x1f\x7f\"\\/\n\r\t\b\f", "\u2028", "\ufeff", {"": {"a.b": [None, {"k": 1}]}},
        [[[]]], {"a": "b" * 1000}, "\ud7ff\ue000",
    ],
)  # fmt: skip
def test_what_is_json_comes_back_the_same(value: object) -> None:
    text = encode_payload(value)
    assert text == json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("\\b", "\\u0008").replace(
        "\\f", "\\u000c"
    ).encode()
    back = decode_output(text)
    assert back == value and type(back) is type(value)


def test_what_derives_from_json_types_is_written_as_them() -> None:
    value = {Colour.RED: (1, Number.SEVEN), "d": collections.OrderedDict(a=collections.defaultdict(int, b=1))}
    assert encode_payload(value) == b'{"red":[1,7],"d":{"a":{"b":1}}}'


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"items": [0, 1, 2, {"when": datetime.datetime(2026, 1, 1)}]},
         "payload.items[3].when: datetime.datetime is not a JSON type"),
        ({"a": float("nan")}, "payload.a: NaN is not JSON"),
        ([1, math.inf], "payload[1]: Infinity is not JSON"),
        (-math.inf, "payload: -Infinity is not JSON"),
        ({"a": {1: 2}}, "payload.a: key 1 is int, not str"),
        ({"a": {None: 2}}, "payload.a: key None is NoneType, not str"),
        ({"a b": {1}}, "payload['a b']: set is not a JSON type"),
        (b"x", "payload: bytes is not a JSON type"),
        ({"x": object}, "payload.x: type is not a JSON type"),
        ({"x": "a\ud800"}, "payload.x: a lone surrogate at index 1 is not Unicode text"),
        ({"\udfff": 1}, "is not Unicode text"),
        pytest.param(10**5000, "payload: an integer of more digits than Python turns into text", id="huge"),
    ],
)  # fmt: skip
def test_what_is_not_json_is_named_with_its_place(value: object, message: str) -> None:
    with pytest.raises(InvalidRequest) as error:
        encode_payload(value)
    assert message in str(error.value)
    assert error.value.code == "payload" and not error.value.retryable


def nested(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels - 1):
        value = [value]
    return value


def test_depth() -> None:
    assert decode_output(encode_payload(nested(MAX_DEPTH))) == nested(MAX_DEPTH)
    cyclic: dict[str, Any] = {}
    cyclic["again"] = cyclic
    for value in (nested(MAX_DEPTH + 1), cyclic):
        with pytest.raises(InvalidRequest, match="payload: nested deeper than 200 levels, or in itself"):
            encode_payload(value)


def test_size() -> None:
    assert len(encode_payload("x" * (MAX_PAYLOAD_BYTES - 2))) == MAX_PAYLOAD_BYTES
    for value in ("x" * (MAX_PAYLOAD_BYTES - 1), ["x" * (1 << 20)] * 17, "\x01" * (3 << 20)):
        with pytest.raises(InvalidRequest, match="more than 16777216 bytes of JSON"):
            encode_payload(value)


def any_value(rng: random.Random, depth: int) -> Any:
    kind = rng.randrange(8 if depth else 6)
    if kind == 6:
        return [any_value(rng, depth - 1) for _ in range(rng.randrange(4))]
    if kind == 7:
        return {any_text(rng): any_value(rng, depth - 1) for _ in range(rng.randrange(4))}
    makers: list[Callable[[], Any]] = [
        lambda: None, lambda: rng.random() < 0.5, lambda: rng.randrange(-(2**70), 2**70), lambda: rng.uniform(-1, 1),
        lambda: rng.gauss(0, 1) * 10.0 ** rng.randrange(-300, 300), lambda: any_text(rng),
    ]  # fmt: skip
    return makers[kind]()


def any_text(rng: random.Random) -> str:
    return "".join(
        chr(code) for code in (rng.choice([rng.randrange(128), rng.randrange(0x110000)]) for _ in range(rng.randrange(9)))
        if not 0xD800 <= code <= 0xDFFF
    )


def test_random_values_come_back_the_same() -> None:
    rng = random.Random(20261124)
    for _ in range(3000):
        value = any_value(rng, 4)
        assert decode_output(encode_payload(value)) == value


@pytest.mark.parametrize("text", [b"NaN", b"[Infinity]", b"-Infinity", b"1e999", b"[" * 100_000, b"\xff", b"9" * 5000])
def test_results_that_python_cannot_hold_are_refused(text: bytes) -> None:
    with pytest.raises(ValueError):
        decode_output(text)
