# SPDX-License-Identifier: Apache-2.0
"""Plugins never run in this process, and without a sandbox nothing runs at all."""

from __future__ import annotations

import ast
import json
import os
import pathlib
import subprocess
import sys
from typing import Any

import pytest
import vortex_sandbox
from conftest import PLUGINS, Node
from vortex_sandbox import EmbeddedRunner, PluginExecutor, SandboxUnavailable

PACKAGE = pathlib.Path(vortex_sandbox.__file__).parent

# Whatever could load code, by name.
FORBIDDEN = {
    "exec", "eval", "compile", "__import__", "importlib", "runpy", "pickle", "marshal", "ctypes", "imp", "zipimport",
    "exec_module", "load_module", "spec_from_file_location", "import_module", "run_path", "subprocess", "system",
}  # fmt: skip


def names(tree: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.Import):
            found.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").split(".")[0])
    return found


def test_the_package_has_no_means_of_loading_code() -> None:
    files = sorted(PACKAGE.glob("*.py"))
    assert len(files) >= 10
    for file in files:
        # re.compile is not compile.
        text = file.read_text().replace("re.compile(", "re_compile(")
        assert not names(ast.parse(text)) & FORBIDDEN, file.name
    assert names(ast.parse("importlib.util.spec_from_file_location(a, b).loader.exec_module(m)")) & FORBIDDEN


AUDIT = """
import asyncio, json, sys
seen = []
def hook(event, args):
    if event in ("import", "exec", "compile", "open", "os.exec", "subprocess.Popen", "marshal.loads", "ctypes.dlopen"):
        seen.append((event, repr(args)[:500]))
import vortex_sandbox
sys.addaudithook(hook)
options, plugins = json.loads(sys.argv[1]), sys.argv[2]
async def main():
    async with vortex_sandbox.PluginExecutor(plugins=plugins, **options) as executor:
        for plugin, payload in (("echo", {"a": 1}), ("exits", {"mode": "raise"}), ("exits", {"mode": "exit3"})):
            await executor.run(plugin, payload, 20_000)
asyncio.run(main())
with vortex_sandbox.EmbeddedRunner(plugins, **options) as runner:
    runner.run_sync("echo", {}, 20_000)
touched = [entry for entry in seen if plugins in entry[1]]
wrong = [entry for entry in touched if not (entry[0] == "open" and "vortex-plugin.yaml" in entry[1])]
modules = [name for name, module in sys.modules.items() if plugins in str(getattr(module, "__file__", ""))]
assert touched, "the hook saw nothing"
assert not wrong, wrong
assert not modules, modules
assert not [entry for entry in seen if entry[0] in ("os.exec", "subprocess.Popen")], seen
# The hook sees what it is there for: the old way of running a plugin.
import importlib.util
sys.dont_write_bytecode = True
seen.clear()
spec = importlib.util.spec_from_file_location("echo", plugins + "/echo/main.py")
spec.loader.exec_module(importlib.util.module_from_spec(spec))
assert [entry for entry in seen if "echo/main.py" in entry[1]], seen
print("ok")
"""


def test_no_bundle_is_imported_compiled_or_opened(clean: Node) -> None:
    command = [sys.executable, "-c", AUDIT, json.dumps(clean.options), str(PLUGINS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and done.stdout.startswith("ok"), done.stderr


def test_without_containerd_import_works_and_the_executor_refuses(tmp_path: pathlib.Path) -> None:
    with pytest.raises(SandboxUnavailable, match="the sandbox is not ready: .*no-such.sock") as error:
        PluginExecutor(plugins=PLUGINS, address=str(tmp_path / "no-such.sock"))
    assert error.value.code == "sandbox_unavailable" and error.value.cause is None


def test_without_the_image_or_the_class_the_executor_refuses(clean: Node, tmp_path: pathlib.Path) -> None:
    without_image: dict[str, Any] = {**clean.options, "image": "vortex.local/none:1"}
    with pytest.raises(SandboxUnavailable, match="vortexctl image build"):
        EmbeddedRunner(PLUGINS, **without_image).check_ready()
    classes = tmp_path / "runtime-classes.yaml"
    classes.write_text(
        "version: 1\nclasses: {runc: {enabled: false}, crun: {enabled: false}, gvisor: {enabled: false}, kata: {enabled: false}}\n"
    )
    with pytest.raises(SandboxUnavailable, match="runc"):
        PluginExecutor(plugins=PLUGINS, runtime_classes=classes, **clean.options)


def test_as_an_ordinary_user_the_executor_refuses(clean: Node) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root to become another user")
    code = (
        "import os, sys, vortex_sandbox\nos.setuid(65534)\n"
        "try: vortex_sandbox.PluginExecutor(address=sys.argv[1])\n"
        "except vortex_sandbox.SandboxUnavailable as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, clean.options["address"]], capture_output=True, text=True)
    assert "needs root" in done.stdout, done.stderr
