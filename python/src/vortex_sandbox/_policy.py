# SPDX-License-Identifier: Apache-2.0
"""The operator's policy file."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass

from ._errors import InvalidRequest

# Far above any policy that people write.
_MAX_POLICY_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy file as it was read. The gate, in C++, is what reads its meaning."""

    path: str
    text: bytes
    #: ``sha256:…`` of the file's bytes; the same in every result.
    digest: str

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Policy:
        """Reads ``path``. Raises :class:`InvalidRequest` (code ``policy``)."""
        name = os.path.abspath(path)
        try:
            with open(name, "rb") as file:
                text = file.read(_MAX_POLICY_BYTES + 1)
        except OSError as error:
            raise InvalidRequest(f"policy {name}: {error.strerror}", code="policy") from None
        if len(text) > _MAX_POLICY_BYTES:
            raise InvalidRequest(f"policy {name}: more than {_MAX_POLICY_BYTES} bytes", code="policy")
        return cls(name, text, "sha256:" + hashlib.sha256(text).hexdigest())
