"""Ray clusters on one computer: several of Ray's nodes, each of which takes itself for a machine with one core."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

OBJECT_STORE = 100 << 20
"""Bytes, for each node; Ray would take a third of the memory."""

QUIET = {"RAY_USAGE_STATS_ENABLED": "0"}


@contextmanager
def two_nodes() -> Iterator[Any]:
    """A cluster of two nodes; all of its processes end with this."""
    from ray.cluster_utils import Cluster

    with mock.patch.dict(os.environ, QUIET):
        head = {"num_cpus": 1, "object_store_memory": OBJECT_STORE, "include_dashboard": False}
        cluster = Cluster(initialize_head=True, connect=False, head_node_args=head)
        try:
            add_node(cluster)
            yield cluster
        finally:
            cluster.shutdown()


def add_node(cluster: Any, **resources: int) -> Any:
    """Another node, which others see as soon as this returns."""
    with mock.patch.dict(os.environ, QUIET):
        return cluster.add_node(num_cpus=1, object_store_memory=OBJECT_STORE, **resources)


def kill_node(cluster: Any, node: Any) -> None:
    """A node gone without a word, with all of its processes."""
    cluster.remove_node(node, allow_graceful=False)
