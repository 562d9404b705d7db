"""``python -m bench [NAME …]``: run the named benchmarks, or all of them; each prints its figures.

With ``REPORT=1`` the figures are written to ``docs/figures.md`` too.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys

import bench
from bench import figures

NAMES = sorted(
    module.name.removeprefix("bench_") for module in pkgutil.iter_modules(bench.__path__) if module.name[:6] == "bench_"
)


def main(names: list[str]) -> int:
    """Run the benchmarks; 2 if a name is unknown."""
    unknown = set(names) - set(NAMES)
    if unknown:
        sys.stderr.write(f"Unknown benchmark: {', '.join(sorted(unknown))}. Benchmarks: {', '.join(NAMES)}.\n")
        return 2
    for name in names or NAMES:
        importlib.import_module(f"bench.bench_{name}").run()
        figures.report(name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
