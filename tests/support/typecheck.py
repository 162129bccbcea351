"""`python -m tests.support.typecheck`: tsc --checkJs over static/, with TypeScript from npm in node_modules/."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.support import provision

ROOT = Path(__file__).resolve().parents[2]


def _typescript_is(version: str) -> bool:
    try:
        package = json.loads((ROOT / "node_modules/typescript/package.json").read_text("utf-8"))
    except OSError:
        return False
    return bool(package["version"] == version)


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
    # npm is a script that looks for its own node on PATH.
    environment = {**os.environ, "PATH": f"{Path(node.where).parent}{os.pathsep}{os.environ['PATH']}"}
    wanted = json.loads((ROOT / "package.json").read_text("utf-8"))["devDependencies"]["typescript"]
    if not _typescript_is(wanted):
        install = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"]
        if subprocess.run(install, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL).returncode != 0:
            print(f"tsc: npm could not install typescript {wanted} (see above)", file=sys.stderr)
            return 1
    tsc = [node.where, os.fspath(ROOT / "node_modules/typescript/bin/tsc"), "--project", os.fspath(ROOT)]
    return subprocess.run(tsc, cwd=ROOT, env=environment).returncode


if __name__ == "__main__":
    raise SystemExit(main())
