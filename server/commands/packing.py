"""`python -m server.commands.packing FROM INTO`: the files of static/ as they are sent, small and compressed.

Writes every file of a folder into another: the modules of a page as one script, scripts and styles minified, and
beside each text `NAME.br`, its brotli form. Needs the packages `minify-go` and `brotli`, which only building a wheel
and a checkout's server use; run as a process of its own, because the minifier brings a runtime that a server should not
carry.
"""

import shutil
import sys
from pathlib import Path

from server.bundle import bundle

ENTRY = "ripost.js"
PARTS = ("drawing.js", "placing.js", "acting.js")  # loaded on demand, and shared by what comes after
_KINDS = {".js": "text/javascript", ".css": "text/css", ".json": "application/json", ".svg": "image/svg+xml"}
_LEAST = 200  # bytes; smaller files do not become smaller


def pack(source: Path, into: Path) -> None:
    """Fills the folder `into`. Raises ImportError without the packages, BundleError for a module it cannot join."""
    import brotli  # type: ignore[import-untyped]
    import minify  # type: ignore[import-untyped]

    names = [path.relative_to(source).as_posix() for path in sorted(source.rglob("*")) if path.is_file()]
    scripts = {name: (source / name).read_text("utf-8") for name in names if name.endswith(".js")}
    texts = bundle(scripts, ENTRY, PARTS)
    for name in names:
        target = into / name
        target.parent.mkdir(parents=True, exist_ok=True)
        kind = _KINDS.get(target.suffix)
        if kind is None:
            shutil.copyfile(source / name, target)
            continue
        content = minify.string(kind, texts.get(name) or (source / name).read_text("utf-8")).encode()
        target.write_bytes(content)
        if len(content) >= _LEAST:
            target.with_name(f"{target.name}.br").write_bytes(brotli.compress(content, quality=11))


if __name__ == "__main__":
    pack(Path(sys.argv[1]), Path(sys.argv[2]))
