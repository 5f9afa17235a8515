# SPDX-License-Identifier: Apache-2.0
"""A runner's numbers in a registry of prometheus_client (Debian: python3-prometheus-client), which the application exposes::

    from prometheus_client import REGISTRY
    REGISTRY.register(RunnerCollector(runner))
"""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from ._embedded import EmbeddedRunner


class RunnerCollector(Collector):
    """Asks the runner at each scrape."""

    def __init__(self, runner: EmbeddedRunner) -> None:
        self._runner = runner

    def collect(self) -> Iterable[Metric]:
        """The metric families of docs/user/metrics.md."""
        return text_string_to_metric_families(self._runner.metrics_text())  # type: ignore[no-any-return, no-untyped-call]

    def describe(self) -> Iterable[Metric]:
        """Nothing: registering must not look at the runner."""
        return []
