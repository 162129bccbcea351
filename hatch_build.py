"""Packs the page's files into the wheel: one small script, minified and compressed (server/commands/packing.py)."""

import platform
import shutil
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PackingHook(BuildHookInterface):  # type: ignore[type-arg]
    """Puts server/_static into a wheel; an editable install serves static/ itself."""

    def dependencies(self) -> list[str]:
        """What packing needs, where it is to be had without a compiler; elsewhere the files go in as they are."""
        musl = "musl" in (sysconfig.get_config_var("HOST_GNU_TYPE") or "")
        old_mac = sys.platform == "darwin" and platform.machine() != "arm64"
        return [] if musl or old_mac else list(self.metadata.core.optional_dependencies["page"])

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        sys.path.insert(0, self.root)
        from server.commands.packing import pack

        source = Path(self.root) / "static"
        into = Path(self.directory).resolve() / "static"
        shutil.rmtree(into, ignore_errors=True)
        try:
            pack(source, into)
        except ImportError as error:
            self.app.display_warning(f"the page's files are not packed: {error}")
            into = source
        build_data["force_include"][str(into)] = "server/_static"
