# SPDX-License-Identifier: Apache-2.0
"""Finds plugins. Reads their manifests with the C++ parser and nothing else of them; imports none of their code."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from . import _native
from ._errors import InvalidRequest
from ._log import logger

StrPath: TypeAlias = "str | os.PathLike[str]"


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """A plugin as its manifest describes it: what it asks for, not what it gets."""

    id: str
    version: str
    description: str
    #: Absolute path of the bundle.
    directory: str
    #: ``module:function``; None for a plugin with a command.
    entrypoint: str | None
    command: tuple[str, ...] = ()
    #: ``host:port``
    network: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    gpus: tuple[str, ...] = ()


def read_plugin(directory: StrPath) -> PluginInfo:
    """Reads the manifest in ``directory``. Raises :class:`InvalidRequest` (code ``manifest``)."""
    path = os.path.abspath(directory)
    name = os.path.join(path, _native.MANIFEST_NAME)
    try:
        # O_NOFOLLOW, O_NONBLOCK: the directory's content is its author's, a link or a FIFO may be there.
        fd = os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(fd, "rb", buffering=0) as file:
            text = file.read(_native.MAX_MANIFEST_BYTES + 1) or b""
        fields = _native.parse_manifest(text, name)
    except OSError as error:
        raise InvalidRequest(f"{name}: {error.strerror}", code="manifest") from None
    except _native.Error as error:
        raise InvalidRequest(error.args[1], code="manifest") from None
    return PluginInfo(
        id=fields["id"],
        version=fields["version"],
        description=fields["description"],
        directory=path,
        entrypoint=fields["entrypoint"],
        command=tuple(fields["command"]),
        network=tuple(fields["network"]),
        capabilities=tuple(fields["capabilities"]),
        gpus=tuple(fields["gpus"]),
    )


class Plugins(Mapping[str, PluginInfo]):
    """The plugins below one directory, by id: every directory in it that has a ``vortex-plugin.yaml``.

    A plugin whose manifest is wrong is left out, logged, and listed in ``rejected``: one author's mistake must not stop
    the others. Two plugins of one id are refused altogether, with :class:`InvalidRequest` (code ``duplicate_plugin``):
    which of them has the grants of that id is not ours to guess.
    """

    def __init__(self, root: StrPath | None = None) -> None:
        self._by_id: dict[str, PluginInfo] = {}
        #: Directory → why it is not a plugin.
        self.rejected: dict[str, str] = {}
        #: Where they were looked for.
        self.root = None if root is None else os.path.abspath(root)
        if self.root is not None:
            self._scan(self.root)

    def _scan(self, root: str) -> None:
        try:
            names = sorted(entry.path for entry in os.scandir(root) if entry.is_dir())
        except OSError as error:
            raise InvalidRequest(f"plugins {root}: {error.strerror}", code="plugins") from None
        for path in names:
            if os.path.lexists(os.path.join(path, _native.MANIFEST_NAME)):
                self._add(path)

    def _add(self, path: str) -> None:
        try:
            plugin = read_plugin(path)
        except InvalidRequest as error:
            self.rejected[path] = str(error)
            logger.warning("plugin left out: %s", error, extra={"vortex": {"event": "plugin_rejected", "path": path}})
            return
        other = self._by_id.get(plugin.id)
        if other is not None:
            raise InvalidRequest(
                f"plugin id {plugin.id} stands in two manifests: {other.directory} and {plugin.directory}",
                code="duplicate_plugin",
            )
        self._by_id[plugin.id] = plugin

    def find(self, plugin_id: str) -> PluginInfo:
        """Raises :class:`InvalidRequest` (code ``unknown_plugin``) for an id that is not there."""
        plugin = self._by_id.get(plugin_id)
        if plugin is not None:
            return plugin
        near = difflib.get_close_matches(str(plugin_id)[:64], self._by_id, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise InvalidRequest(
            f"plugin {str(plugin_id)[:64]!r}: none of the {len(self._by_id)} plugins in {self.root}{hint}",
            code="unknown_plugin",
        )

    def __getitem__(self, plugin_id: str) -> PluginInfo:
        return self._by_id[plugin_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_id)

    def __len__(self) -> int:
        return len(self._by_id)
