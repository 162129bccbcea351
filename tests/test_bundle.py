"""One script of many modules: nothing twice, nothing missing, and never a guess."""

import re
import subprocess
from pathlib import Path

import pytest

from server.bundle import BundleError, bundle, resolved
from server.commands.packing import ENTRY, PARTS
from tests.support import provision

STATIC = Path(__file__).resolve().parents[1] / "static"


def test_a_module_comes_once_and_after_all_it_imports() -> None:
    files = {
        "a.js": 'import { b } from "./b.js";\nimport {\n  c,\n} from "./deep/c.js";\nrun(b, c);\n',
        "b.js": 'import { c } from "./deep/c.js";\nexport const b = c + 1;\n',
        "deep/c.js": "export const c = 1;\n",
    }
    text = bundle(files, "a.js")["a.js"]
    assert text == "(() => {\nconst c = 1;\nconst b = c + 1;\nrun(b, c);\n})();\n"


def test_what_is_loaded_later_takes_what_it_shares_from_the_bundle() -> None:
    files = {
        "a.js": 'import { b } from "./b.js";\nimport("./later/d.js");\n',
        "b.js": "export function b() {}\nexport class Unused {}\n",
        "later/d.js": 'import { b } from "../b.js";\nimport { e } from "./e.js";\nexport const d = b(e);\n',
        "later/e.js": 'import { b } from "../b.js";\nexport const e = b;\n',
        "page.js": 'import { b } from "./b.js";\n',
    }
    made = bundle(files, "a.js")
    assert made["a.js"].startswith("const [a] = (() => {\n"), "the names between its scripts are as short as can be"
    assert made["a.js"].endswith("return [b];\n})();\nexport { a };\n")
    assert made["later/d.js"].startswith('import { a } from "../a.js";\nconst [d] = ((b) => {\nconst e = b;\n')
    assert made["later/d.js"].endswith("return [d];\n})(a);\nexport { d };\n")
    assert made["page.js"] == files["page.js"], "a page of its own does not load the bundle"


def test_what_several_share_stands_apart_or_in_a_part_and_is_asked_for_at_once() -> None:
    files = {
        "a.js": 'import("./one.js");\nimport("./two.js");\nimport("./part.js");\n',
        "one.js": 'import { s } from "./shared.js";\nimport { own } from "./own.js";\nexport const one = s + own;\n',
        "two.js": 'import { s } from "./shared.js";\nexport const two = s;\n',
        "own.js": "export const own = 1;\n",
        "shared.js": 'import { deep } from "./deep.js";\nexport const s = deep;\n',
        "deep.js": "export const deep = 1;\n",
        "part.js": 'export { deep } from "./deep.js";\n',
    }
    apart = bundle(files, "a.js")
    assert 'from "./shared.js"' in apart["one.js"] and 'from "./shared.js"' in apart["two.js"]
    assert "const own = 1" in apart["one.js"]
    assert apart["one.js"].startswith('import "./deep.js";\n'), "what comes with it is asked for in the same round trip"
    parted = bundle(files, "a.js", ["part.js"])
    assert "const deep = 1" in parted["part.js"] and "export { deep }" in parted["part.js"]
    assert 'from "./part.js"' in parted["shared.js"]
    two = bundle(files | {"b.js": 'export { deep } from "./deep.js";\n'}, "a.js", ["part.js", "b.js"])
    assert two["b.js"].startswith('export { deep } from "./part.js";\n'), "what is passed on is not taken in between"


@pytest.mark.parametrize(
    "module",
    [
        'import * as all from "./c.js";\n',
        'import one from "./c.js";\n',
        'import { c as d } from "./c.js";\n',
        'import { gone } from "./gone.js";\n',
        'import { a } from "./a.js";\n',
        'export { c } from "./c.js";\n',
        "export default 1;\n",
        "export const a = 1;\n",
        "const [d] = [1];\n",
        "const name = 1;\n",
    ],
)
def test_what_is_not_understood_is_refused(module: str) -> None:
    files = {"a.js": 'import { b } from "./b.js";\nconst a = b;\n', "b.js": module, "c.js": "export const c = 1;\n"}
    with pytest.raises(BundleError):
        bundle(files, "a.js")


def page() -> dict[str, str]:
    """The page's own modules, joined."""
    texts = {path.relative_to(STATIC).as_posix(): path.read_text("utf-8") for path in STATIC.rglob("*.js")}
    return bundle(texts, ENTRY, PARTS)


def test_every_script_of_the_page_is_one_that_node_can_read(tmp_path: Path) -> None:
    node = provision.find_node()
    if node is None:
        pytest.skip("skipped with node")
    (tmp_path / "package.json").write_text('{ "type": "module" }')
    for name, text in page().items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
        subprocess.run([node.where, "--check", str(path)], check=True)


def test_every_script_of_the_page_is_given_what_it_takes() -> None:
    made = page()
    given = {
        name: {one.strip() for found in re.findall(r"^export \{([^}]*)\}", text, re.M) for one in found.split(",")}
        for name, text in made.items()
    }
    taken = 0
    for name, text in made.items():
        for names, target in re.findall(r'^(?:import|export) \{([^}]*)\} from "([^"]+)";', text, re.M):
            if "const [" in text or "=> {" in text:
                wanted = {one.strip() for one in names.split(",") if one.strip()}
                source = made[resolved(name, target)]
                declared = set(re.findall(r"^export (?:async function|function|class|const) (\w+)", source, re.M))
                assert wanted <= given[resolved(name, target)] | declared, (name, target)
                taken += len(wanted)
    assert taken > 50


def test_what_a_part_passes_on_from_the_bundle_keeps_its_name() -> None:
    files = {
        "a.js": 'import { b } from "./b.js";\nimport("./part.js");\n',
        "b.js": "export function b() {}\n",
        "part.js": 'export { b } from "./b.js";\n',
    }
    made = bundle(files, "a.js", ["part.js"])
    assert made["part.js"].startswith('export { a as b } from "./a.js";\n')


def test_nothing_is_written_that_the_minifier_would_take_away() -> None:
    """It takes `void (a ||= b())` for something without an effect."""
    dropped = re.compile(r"void \(?[^;\n]*(?:\|\||\?\?|&&)=")
    for path in sorted(STATIC.rglob("*.js")):
        assert not dropped.search(path.read_text("utf-8")), path
