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

_IMPORT = re.compile(r'^import\s*\{([^}]*)\}\s*from\s*"(\.{1,2}/[^"]+)";\n?', re.MULTILINE)
_PASSED_ON = re.compile(r'^export\s*\{([^}]*)\}\s*from\s*"(\.{1,2}/[^"]+)";\n?', re.MULTILINE)
_ON_DEMAND = re.compile(r'\b(?:import|loadModule)\(["`](\.{1,2}/[^"`?]+)')
_EXPORT = re.compile(r"^export (?=(?:async function|function|class|const) (\w+))", re.MULTILINE)
_DECLARED = re.compile(r"^(?:export )?(?:async function|function|class|const|let) (\w+|[{\[])", re.MULTILINE)
_NOTHING = re.compile(r"^export \{\};\n?", re.MULTILINE)
_REST = re.compile(r"^(?:import\b(?!\()|export\b).*", re.MULTILINE)
_COMMENT = re.compile(r"/\*\*.*?\*/|^\s*//.*?$", re.DOTALL | re.MULTILINE)
# A field that says no more than that it is there: for those who read the class, and the type checker.
_FIELD = re.compile(r"^  (?!(?:return|break|continue|debugger);)\w+;.*\n", re.MULTILINE)
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
    given: dict[str, dict[str, None]] = {home: {} for home in groups}  # names that a file exports
    passed: dict[str, dict[str, list[str]]] = {home: {} for home in groups}  # names it exports from another
    for home in groups:
        for names, target in _PASSED_ON.findall(modules[home]):
            source = homes[resolved(home, target)]
            given[source].update(dict.fromkeys(_names(names)))
            if source != home:
                passed[home].setdefault(source, []).extend(_names(names))
        if home != entry:
            given[home].update(dict.fromkeys(_EXPORT.findall(modules[home])))
    joined = {home: _joined(modules, home, names, homes) for home, names in groups.items()}
    for taken, _ in joined.values():
        for source, found in taken.items():
            given[source].update(dict.fromkeys(found))
    # Nobody but these files imports from the entry: what it gives them bears no names that would have to be sent.
    short = {name: _short(number) for number, name in enumerate(given[entry])}
    made = dict(modules)
    for home, (taken, body) in joined.items():
        # What those need in turn is named too, so that a browser asks for all of it at once.
        further = _reached(joined, home) - taken.keys() - passed[home].keys() - {home, entry}
        ahead = "".join(f'import "{_relative(home, source)}";\n' for source in sorted(further))
        again = "".join(
            f"export {{ {', '.join(_passed(names, short if source == entry else {}))} }} from "
            f'"{_relative(home, source)}";\n'
            for source, names in passed[home].items()
        )
        made[home] = ahead + again + _file(home, taken, body, list(given[home]), entry, short)
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
    home: str, taken: Mapping[str, Sequence[str]], body: str, given: Sequence[str], entry: str, short: Mapping[str, str]
) -> str:
    """A file of joined modules: what it takes from others, by file, and the names it gives them."""
    imports, outside = "", []
    for source, names in taken.items():
        called = [short[name] if source == entry else name for name in names]
        imports += f'import {{ {", ".join(called)} }} from "{_relative(home, source)}";\n'
        outside += called
    inside = ", ".join(chain.from_iterable(taken.values()))
    # In a function of their own the names can be made short, those of what it takes too.
    if not given:
        return f"{imports}(({inside}) => {{\n{body}}})({', '.join(outside)});\n"
    inner = ", ".join(given)
    outer = ", ".join(short[name] if home == entry else name for name in given)
    return (
        f"{imports}const [{outer}] = (({inside}) => {{\n{body}return [{inner}];\n}})({', '.join(outside)});\n"
        f"export {{ {outer} }};\n"
    )


def _passed(names: Sequence[str], short: Mapping[str, str]) -> list[str]:
    return [f"{short[name]} as {name}" if name in short else name for name in names]


def _short(number: int) -> str:
    """A name for the number: a, b, ... z, a1, b1, ... so that none is a word of the language."""
    more, letter = divmod(number, 26)
    return chr(ord("a") + letter) + (f"{more}" if more else "")


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
) -> tuple[dict[str, list[str]], str]:
    """What a file takes from which other, and its modules one after the other."""
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
        for found, target in _IMPORT.findall(text):
            source = homes[resolved(name, target)]
            for wanted in _names(found):
                if source != home and wanted not in taken.setdefault(source, []):
                    taken[source].append(wanted)
        parts.append(_plain(home, name, text))
    for source, found in taken.items():
        for top in found:
            if top in declared:
                raise BundleError(f"{home}: the name {top!r} is imported from {source} and declared in {declared[top]}")
            declared[top] = source
    return taken, "".join(parts)


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


def _names(found: str) -> list[str]:
    """The names between the braces of an import or export."""
    return [part.strip() for part in found.split(",") if part.strip()]


def _plain(home: str, name: str, text: str) -> str:
    """A module of the file `home` without the words that make it one."""
    for names, _ in _IMPORT.findall(text):
        if " as " in names:
            raise BundleError(f"{name}: an import under another name")
    if name == home:
        text = _PASSED_ON.sub("", text)
    text = _FIELD.sub("", _NOTHING.sub("", _EXPORT.sub("", _IMPORT.sub("", text))))
    if rest := _REST.search(text):
        raise BundleError(f"{name}: {rest[0][:80]}")
    elsewhere = PurePosixPath(name).parent != PurePosixPath(home).parent
    if elsewhere and ("import.meta" in text or _ON_DEMAND.search(_COMMENT.sub("", text))):
        raise BundleError(f"{name}: a module in another folder than {home} that knows where it stands")
    return text if text.endswith("\n") else text + "\n"
