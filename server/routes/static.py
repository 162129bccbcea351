"""The files of static/ over HTTP, open to every page on the web: the client, its style, and what our own pages need.

All of it is read once, before the first request; nothing is looked for on the disk afterwards, so a path cannot lead
anywhere else. A wheel holds the files packed (one script of the modules a page loads at once, minified, compressed:
server/commands/packing.py); in a checkout they are packed when the server starts, or served as they are where the
packages for that are missing. A file has three addresses: `/static/NAME` (revalidated by ETag at each use),
`/static/NAME?v=HASH` of its content, and `/static/v-HASH/NAME` of all files together; the last two are kept for a year.
Pages use the last: modules import each other by relative paths, which stay in that folder.
"""

import gzip
import hashlib
import logging
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.bundle import resolved
from server.errors import NotFound
from server.routes import compression

_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}
_COMPRESSED = frozenset({".js", ".css", ".json", ".svg", ".txt"})
_IMPORT = re.compile(r"^(?:import|export)\b[^;]*?\bfrom\s*[\"'](\.{1,2}/[^\"']+)[\"']", re.MULTILINE)
_IN_VERSION = re.compile(r"v-[0-9a-f]{12}/(.+)", re.DOTALL)
_YEAR = "public, max-age=31536000, immutable"
_PATIENCE = 30  # seconds for packing, which takes half of one

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: its bytes, and compressed ones by content coding, where that makes it smaller, the smallest first."""

    content: bytes
    compressed: Mapping[str, bytes]
    media_type: str
    hash: str


@dataclass(frozen=True, slots=True)
class Assets:
    """Every file by its name under static/, and the version of them all."""

    files: Mapping[str, Asset]
    version: str

    @classmethod
    def load(cls, folder: Path) -> "Assets":
        """Reads a folder. Files of other types, and hidden ones, are not served."""
        files = {}
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            hidden = any(part.startswith(".") for part in name.split("/"))
            if path.suffix in _TYPES and path.is_file() and not hidden:
                content = path.read_bytes()
                forms = {}
                if (brotli := path.with_name(f"{path.name}.br")).is_file():
                    forms["br"] = brotli.read_bytes()
                if path.suffix in _COMPRESSED:
                    forms["gzip"] = gzip.compress(content, 9, mtime=0)
                small = {coding: form for coding, form in forms.items() if len(form) < len(content)}
                files[name] = Asset(content, small, _TYPES[path.suffix], hashlib.sha256(content).hexdigest()[:16])
        everything = "\n".join(f"{name} {asset.hash}" for name, asset in files.items())
        return cls(files, hashlib.sha256(everything.encode()).hexdigest()[:12])

    @property
    def path(self) -> str:
        """The folder under which these very files may be kept for ever."""
        return f"/static/v-{self.version}"

    def modules(self, entry: str) -> tuple[str, ...]:
        """The modules that `entry` imports, directly or not, without those it loads when they are needed."""
        found: dict[str, None] = {}
        waiting = [entry]
        while waiting:
            name = waiting.pop()
            if name in found or name not in self.files:
                continue
            found[name] = None
            text = self.files[name].content.decode()
            waiting += [resolved(name, target) for target in _IMPORT.findall(text)]
        return tuple(name for name in found if name != entry)


@cache
def assets() -> Assets:
    """The files of this program: in a wheel inside the package, in a checkout beside it."""
    package = Path(__file__).resolve().parents[1]
    packed = package / "_static"
    return Assets.load(packed) if packed.is_dir() else _packed(package.parent / "static")


def _packed(folder: Path) -> Assets:
    """The files of a checkout, packed; as they are where that cannot be done."""
    command = [sys.executable, "-m", "server.commands.packing", str(folder)]
    with tempfile.TemporaryDirectory(prefix="ripost-static-") as into:
        try:
            subprocess.run([*command, into], cwd=folder.parent, check=True, capture_output=True, timeout=_PATIENCE)
            return Assets.load(Path(into))
        except (OSError, subprocess.SubprocessError) as error:
            said = getattr(error, "stderr", None) or str(error).encode()
            reason = said.decode(errors="replace").strip().rpartition("\n")[2]
            _log.info("The page's files are served one by one, larger than need be: %s", reason)
    return Assets.load(folder)


async def file(request: Request) -> Response:
    """One file. Raises NotFound."""
    known, name = assets(), request.path_params["name"]
    versioned = _IN_VERSION.fullmatch(name)
    asset = known.files.get(versioned[1] if versioned else name)
    if asset is None:
        raise NotFound(f"there is no {request.url.path}")
    # An older version's address gives the present file: a page that was open during an update goes on working.
    fixed = name.startswith(f"v-{known.version}/") or request.query_params.get("v") == asset.hash
    etag = f'W/"{asset.hash}"'
    headers = {
        "Cache-Control": _YEAR if fixed else "no-cache",
        "ETag": etag,
        "Vary": "Accept-Encoding",
        "Access-Control-Allow-Origin": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    if compression.is_known(request, etag):
        return Response(status_code=304, headers=headers)
    for coding, form in asset.compressed.items():
        if compression.is_accepted(request, coding):
            headers["Content-Encoding"] = coding
            return Response(form, headers=headers, media_type=asset.media_type)
    return Response(asset.content, headers=headers, media_type=asset.media_type)


routes = [Route("/static/{name:path}", file, methods=["GET"])]
