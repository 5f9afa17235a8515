# SPDX-License-Identifier: Apache-2.0
"""An entrypoint may be async: the harness runs it in an event loop of its own."""
import asyncio


async def stage(function, source, sink):
    while (item := await source.get()) is not None:
        await sink.put(function(item))
    await sink.put(None)


async def run(payload):
    first, second, third = (asyncio.Queue(maxsize=4) for _ in range(3))
    stages = [asyncio.create_task(stage(str.strip, first, second)),
              asyncio.create_task(stage(str.upper, second, third))]
    results = []

    async def collect():
        while (item := await third.get()) is not None:
            results.append(item)

    collector = asyncio.create_task(collect())
    for item in payload["items"]:
        await first.put(item)
    await first.put(None)
    await asyncio.gather(*stages, collector)
    return results
