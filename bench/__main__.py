"""``python -m bench [NAME …]``: run the named benches, or all; each prints one table."""

from __future__ import annotations

import importlib
import pkgutil
import sys

import bench

NAMES = sorted(
    module.name.removeprefix("bench_") for module in pkgutil.iter_modules(bench.__path__) if module.name[:6] == "bench_"
)


def main(wanted: list[str]) -> int:
    """Run the benches; 2 when a name is unknown."""
    unknown = set(wanted) - set(NAMES)
    if unknown:
        sys.stderr.write(f"No such bench: {', '.join(sorted(unknown))}. There are: {', '.join(NAMES)}.\n")
        return 2
    for name in wanted or NAMES:
        importlib.import_module(f"bench.bench_{name}").run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
