"""The program's structure as a test: who imports whom, who may wait, who reads the environment, how long files are.

Imports go one way, from the commands down to the words, which import nothing of ours but other words. A rule decides
from what it is given: it has no clock, no chance, no file and nothing to await, which is what makes it easy to test.
"""

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HARD_LIMIT = 600  # lines; past 400 a module should become a folder of the same name

# From the top to the bottom: a module imports what stands in a row below its own.
LAYERS: tuple[frozenset[str], ...] = (
    frozenset({"app", "cli", "commands", "demo", "serving", "__main__"}),
    frozenset({"routes", "middleware"}),
    frozenset({"actions", "auth", "jobs", "follower", "lag", "peer", "pulse", "relay", "snapshots", "state"}),
    frozenset({"storage", "broker", "transport", "notify"}),
    frozenset(
        {
            "events", "session", "frames", "hub", "presence", "tallies", "limits", "moderation", "names", "characters", "slugs", "web_links",
            "markdown", "bodies", "cursors", "sessions", "render", "importers", "metrics", "fold", "markup", "bundle",
        }
    ),
    frozenset({"config", "errors", "models", "times"}),
)  # fmt: skip
FAMILIES = LAYERS[3]  # siblings that never import each other
RULES = LAYERS[4]

# What gives a rule time, chance or a way out of the process. `datetime` and `time` are fine as types and formats.
FORBIDDEN_IMPORTS = frozenset(
    {
        "random",
        "secrets",
        "asyncio",
        "socket",
        "subprocess",
        "threading",
        "sqlite3",
        "sqlalchemy",
        "ssl",
        "urllib.request",
    }
)
FORBIDDEN_CALLS = frozenset(
    {
        "open", "input", "print",
        "time.time", "time.time_ns", "time.monotonic", "time.monotonic_ns", "time.perf_counter", "time.sleep",
        "datetime.now", "datetime.utcnow", "datetime.today", "date.today",
        "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.date.today",
        "uuid.uuid1", "uuid.uuid4", "uuid4", "uuid1", "os.urandom", "os.getpid",
    }
)  # fmt: skip


def sources() -> list[Path]:
    return sorted((ROOT / "server").rglob("*.py"))


def dotted(path: Path) -> str:
    """`server/storage/articles.py` is `storage.articles`; a package is its folder."""
    parts = path.relative_to(ROOT / "server").with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def noun(module: str) -> str:
    """The first part of a module's name: what the layers are made of."""
    return module.split(".")[0]


def layer_of(name: str) -> int:
    for number, names in enumerate(LAYERS):
        if name in names:
            return number
    raise AssertionError(
        f"server/{name} stands in no layer: add it to LAYERS in tests/test_layers.py, where it belongs"
    )


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), filename=str(path))


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """Line and full dotted name of everything that a file imports, wherever in it; `from x import y` gives `x.y`."""
    package = ["server", *dotted(path).split(".")]
    if path.name != "__init__.py":
        package.pop()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                yield node.lineno, f"{source}.{alias.name}"


def ours(name: str) -> str | None:
    """The part of an imported name after `server.`, or None when it is somebody else's."""
    if name == "server":
        return ""
    if not name.startswith("server."):
        return None
    rest = name.removeprefix("server.")
    # `from server import __version__` names no module.
    first = noun(rest)
    return rest if (ROOT / "server" / first).is_dir() or (ROOT / "server" / f"{first}.py").is_file() else ""


def calls(path: Path) -> Iterator[tuple[int, str]]:
    """Line and written name of everything that a file calls: `datetime.now`, `open`."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Call):
            with_dots = ast.unparse(node.func)
            if all(part.isidentifier() for part in with_dots.split(".")):
                yield node.lineno, with_dots


def place(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def rules() -> list[Path]:
    return [path for path in sources() if noun(dotted(path)) in RULES]


def test_every_module_stands_in_a_layer() -> None:
    known = frozenset().union(*LAYERS)
    strange = {noun(dotted(path)) for path in sources()} - known - {""}
    assert not strange, f"say in LAYERS of tests/test_layers.py where these belong: {sorted(strange)}"


def test_imports_go_one_way() -> None:
    wrong = []
    for path in sources():
        here = noun(dotted(path))
        for line, name in imported(path) if here else ():
            target = ours(name)
            if target is None or noun(target) in ("", here):
                continue
            there = noun(target)
            from_layer, to_layer = layer_of(here), layer_of(there)
            siblings = from_layer == to_layer
            allowed = to_layer > from_layer or (siblings and here not in FAMILIES)
            if not allowed:
                why = "siblings never import each other" if siblings else f"{there} stands above {here}"
                wrong.append(f"{place(path, line)} imports {name}: {why}")
    assert not wrong, "\n" + "\n".join(wrong)


def test_the_package_itself_imports_nothing_of_ours() -> None:
    wrong = [name for _, name in imported(ROOT / "server" / "__init__.py") if ours(name) is not None]
    assert not wrong, wrong


def test_no_modules_import_each_other() -> None:
    modules = {dotted(path): path for path in sources()}
    graph: dict[str, set[str]] = {}
    for module, path in modules.items():
        # `from server.storage import articles` names a module, `from server.errors import NotFound` a thing in one.
        targets = {target for _, name in imported(path) if (target := ours(name))}
        graph[module] = {
            target if target in modules else target.rpartition(".")[0] for target in targets
        } & modules.keys() - {module}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail("modules import each other: " + " -> ".join(reversed(error.args[1])), pytrace=False)


def test_rules_have_no_clock_no_chance_and_no_way_out() -> None:
    wrong = []
    for path in rules():
        for line, name in imported(path):
            if any(name == banned or name.startswith(f"{banned}.") for banned in FORBIDDEN_IMPORTS):
                wrong.append(f"{place(path, line)} imports {name}")
        for line, name in calls(path):
            if name in FORBIDDEN_CALLS:
                wrong.append(f"{place(path, line)} calls {name}()")
    assert not wrong, "\n" + "\n".join(wrong)


def test_rules_never_wait() -> None:
    waiting = (ast.Await, ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith)
    wrong = [
        place(path, node.lineno) for path in rules() for node in ast.walk(tree_of(path)) if isinstance(node, waiting)
    ]
    assert not wrong, f"a rule is made of plain functions: {wrong}"


def test_only_config_reads_the_environment() -> None:
    readers = {"environ", "environb", "getenv", "getenvb", "putenv"}
    wrong = []
    for path in sources():
        if dotted(path) == "config":
            continue
        for node in ast.walk(tree_of(path)):
            attribute = isinstance(node, ast.Attribute) and node.attr in readers and ast.unparse(node.value) == "os"
            name = isinstance(node, ast.ImportFrom) and node.module == "os" and readers & {a.name for a in node.names}
            if attribute or name:
                wrong.append(place(path, node.lineno))
    assert not wrong, f"only server/config.py reads the environment: {wrong}"


def test_only_a_write_transaction_appends_events() -> None:
    """Law 1: nobody outside actions/ and storage/ names the function that appends to a log."""
    wrong = [
        f"{place(path, line)} imports {name}"
        for path in sources()
        if noun(dotted(path)) not in {"actions", "storage"}
        for line, name in imported(path)
        if name in {"server.storage.event_log.append", "server.storage.event_log.rewrite"}
    ]
    assert not wrong, "\n" + "\n".join(wrong)


def test_every_module_says_what_it_owns() -> None:
    silent = [str(path.relative_to(ROOT)) for path in sources() if not ast.get_docstring(tree_of(path))]
    assert not silent, f"a module opens with a paragraph: what it owns, what it promises, what it never does: {silent}"


def test_nothing_is_called_after_nothing() -> None:
    """A module is named after a noun of the domain, which tells a reader what is in it."""
    empty = {"utils", "util", "helpers", "helper", "manager", "managers", "service", "services", "common", "misc"}
    wrong = [
        str(path.relative_to(ROOT))
        for folder in ("server", "static", "tests")
        for path in (ROOT / folder).rglob("*")
        if "artifacts" not in path.parts
        and path.suffix in {".py", ".js"}
        and empty & {path.stem, *path.relative_to(ROOT).parts}
    ]
    assert not wrong, wrong


@pytest.mark.parametrize("folder", ["server", "static", "tests"])
def test_no_file_is_too_long_to_read(folder: str) -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for suffix in ("*.py", "*.js")
        for path in (ROOT / folder).rglob(suffix)
        if "artifacts" not in path.parts and (lines := len(path.read_text("utf-8").splitlines())) > HARD_LIMIT
    }
    assert not long, f"over {HARD_LIMIT} lines; make a folder of the same name: {long}"
