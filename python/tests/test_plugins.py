# SPDX-License-Identifier: Apache-2.0
"""Finding plugins, without a sandbox."""

from __future__ import annotations

import hashlib
import logging
import os
import pathlib

import pytest
from vortex_sandbox import InvalidRequest, Plugins, Policy, read_plugin


def write(root: pathlib.Path, name: str, manifest: str) -> pathlib.Path:
    (root / name).mkdir()
    (root / name / "vortex-plugin.yaml").write_text(manifest)
    return root / name


def simple(plugin_id: str) -> str:
    return f"id: {plugin_id}\nversion: 1.0.0\nentrypoint: main:run\n"


def test_ids_come_from_the_manifests(tmp_path: pathlib.Path) -> None:
    write(tmp_path, "one", simple("alpha"))
    write(tmp_path, "two", "id: beta\nversion: 2.0.0\ncommand: [/plugin/bin/x]\nnetwork: {allow: [{host: a.example, port: 443}]}\n")
    (tmp_path / "notes").mkdir()
    (tmp_path / "file").write_text("")
    plugins = Plugins(tmp_path)
    assert sorted(plugins) == ["alpha", "beta"] and not plugins.rejected
    assert plugins["beta"].command == ("/plugin/bin/x",) and plugins["beta"].network == ("a.example:443",)
    assert plugins["alpha"].directory == str(tmp_path / "one") and plugins["alpha"].entrypoint == "main:run"


def test_a_wrong_manifest_is_left_out_and_told(tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture) -> None:
    write(tmp_path, "good", simple("good"))
    bad = write(tmp_path, "bad", "id: bad\nversion: 1.0.0\nentrypoint: main:run\nlimits: {memroy: 1m}\n")
    with caplog.at_level(logging.WARNING, "vortex_sandbox"):
        plugins = Plugins(tmp_path)
    assert list(plugins) == ["good"]
    assert 'unknown key "memroy"; did you mean memory?' in plugins.rejected[str(bad)]
    assert caplog.records[0].vortex["event"] == "plugin_rejected"  # type: ignore[attr-defined]


def test_two_plugins_of_one_id_are_refused(tmp_path: pathlib.Path) -> None:
    write(tmp_path, "one", simple("same"))
    write(tmp_path, "two", simple("same"))
    with pytest.raises(InvalidRequest, match="plugin id same stands in two manifests") as error:
        Plugins(tmp_path)
    assert error.value.code == "duplicate_plugin"


def test_links_and_fifos_for_a_manifest_are_refused(tmp_path: pathlib.Path) -> None:
    (tmp_path / "link").mkdir()
    os.symlink("/etc/passwd", tmp_path / "link/vortex-plugin.yaml")
    (tmp_path / "fifo").mkdir()
    os.mkfifo(tmp_path / "fifo/vortex-plugin.yaml")
    write(tmp_path, "large", "#" * 70_000)
    assert len(Plugins(tmp_path).rejected) == 3


def test_an_unknown_id_is_never_a_path(tmp_path: pathlib.Path) -> None:
    write(tmp_path, "one", simple("word-count"))
    plugins = Plugins(tmp_path)
    for name in ("../one", str(tmp_path / "one"), "one", "", "word_count"):
        with pytest.raises(InvalidRequest) as error:
            plugins.find(name)
        assert error.value.code == "unknown_plugin"
    with pytest.raises(InvalidRequest, match="did you mean word-count"):
        plugins.find("word-cuont")


def test_what_is_missing_is_named(tmp_path: pathlib.Path) -> None:
    with pytest.raises(InvalidRequest, match="No such file"):
        Plugins(tmp_path / "nothing")
    with pytest.raises(InvalidRequest, match="No such file"):
        read_plugin(tmp_path)
    with pytest.raises(InvalidRequest, match="No such file") as error:
        Policy.load(tmp_path / "policy.yaml")
    assert error.value.code == "policy"


def test_a_policy_is_checked_as_it_is_loaded(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(
        "version: 1\nallow_untrusted: true\nuntrusted: {runtime_classes: [gvisor]}\n"
        "trust: [{plugin: ours, level: trusted, reason: reviewed, expires: never}]\n"
    )
    policy = Policy.load(file)
    assert policy.allow_untrusted and policy.trusted == ("ours",) and policy.allowed == ()
    assert policy.digest == "sha256:" + hashlib.sha256(file.read_bytes()).hexdigest()
    file.chmod(0o666)
    with pytest.raises(InvalidRequest, match=r"policy.yaml has mode 0666 and owner \d+: .*chmod go-w") as error:
        Policy.load(file)
    assert error.value.code == "policy"
    file.chmod(0o644)
    file.write_text("version: 1\nalow_untrusted: true\n")
    with pytest.raises(InvalidRequest, match=r"policy.yaml:2:.*alow_untrusted") as error:
        Policy.load(file)
    assert error.value.code == "policy"
