"""Makes one script of the modules that are loaded at once, so that a reader waits for one answer and not for fifteen.

Understands only how static/ is written: named imports of relative modules at the start of a line, exported
declarations, no cycles, no two modules of a script with a top-level name in common. Anything else is a BundleError,
never a wrong bundle. What is loaded on demand becomes a script of its own and takes what it shares with others from
theirs, so that no module runs twice. Reads no file and minifies nothing.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import PurePosixPath
from string import ascii_lowercase

_IMPORT = re.compile(r'^import\s*\{([^}]*)\}\s*from\s*"(\.{1,2}/[^"]+)";\n?', re.MULTILINE)
_PASSED_ON = re.compile(r'^export\s*\{([^}]*)\}\s*from\s*"(\.{1,2}/[^"]+)";\n?', re.MULTILINE)
_ON_DEMAND = re.compile(r'\b(?:import|loadModule)\(["`](\.{1,2}/[^"`?]+)')
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


def bundle(modules: Mapping[str, str], entry: str, parts: Sequence[str] = ()) -> dict[str, str]:
    """The same modules, `entry` holding all it imports, and each that is loaded on demand what only it does.

    What several of those share stays a file of its own, or stands in the first of `parts` that imports it. Raises
    BundleError.
    """
    homes = _homes(modules, entry, parts)  # of every module that is loaded: the file it is in
    groups: dict[str, list[str]] = {}
    for name, home in homes.items():
        groups.setdefault(home, []).append(name)
    shared: dict[tuple[str, str], str] = {}  # a name that one file takes from another, by what it is called in between
    joined = {home: _joined(modules, home, names, homes, shared) for home, names in groups.items()}
    made = dict(modules)
    for home, (taken, body) in joined.items():
        given = {short: name for (source, name), short in shared.items() if source == home}
        exported = {} if home == entry else {name: name for name in _exported(modules[home])}
        # What those need in turn is named too, so that a browser asks for all of it at once.
        further = _reached(joined, home) - taken.keys() - {home, entry}
        ahead = "".join(f'import "{_relative(home, source)}";\n' for source in sorted(further))
        made[home] = ahead + _file(home, taken, body, {**given, **exported}, shared)
    return made


def _reached(joined: Mapping[str, tuple[Mapping[str, Sequence[str]], str]], home: str) -> set[str]:
    """The files that a file imports, directly or not, and itself."""
    found: set[str] = set()
    waiting = [home]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += joined[name][0]
    return found


def _file(
    home: str,
    taken: Mapping[str, Sequence[str]],
    body: str,
    given: Mapping[str, str],
    shared: Mapping[tuple[str, str], str],
) -> str:
    """A file of joined modules: what it takes from others, by file, and what it gives them, by the name they know."""
    imports = "".join(
        f'import {{ {", ".join(shared[source, name] for name in names)} }} from "{_relative(home, source)}";\n'
        for source, names in taken.items()
    )
    names = ", ".join(chain.from_iterable(taken.values()))
    values = ", ".join(shared[source, name] for source, names in taken.items() for name in names)
    # In a function of their own the names can be made short, those of what it takes too.
    if not given:
        return f"{imports}(({names}) => {{\n{body}}})({values});\n"
    return (
        f"{imports}const [{', '.join(given)}] = (({names}) => {{\n{body}return [{', '.join(given.values())}];\n"
        f"}})({values});\nexport {{ {', '.join(given)} }};\n"
    )


def _homes(modules: Mapping[str, str], entry: str, parts: Sequence[str]) -> dict[str, str]:
    """The file that each module is put into; a module comes after all that it imports."""
    homes: dict[str, str] = {}
    for part in (entry, *parts):
        homes.update({name: part for name in _ordered(modules, part) if name not in homes})
    roots: dict[str, list[str]] = {}  # on demand -> what else comes with it
    waiting = list(homes)
    while waiting:
        code = _COMMENT.sub("", modules[name := waiting.pop()])
        for target in (resolved(name, found) for found in _ON_DEMAND.findall(code)):
            if target in modules and target not in homes and target not in roots:
                roots[target] = [found for found in _ordered(modules, target) if found not in homes]
                waiting += roots[target]
    for root, found in roots.items():
        others = set(chain.from_iterable(names for other, names in roots.items() if other != root))
        homes.update({name: name if name in others else root for name in found if name == root or name not in homes})
        homes[root] = root
    return homes


def _joined(
    modules: Mapping[str, str],
    home: str,
    names: Sequence[str],
    homes: Mapping[str, str],
    shared: dict[tuple[str, str], str],
) -> tuple[dict[str, list[str]], str]:
    """What a file takes from which other, added to `shared`, and its modules one after the other."""
    declared: dict[str, str] = {}
    taken: dict[str, list[str]] = {}
    parts = []
    for name in names:
        text = modules[name]
        for top in _DECLARED.findall(text):
            if not top.isidentifier() or top in _BROWSER or top in declared:
                raise BundleError(
                    f"{name}: the top-level name {top!r} is taken, by {declared.get(top, 'the language')}"
                )
            declared[top] = name
        passed_on = _PASSED_ON.findall(text) if name == home else []
        for found, target in _IMPORT.findall(text) + passed_on:
            source = homes[resolved(name, target)]
            for wanted in (part.strip() for part in found.split(",") if part.strip()):
                if source != home and wanted not in taken.setdefault(source, []):
                    taken[source].append(wanted)
                    shared.setdefault((source, wanted), _short(len(shared)))
        parts.append(_plain(home, name, text))
    for source, found in taken.items():
        for top in found:
            if top in declared:
                raise BundleError(f"{home}: the name {top!r} is imported from {source} and declared in {declared[top]}")
            declared[top] = source
    return taken, "".join(parts)


def _short(number: int) -> str:
    """The name with this number: a … z, then aa …"""
    first, last = divmod(number, len(ascii_lowercase))
    return f"{_short(first - 1) if first else ''}{ascii_lowercase[last]}{'$' if first else ''}"


def resolved(name: str, target: str) -> str:
    """The name of the file that `name` imports as `target`, which begins with ./ or ../"""
    parts = list(PurePosixPath(name).parent.parts)
    for part in target.split("/"):
        if part == "..":
            del parts[-1:]
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def _relative(name: str, target: str) -> str:
    """How `name` imports the file `target`."""
    up = "../" * (len(PurePosixPath(name).parts) - 1)
    return f"{up or './'}{target}"


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
        for _, target in _IMPORT.findall(modules[name]) + _PASSED_ON.findall(modules[name]):
            visit(resolved(name, target))
        opened.pop()
        order.append(name)

    visit(entry)
    return order


def _exported(text: str) -> list[str]:
    """The names that a module exports."""
    passed_on = [part.strip() for names, _ in _PASSED_ON.findall(text) for part in names.split(",") if part.strip()]
    return [*_EXPORT.findall(text), *passed_on]


def _plain(home: str, name: str, text: str) -> str:
    """A module of the file `home` without the words that make it one."""
    for names, _ in _IMPORT.findall(text):
        if " as " in names:
            raise BundleError(f"{name}: an import under another name")
    if name == home:
        text = _PASSED_ON.sub("", text)
    text = _NOTHING.sub("", _EXPORT.sub("", _IMPORT.sub("", text)))
    if rest := _REST.search(text):
        raise BundleError(f"{name}: {rest[0][:80]}")
    elsewhere = PurePosixPath(name).parent != PurePosixPath(home).parent
    if elsewhere and ("import.meta" in text or _ON_DEMAND.search(_COMMENT.sub("", text))):
        raise BundleError(f"{name}: a module in another folder than {home} that knows where it stands")
    return text if text.endswith("\n") else text + "\n"
