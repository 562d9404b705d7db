"""Builds the single file of the offline verifier from its parts."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

#: In the order of their imports.
PARTS = (
    *("hash_trees", "package_reader", "stamp_file", "chain_check", "document_proof", "stamp_check"),
    *("kept_roots", "verify_command"),
)
FOLDER = Path(__file__).with_name("offline")
NAME = "verify.py"
HEADER = '''#!/usr/bin/env python3
"""Offline verifier of evidence packages of Invoice Hub: ``python3 verify.py PACKAGE``.

It needs Python 3.10 or later and nothing else; it connects to nothing. PACKAGE is the ZIP file, or the folder that it
was unpacked to. ``--known FILE`` and ``--root DAY=ROOT`` name roots that you kept. The format is described in
docs/evidence.md of Invoice Hub. Exit status: 0 unchanged, 1 changed, 2 unreadable.
"""

from __future__ import annotations

'''
FOOTER = """

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
"""


@cache
def verifier_source() -> str:
    """The source of the verifier, which imports the standard library only."""
    imports: set[str] = set()
    bodies: list[str] = []
    for part in PARTS:
        source = (FOLDER / f"{part}.py").read_text()
        nodes = [node for node in ast.parse(source).body if isinstance(node, ast.Import | ast.ImportFrom)]
        imports |= {ast.unparse(node) for node in nodes if not _is_own(node)}
        last_line = max(node.end_lineno or 0 for node in nodes)
        bodies.append("\n".join(source.splitlines()[last_line:]).strip())
    return HEADER + "\n".join(sorted(imports)) + "\n\n" + "\n\n\n".join(bodies) + FOOTER


def _is_own(node: ast.Import | ast.ImportFrom) -> bool:
    return isinstance(node, ast.ImportFrom) and (node.module or "").startswith(("app.", "__future__"))
