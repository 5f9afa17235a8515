#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A small Vortex: eight plugins of different makers, all at once, none of them in this process.

    eval "$(./dev env)"; examples/vortex-app/app.py
"""

from __future__ import annotations

import asyncio
import pathlib
import subprocess
import sys
from typing import Any

from vortex_sandbox import PluginExecutor, SandboxError

HERE = pathlib.Path(__file__).resolve().parent

JOBS: dict[str, dict[str, Any]] = {
    "tag-cloud": {"tags": ["Python", "c++", "python", "rust", "C++", "python"]},
    "ledger": {"entries_cents": [1050, -200, 2**60]},
    "hostile": {},
    "heavy": {"mib": 500},
    "rates": {"currency": "EUR"},
    "upscale": {"image": "cat.png"},
    "broken": {"divisor": 0},
    "checksum": {"data": "naïve"},
}


async def run_one(executor: PluginExecutor, plugin_id: str) -> str:
    try:
        result = await executor.run(plugin_id, JOBS[plugin_id], budget_ms=5_000)
    except SandboxError as error:
        return f"{error.code}: {error}"
    if result.ok:
        text = f"returned {result.output}"
    elif result.failure is not None:
        text = f"{result.cause}: {result.failure.type}: {result.failure.message}"
    else:
        text = f"{result.cause}: {result.termination.message}"
    for denial in result.denials:
        text += f"\n             denied: {denial.action} {denial.target} ({denial.rule}, seen by {denial.witness})"
    return text


async def main() -> None:
    subprocess.run([HERE / "plugins/checksum/build"], check=True)
    async with PluginExecutor(policy=HERE / "policy.yaml", plugins=HERE / "plugins") as executor:
        async with asyncio.TaskGroup() as group:
            tasks = {plugin_id: group.create_task(run_one(executor, plugin_id)) for plugin_id in JOBS}
        for plugin_id, task in tasks.items():
            print(f"{plugin_id:12} {task.result()}")


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except SandboxError as error:
        sys.exit(f"vortex-app: {error}")
