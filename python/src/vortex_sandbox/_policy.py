# SPDX-License-Identifier: Apache-2.0
"""The operator's policy file."""

from __future__ import annotations

import os
from dataclasses import dataclass

from . import _native
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
    #: Whether plugins without a trust entry run at all.
    allow_untrusted: bool
    #: Ids of the trust entries.
    trusted: tuple[str, ...]
    #: Ids of the allow entries: plugins that get more than their level.
    allowed: tuple[str, ...]

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Policy:
        """Reads and checks ``path``. Raises :class:`InvalidRequest` (code ``policy``): file, line, field, what is right."""
        name = os.path.abspath(path)
        try:
            with open(name, "rb") as file:
                text = file.read(_MAX_POLICY_BYTES + 1)
        except OSError as error:
            raise InvalidRequest(f"policy {name}: {error.strerror}", code="policy") from None
        if len(text) > _MAX_POLICY_BYTES:
            raise InvalidRequest(f"policy {name}: more than {_MAX_POLICY_BYTES} bytes", code="policy")
        try:
            fields = _native.parse_policy(text, name)
        except _native.Error as error:
            raise InvalidRequest(error.args[1], code="policy") from None
        return cls(
            path=name,
            text=text,
            digest=fields["digest"],
            allow_untrusted=fields["allow_untrusted"],
            trusted=tuple(fields["trusted"]),
            allowed=tuple(fields["allowed"]),
        )
