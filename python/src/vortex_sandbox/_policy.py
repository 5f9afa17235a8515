# SPDX-License-Identifier: Apache-2.0
"""The operator's policy file."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from . import _native
from ._errors import InvalidRequest


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy file as it was read: what changes in the file later does not count. The gate, in C++, judges by it."""

    path: str
    #: ``sha256:…`` of the file's bytes; the same in every result.
    digest: str
    #: Whether plugins without a trust entry run at all.
    allow_untrusted: bool
    #: Ids of the trust entries.
    trusted: tuple[str, ...]
    #: Ids of the allow entries: plugins that get more than their level.
    allowed: tuple[str, ...]
    _native: _native.Policy = field(repr=False, compare=False)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Policy:
        """Reads and checks ``path``. Raises :class:`InvalidRequest` (code ``policy``): file, line, field, what is right."""
        return cls._load(os.path.abspath(path))

    @classmethod
    def _load(cls, path: str) -> Policy:
        """``path``; empty: /etc/vortex/policy.yaml if it is there, else the built-in policy, whose path is empty."""
        try:
            policy = _native.load_policy(path)
        except _native.Error as error:
            raise InvalidRequest(error.args[1], code="policy") from None
        return cls(
            path=policy.file,
            digest=policy.digest,
            allow_untrusted=policy.allow_untrusted,
            trusted=tuple(policy.trusted),
            allowed=tuple(policy.allowed),
            _native=policy,
        )
