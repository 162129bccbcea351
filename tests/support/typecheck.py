"""`python -m tests.support.typecheck`: tsc --checkJs over static/, with TypeScript from npm in node_modules/."""

import os
import subprocess
import sys
from pathlib import Path

from tests.support import npm, provision

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Exit status of tsc; 1 when Node or TypeScript cannot be had."""
    if not any((ROOT / "static").rglob("*.js")):
        print("tsc: nothing to check, static/ has no .js yet")
        return 0
    if not provision.provide(("node",)):
        return 1
    node = provision.find_node()
    if node is None:
        print("tsc: skipped with node")
        return 0
    typescript = npm.package("typescript", node)
    if typescript is None:
        print("tsc: npm could not install typescript (see above)", file=sys.stderr)
        return 1
    tsc = [node.where, os.fspath(typescript / "bin/tsc"), "--project", os.fspath(ROOT)]
    return subprocess.run(tsc, cwd=ROOT, env=npm.environment(node.where)).returncode


if __name__ == "__main__":
    raise SystemExit(main())
