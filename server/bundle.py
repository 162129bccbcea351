"""Makes one script of the modules that a page loads at once, so that a reader waits for one answer and not for fifteen.

Understands only how static/ is written: named imports of relative modules at the start of a line, exported
declarations, no cycles, no two modules with a top-level name in common. Anything else is a BundleError, never a wrong
bundle. What is loaded on demand stays a file of its own and takes what it shares with the page from the bundle, so that
no module runs twice. Reads no file and minifies nothing.
"""

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

_IMPORT = re.compile(r'^import\s*\{([^}]*)\}\s*from\s*"(\.{1,2}/[^"]+)";\n?', re.MULTILINE)
_ON_DEMAND = re.compile(r'\bimport\(["`](\.{1,2}/[^"`?]+)')
_EXPORT = re.compile(r"^export (?=(?:async function|function|class|const) (\w+))", re.MULTILINE)
_DECLARED = re.compile(r"^(?:export )?(?:async function|function|class|const|let) (\w+|[{\[])", re.MULTILINE)
_NOTHING = re.compile(r"^export \{\};\n?", re.MULTILINE)
_REST = re.compile(r"^(?:import\b(?!\()|export\b).*", re.MULTILINE)
_COMMENT = re.compile(r"/\*\*.*?\*/|^\s*//.*?$", re.DOTALL | re.MULTILINE)
# A top-level name of one module must not hide what another one takes for the browser's.
_BROWSER = frozenset(
    {"document", "window", "location", "history", "navigator", "fetch", "name", "status", "event", "top"}
)


class BundleError(ValueError):
    """A module is written in a way that is not understood here."""


def bundle(modules: Mapping[str, str], entry: str) -> dict[str, str]:
    """The same modules, with `entry` holding all it imports, and what it loads on demand importing from `entry`.

    Raises BundleError.
    """
    order = _ordered(modules, entry)
    inside = frozenset(order)
    lazy = _on_demand(modules, order)
    changed, shared = {}, dict[str, None]()
    for name in sorted(lazy - inside):
        changed[name] = _rewritten(name, modules[name], inside, entry, shared)
    declared: dict[str, str] = {}
    parts = []
    for name in order:
        for top in _DECLARED.findall(modules[name]):
            if not top.isidentifier() or top in _BROWSER or top in declared:
                raise BundleError(
                    f"{name}: the top-level name {top!r} is taken, by {declared.get(top, 'the language')}"
                )
            declared[top] = name
        parts.append(_plain(name, modules[name]))
    for top in shared:
        if top not in declared:
            raise BundleError(f"{top!r} is imported, but {entry} does not hold it")
    names = ", ".join(shared)
    body = "".join(parts)
    # In a function of their own the names can be made short.
    exported = f"const [{names}] = (() => {{\n{body}return [{names}];\n}})();\nexport {{ {names} }};\n"
    changed[entry] = exported if shared else f"(() => {{\n{body}}})();\n"
    return {**modules, **changed}


def resolved(name: str, target: str) -> str:
    """The name of the file that `name` imports as `target`, which begins with ./ or ../"""
    parts = list(PurePosixPath(name).parent.parts)
    for part in target.split("/"):
        if part == "..":
            del parts[-1:]
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def _ordered(modules: Mapping[str, str], entry: str) -> list[str]:
    """What `entry` imports, directly or not, each after all that it imports itself."""
    order: list[str] = []
    opened: list[str] = []

    def visit(name: str) -> None:
        if name in order:
            return
        if name in opened or name not in modules:
            raise BundleError(f"{name} is imported {'in a circle' if name in opened else 'but is not there'}")
        opened.append(name)
        for _, target in _IMPORT.findall(modules[name]):
            visit(resolved(name, target))
        opened.pop()
        order.append(name)

    visit(entry)
    return order


def _on_demand(modules: Mapping[str, str], order: list[str]) -> frozenset[str]:
    """What may be loaded later, and all that this loads."""
    found: set[str] = set()
    waiting = list(order)
    while waiting:
        name = waiting.pop()
        code = _COMMENT.sub("", modules[name])
        targets = _ON_DEMAND.findall(code)
        if name in found:
            targets += [target for _, target in _IMPORT.findall(code)]
        for target in (resolved(name, target) for target in targets):
            if target in modules and target not in found and target not in order:
                found.add(target)
                waiting.append(target)
    return frozenset(found)


def _rewritten(name: str, text: str, inside: frozenset[str], entry: str, shared: dict[str, None]) -> str:
    """A module that is loaded on demand, taking from `entry` what is inside it; those names are added to `shared`."""
    home = "../" * (len(PurePosixPath(name).parts) - 1) or "./"

    def replaced(found: re.Match[str]) -> str:
        if resolved(name, found[2]) not in inside:
            return found[0]
        shared.update(dict.fromkeys(part.split()[0] for part in found[1].split(",") if part.strip()))
        return f'import {{{found[1]}}} from "{home}{entry}";\n'

    return _IMPORT.sub(replaced, text)


def _plain(name: str, text: str) -> str:
    """A module without the words that make it one."""
    for names, _ in _IMPORT.findall(text):
        if " as " in names:
            raise BundleError(f"{name}: an import under another name")
    text = _NOTHING.sub("", _EXPORT.sub("", _IMPORT.sub("", text)))
    if rest := _REST.search(text):
        raise BundleError(f"{name}: {rest[0][:80]}")
    if "/" in name and ("import.meta" in text or _ON_DEMAND.search(_COMMENT.sub("", text))):
        raise BundleError(f"{name}: a module in a folder that knows where it stands")
    return text if text.endswith("\n") else text + "\n"
