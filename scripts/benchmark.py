"""How fast, and in how much memory: the trials that docs/performance.md reports, each a command that prints its table.

Every trial compares with something people use today, in one run and taking turns, so that whatever else the machine
does meets both alike. A new trial is a module in `benchmarks`, added below.
"""

from __future__ import annotations

import click
from benchmarks.cluster import cluster
from benchmarks.film import steadiness, video
from benchmarks.folder import first, folder
from benchmarks.forward import forward
from benchmarks.guidance import guidance, guidance_edges, guidance_times
from benchmarks.jpeg_luma import jpeg_luma
from benchmarks.networks import networks
from benchmarks.objects import objects
from benchmarks.recombine import recombine
from benchmarks.shots import same_place, shots
from benchmarks.students import students
from benchmarks.whole_film import film


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def benchmark() -> None:
    """Measure speed and memory; print a table in Markdown."""


benchmark.add_command(cluster)
benchmark.add_command(film)
benchmark.add_command(first)
benchmark.add_command(folder)
benchmark.add_command(forward)
benchmark.add_command(guidance)
benchmark.add_command(guidance_edges)
benchmark.add_command(guidance_times)
benchmark.add_command(jpeg_luma)
benchmark.add_command(networks)
benchmark.add_command(objects)
benchmark.add_command(recombine)
benchmark.add_command(same_place)
benchmark.add_command(shots)
benchmark.add_command(steadiness)
benchmark.add_command(students)
benchmark.add_command(video)

if __name__ == "__main__":
    benchmark()
