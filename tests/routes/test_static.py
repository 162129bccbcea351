"""Static files: open to every page, never older than they are said to be, and nothing but them."""

import gzip
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio

from server.routes.static import Assets, assets
from tests.support.site import Outline, Site, open_site


@pytest_asyncio.fixture
async def site(sqlite_url: str) -> AsyncIterator[Site]:
    async with open_site(sqlite_url) as running:
        yield running


async def test_the_client_may_be_loaded_by_any_page(site: Site) -> None:
    answer = await site.ask("/static/ripost.js", Origin="https://anywhere.example", Accept_Encoding="identity")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.content == assets().files["ripost.js"].content
    again = await site.ask("/static/ripost.js", If_None_Match=answer.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")
    head = await site.client.head("/static/ripost.js", headers={"Accept-Encoding": "identity"})
    assert head.headers["content-length"] == answer.headers["content-length"]


async def test_an_address_that_names_the_content_is_kept_for_a_year(site: Site) -> None:
    asset = assets().files["ripost.css"]
    for path in (f"/static/ripost.css?v={asset.hash}", f"{assets().path}/ripost.css"):
        assert "immutable" in (await site.ask(path)).headers["cache-control"]
    for path in ("/static/ripost.css?v=0000", "/static/v-000000000000/ripost.css"):
        answer = await site.ask(path)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")


async def test_text_is_compressed_for_those_who_take_it(site: Site) -> None:
    packed = await site.ask("/static/ripost.css", Accept_Encoding="gzip")
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["vary"] == "Accept-Encoding"
    assert gzip.decompress(assets().files["ripost.css"].compressed["gzip"]) == packed.content
    for refused in ("identity", "zstd", "gzip;q=0", ""):
        assert "content-encoding" not in (await site.ask("/static/ripost.css", Accept_Encoding=refused)).headers


@pytest.mark.parametrize(
    "path",
    [
        "/static/", "/static/nothing.js", "/static/../server/app.py", "/static/%2e%2e/server/app.py",
        "/static/..%2f..%2fetc%2fpasswd", "/static//etc/passwd", "/static/i18n", "/static/i18n/..%2fripost.js",
        "/static/ripost.js%00", "/static/.hidden.js", "/static/v-000000000000/../ripost.js", "/static/ripost.js/",
    ],
)  # fmt: skip
async def test_a_path_leads_nowhere_but_to_a_file(site: Site, path: str) -> None:
    url = httpx2.URL(f"http://talk.example{path}")
    answer = await site.client.get(url)
    assert answer.status_code in (404, 200)
    if answer.status_code == 200:  # the client has resolved the dots itself
        assert answer.request.url.path == "/static/ripost.js"


def test_files_of_other_kinds_and_hidden_ones_are_not_served(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    for name in ("a.js", ".b.js", ".git/c.js", "d.py", "e"):
        (tmp_path / name).write_text("x")
    assert set(Assets.load(tmp_path).files) == {"a.js"}


def test_the_version_changes_with_any_file(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("1")
    before = Assets.load(tmp_path).version
    (tmp_path / "b.js").write_text("2")
    assert Assets.load(tmp_path).version != before


def test_the_modules_of_a_page_are_those_it_imports_at_once(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "a.js").write_text('import { b } from "./deep/b.js";\nimport("./later.js");\n')
    (tmp_path / "deep" / "b.js").write_text('import {\n  a,\n} from "../a.js";\nexport { c } from "./c.js";\n')
    (tmp_path / "deep" / "c.js").write_text("export const c = 1;")
    (tmp_path / "later.js").write_text("")
    assert Assets.load(tmp_path).modules("a.js") == ("deep/b.js", "deep/c.js")


async def test_every_file_that_a_page_names_is_there(site: Site) -> None:
    article = await site.add_article("Night trains")
    for path in ("/signin", f"/a/{article.slug}"):
        text = (await site.ask(path)).text
        page = Outline(text)
        named = {head["href"] or "" for head in page.heads} | {
            known.get("src") or "" for tag, known in page.elements if tag == "script"
        }
        files = {name for name in named if name.startswith("/static/")}
        assert len(files) >= 3
        for name in files:
            answer = await site.ask(name)
            assert answer.status_code == 200, name
            assert "immutable" in answer.headers["cache-control"], name


PAGE_SCRIPT_AND_STYLE = ("ripost.js", "ripost.css")
BUDGET = 14 * 1024  # bytes: one initial congestion window of ten packets


async def test_script_and_style_of_a_reader_are_at_most_14_kb_as_served(site: Site) -> None:
    sizes = {}
    for name in PAGE_SCRIPT_AND_STYLE:
        async with site.client.stream(
            "GET", f"/static/{name}", headers={"Accept-Encoding": "gzip, deflate, br, zstd"}
        ) as answer:
            assert answer.headers["content-encoding"] == "br"
            sizes[name] = sum([len(chunk) async for chunk in answer.aiter_raw()])
    assert assets().modules("ripost.js") == (), "the script of a reader is one file"
    assert sum(sizes.values()) <= BUDGET, sizes


async def test_the_counts_of_a_front_page_take_one_file_of_at_most_1_5_kb_as_served(site: Site) -> None:
    async with site.client.stream("GET", "/static/counts.js", headers={"Accept-Encoding": "br"}) as answer:
        assert answer.headers["content-encoding"] == "br"
        assert sum([len(chunk) async for chunk in answer.aiter_raw()]) <= 1536
    text = assets().files["counts.js"].content.decode()
    assert not re.search(r"\b(import\s*[({\"]|export\b|from\s*\")", text), "it stands alone"
