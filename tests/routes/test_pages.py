"""What people without a script, crawlers and networks get: complete pages, at stable addresses, that nothing breaks out of."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from urllib.parse import quote, urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import expect

from server.actions.articles import Changes, change_article
from server.actions.moderation import decide
from server.auth import token_hash
from server.models import Actor, ArticleState, Decision, Person, Role
from server.names import skeleton
from server.storage import people
from server.storage.transaction import Transaction
from tests.support.browser import Pages
from tests.support.server import RipostServer
from tests.support.site import ORIGIN, Outline, Site, data_blocks, open_site

MODERATOR = Actor(person=Person(1, "Mo", Role.MODERATOR, None, 0), staff=True, address="")
HOSTILE = "</script><script>alert(1)</script><!--\"'><img src=x onerror=alert(1)>\u2028&amp;"


@pytest_asyncio.fixture
async def site(sqlite_url: str) -> AsyncIterator[Site]:
    async with open_site(sqlite_url) as running:
        yield running


async def test_an_article_is_shown_with_its_discussion_on_either_database(database_url: str) -> None:
    async with open_site(database_url) as site:
        article = await site.add_article("Night trains", "<p>They are <em>back</em>.</p>", byline="By Ana Silva")
        first, _ = await site.post(article, "First **bold** [link](https://a.example/)")
        await decide(site.state, MODERATOR, first, Decision.APPROVE, None)  # guests' links are held
        reply, _ = await site.post(article, "A reply", parent=first, name="Ben")
        second, _ = await site.post(article, "Second", name="مريم")
        answer = await site.ask("/a/night-trains")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        page = Outline(answer.text)
        assert "<p>They are <em>back</em>.</p>" in answer.text
        assert page.parents == {first: None, reply: first, second: None}
        assert page.order == [first, reply, second]
        assert ("ugc nofollow noopener", "https://a.example/") in page.links
        assert '<template shadowrootmode="open">' in answer.text
        assert ">3 comments</h2>" in answer.text


async def test_the_snapshot_in_the_page_is_the_page_of_the_api(site: Site) -> None:
    article = await site.add_article()
    for number in range(3):
        await site.post(article, f"Comment {number} </script> \u2028")
    for path, api in (
        ("", f"/api/articles/{article.id}/thread"),
        ("?sort=newest", f"/api/articles/{article.id}/thread?sort=newest"),
        ("?comment=2", "/api/comments/2"),
    ):
        snapshot = data_blocks((await site.ask(f"/a/{article.slug}{path}")).text)[-1]
        assert snapshot == (await site.ask(api)).json()


async def test_a_page_is_made_once_for_all_who_ask(site: Site) -> None:
    article = await site.add_article("Night trains")
    await site.post(article, "First")

    def made() -> int:
        return int(site.state.database.reads.get("page", 0))

    before = made()
    answers = await asyncio.gather(*(site.ask(f"/a/{article.slug}") for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert made() == before + 1


async def test_what_is_taken_down_is_in_no_page_that_was_kept(site: Site) -> None:
    article = await site.add_article("Night trains")
    comment, _ = await site.post(article, "A word too many")
    kept = await site.ask(f"/a/{article.slug}")
    assert "A word too many" in kept.text
    for _ in range(40):  # so often that pages are kept although the discussion goes on
        await site.post(article, "Another")
        await site.ask(f"/a/{article.slug}")
    await decide(site.state, MODERATOR, comment, Decision.REJECT, None)
    after = await site.ask(f"/a/{article.slug}")
    assert "A word too many" not in after.text
    assert after.headers["etag"] != kept.headers["etag"]


async def test_every_comment_of_a_long_thread_is_reached_by_links_alone(site: Site) -> None:
    article = await site.add_article()
    wanted = set()
    for number in range(30):
        comment, _ = await site.post(article, f"Root {number}")
        wanted.add(comment)
        if number in (0, 29):
            above = comment
            for depth in range(70):
                above, _ = await site.post(article, f"Reply {depth}", parent=above if depth % 3 else comment)
                wanted.add(above)
    seen: set[int] = set()
    waiting, asked = [f"/a/{article.slug}"], set()
    while waiting:
        path = waiting.pop()
        if path in asked:
            continue
        asked.add(path)
        answer = await site.ask(path)
        assert answer.status_code == 200, path
        page = Outline(answer.text)
        seen |= set(page.order)
        follow = re.findall(r'data-ripost="more(?:-replies)?"[^>]*? href="([^"]+)"', answer.text)
        waiting += [f"/a/{article.slug}{href.replace('&amp;', '&')}" for href in follow]
    assert seen == wanted
    assert len(asked) > 3


async def test_a_further_page_of_replies_stands_by_itself(site: Site) -> None:
    """The comments above those that it brings are on it, so that every reply is below what it answers."""
    article = await site.add_article()
    root, _ = await site.post(article, "Root")
    above = root
    for depth in range(20):
        above, _ = await site.post(article, f"Depth {depth + 1}", parent=above)
    first = await site.ask(f"/a/{article.slug}")
    (href,) = re.findall(r'data-ripost="more-replies"[^>]*? href="([^"]+)"', first.text)
    page = Outline((await site.ask(f"/a/{article.slug}{href.replace('&amp;', '&')}")).text)
    assert page.order == sorted(page.order) == list(range(root, above + 1))
    assert page.parents[root] is None


async def test_a_shared_comment_is_shown_with_its_ancestors_and_marked(site: Site) -> None:
    article = await site.add_article()
    other, _ = await site.post(article, "Something else")
    root, _ = await site.post(article, "Root")
    child, _ = await site.post(article, "Child", parent=root)
    grandchild, _ = await site.post(article, "Grandchild", parent=child)
    answer = await site.ask(f"/a/{article.slug}?comment={child}")
    page = Outline(answer.text)
    assert page.parents == {root: None, child: root, grandchild: child}
    assert other not in page.parents
    assert page.attributes[child]["aria-current"] == "true"
    assert "autofocus" in page.attributes[child]  # fragments do not reach into a shadow tree
    assert "aria-current" not in page.attributes[root]
    assert '<a href="?">Show the whole discussion</a>' in answer.text
    assert {head.get("href") for head in page.heads if head.get("rel") == "canonical"} == {f"{ORIGIN}/a/{article.slug}"}


@pytest.mark.parametrize("comment", ["-1", "x", "٣", "1%00"])
async def test_what_cannot_be_a_comment_is_a_friendly_404(site: Site, comment: str) -> None:
    article = await site.add_article()
    answer = await site.ask(f"/a/{article.slug}?comment={comment}")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert (None, f"/a/{article.slug}") in Outline(answer.text).links


@pytest.mark.parametrize("comment", ["held", "rejected", "deleted", "999", "0", "9" * 40])
async def test_a_comment_that_not_everybody_sees_is_404_with_the_whole_discussion(site: Site, comment: str) -> None:
    """Its author and moderators get it there; a crawler learns that there is nothing."""
    article = await site.add_article()
    shown, _ = await site.post(article, "Still here")
    gone, token = await site.post(article, "Gone, for good", name="Ben")
    if comment == "held":
        await change_article(site.state, MODERATOR, article.id, Changes(state=ArticleState.PREMODERATED))
        gone, _ = await site.post(article, "Gone, until it is looked at", name="Cem")
    elif comment == "rejected":
        await decide(site.state, MODERATOR, gone, Decision.REJECT, None)
    else:
        await site.delete(gone, token)
    path = f"/a/{article.slug}"
    whole = await site.ask(path)
    number = comment if comment.isdigit() else str(gone)
    answer = await site.ask(f"{path}?comment={number}", If_None_Match="")
    assert (answer.status_code, "etag" in answer.headers) == (404, False)
    assert answer.text == whole.text
    assert shown in Outline(answer.text).order
    assert comment == "held" or "Gone" not in answer.text
    assert answer.headers["content-security-policy"] == whole.headers["content-security-policy"]
    before = site.state.database.reads["page"]
    await site.ask(f"{path}?comment={number}")
    assert site.state.database.reads["page"] == before + 1, "the page is not made for every number that is asked for"


async def test_a_comment_of_another_article_is_not_shown_here(site: Site) -> None:
    article, other = await site.add_article("One"), await site.add_article("Two")
    comment, _ = await site.post(other, "A secret of Two")
    answer = await site.ask(f"/a/{article.slug}?comment={comment}")
    assert answer.status_code == 404
    assert "secret" not in answer.text


async def test_what_is_gone_or_held_is_nowhere_on_the_page(site: Site) -> None:
    article = await site.add_article()
    root, token = await site.post(article, "Wiped text", name="Wiped name")
    await site.post(article, "Still here", parent=root, name="Ben")
    lonely, lonely_token = await site.post(article, "Lonely text", name="Lonely name")
    await site.post(
        article, "Held, with https://a.example/ and https://b.example/ and https://c.example/", name="Held name"
    )
    await site.delete(root, token)
    await site.delete(lonely, lonely_token)
    for path in (f"/a/{article.slug}", f"/a/{article.slug}/comments.atom", "/feeds/comments.atom"):
        text = (await site.ask(path)).text
        assert "Still here" in text
        for gone in ("Wiped", "Lonely", "Held"):
            assert gone not in text, path
    page = (await site.ask(f"/a/{article.slug}")).text
    assert "Deleted by its author" in page
    assert Outline(page).order == [root, root + 1]
    linked = data_blocks(page)[0]
    assert [comment["text"] for comment in linked["comment"]] == ["Still here"]
    assert linked["commentCount"] == 1
    assert (await site.ask(f"/a/{article.slug}?comment={lonely}")).status_code == 404


async def test_nothing_that_people_write_breaks_out_of_where_it_stands(site: Site) -> None:
    article = await site.add_article(
        HOSTILE, "<p>Body.</p>", byline=HOSTILE, image_url='https://a.example/"onload=x', image_caption=HOSTILE,
        url="https://b.example/?q=%22%3E<script>",
    )  # fmt: skip
    await site.post(article, HOSTILE, name="<b>\"'&")
    await site.post(article, f"`{HOSTILE}` [x](https://a.example/\"onclick='x')", name="--></template>")
    for path in (f"/a/{quote(article.slug)}", "/", f"/a/{quote(article.slug)}?comment=99"):
        page = Outline((await site.ask(path)).text)
        for tag, attributes in page.elements:
            assert not any(name.startswith("on") or name == "style" for name in attributes), (tag, attributes)
            if tag == "script":
                assert attributes.get("type") in ("module", "application/ld+json", "application/json")
            if tag == "img":
                assert (attributes["src"] or "").startswith("https://")
        assert not {"b", "iframe", "style"} & {tag for tag, _ in page.elements}
    blocks = data_blocks((await site.ask(f"/a/{quote(article.slug)}")).text)
    assert "<script>" in blocks[0]["headline"]
    assert blocks[1]["comments"][0]["author"]["name"] == "<b>\"'&"


async def test_an_old_slug_leads_to_the_present_one(site: Site) -> None:
    article = await site.add_article("Night trains")
    await change_article(site.state, MODERATOR, article.id, Changes(title="Trains at night"))
    answer = await site.ask("/a/night-trains?comment=3&sort=top")
    assert (answer.status_code, answer.headers["location"]) == (301, "/a/trains-at-night?comment=3&sort=top")
    feed = await site.ask("/a/night-trains/comments.atom")
    assert (feed.status_code, feed.headers["location"]) == (301, "/a/trains-at-night/comments.atom")


@pytest.mark.parametrize("title", ["قارب الكتب", "夜行列車", "Ночь: поезд", "Ǆ ü ß café"])
async def test_a_slug_may_be_in_any_script(site: Site, title: str) -> None:
    article = await site.add_article(title)
    path = "/a/" + quote(article.slug)
    answer = await site.ask(path)
    assert answer.status_code == 200
    assert f'<link rel="canonical" href="{ORIGIN}{path}">' in answer.text
    respelled = await site.ask("/a/" + quote(article.slug.upper()))
    assert respelled.status_code in (200, 301)


@pytest.mark.parametrize(
    "path", ["/a/nothing", "/a/%00", "/a/%FF%FE", "/a/" + "x" * 3000, "/a/..%2f..%2fetc", "/nowhere"]
)
async def test_an_unknown_address_is_a_friendly_404(site: Site, path: str) -> None:
    answer = await site.ask(path, Accept="text/html")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "<h1>Not found</h1>" in answer.text


async def test_an_address_with_a_slash_at_its_end_leads_to_the_one_without(site: Site) -> None:
    await site.add_article("Night trains")
    answer = await site.ask("/a/night-trains/?sort=top")
    assert (answer.status_code, answer.headers["location"]) == (301, "/a/night-trains?sort=top")


async def test_a_cursor_that_none_gave_is_a_page_that_leads_back(site: Site) -> None:
    article = await site.add_article()
    answer = await site.ask(f"/a/{article.slug}?cursor=nonsense")
    assert answer.status_code == 400
    assert (None, f"/a/{article.slug}") in Outline(answer.text).links


async def test_the_page_says_what_it_is_to_networks_and_crawlers(site: Site) -> None:
    article = await site.add_article(
        "Night trains", "<p>They are <em>back</em>.</p>", byline="By Ana Silva", published_at=1_700_000_000_000_000,
        image_url="https://img.example/1.jpg", image_caption="A train", url="https://news.example/trains",
    )  # fmt: skip
    root, _ = await site.post(article, "A **good** thing", name="Ben")
    await site.post(article, "Indeed", parent=root, name="Cem")
    text = (await site.ask(f"/a/{article.slug}")).text
    page = Outline(text)
    heads = {(head.get("rel"), head.get("type")): head.get("href") for head in page.heads}
    assert heads["canonical", None] == "https://news.example/trains"
    assert heads["alternate", "application/atom+xml"] is not None
    assert page.metas["description"] == "They are back."
    assert page.metas["og:type"] == "article"
    assert page.metas["og:image"] == "https://img.example/1.jpg"
    assert page.metas["twitter:card"] == "summary_large_image"
    linked = data_blocks(text)[0]
    assert linked["@type"] == "Article"
    assert linked["author"]["name"] == "Ana Silva"
    assert linked["datePublished"].startswith("2023-11-14")
    assert linked["commentCount"] == linked["interactionStatistic"]["userInteractionCount"] == 2
    (comment,) = linked["comment"]
    assert (comment["text"], comment["author"]["name"]) == ("A good thing", "Ben")
    assert comment["url"] == f"{ORIGIN}/a/{article.slug}?comment={root}"
    assert comment["comment"][0]["text"] == "Indeed"


async def test_a_page_is_revalidated_by_its_position(site: Site) -> None:
    article = await site.add_article()
    first = await site.ask(f"/a/{article.slug}")
    assert first.headers["cache-control"] == "no-cache"
    again = await site.ask(f"/a/{article.slug}", If_None_Match=first.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")
    assert "content-security-policy" in again.headers
    await site.post(article, "New")
    changed = await site.ask(f"/a/{article.slug}", If_None_Match=first.headers["etag"])
    assert changed.status_code == 200
    assert (await site.ask(f"/a/{article.slug}?sort=top")).headers["etag"] != changed.headers["etag"]


async def test_a_closed_discussion_has_no_composer_and_no_reply_buttons(site: Site) -> None:
    article = await site.add_article()
    await site.post(article, "Before it closed")
    await change_article(site.state, MODERATOR, article.id, Changes(state=ArticleState.CLOSED))
    text = (await site.ask(f"/a/{article.slug}")).text
    assert "This discussion is closed." in text
    assert "<textarea" not in text
    assert 'data-ripost="reply"' not in text


async def test_the_list_of_articles_is_paged_by_links(site: Site) -> None:
    for number in range(45):
        await site.add_article(f"Article {number}", f"<p>About {number}.</p>")
    path, seen = "/", []
    while path:
        page = Outline((await site.ask(path)).text)
        seen += [href for rel, href in page.links if href.startswith("/a/") and "#" not in href]
        path = next((href for rel, href in page.links if rel == "next"), "")
    assert seen == [f"/a/article-{number}" for number in range(44, -1, -1)]
    assert ">0 comments</a>" in (await site.ask("/")).text


async def test_an_empty_list_says_so(site: Site) -> None:
    answer = await site.ask("/")
    assert "There is nothing to discuss yet." in answer.text
    assert (await site.ask("/", If_None_Match=answer.headers["etag"])).status_code == 304


async def test_pages_allow_no_script_and_no_frame_but_ours(site: Site) -> None:
    article = await site.add_article()
    for path in ("/", "/signin", f"/a/{article.slug}", "/a/nothing"):
        headers = (await site.ask(path)).headers
        policy = headers["content-security-policy"]
        assert "unsafe" not in policy
        for part in (
            "default-src 'none'",
            "script-src 'self'",
            "frame-ancestors 'none'",
            "trusted-types 'none'",
            "base-uri 'none'",
        ):
            assert part in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-opener-policy"] == "same-origin"


@pytest.mark.parametrize("host", ['a"><script>', "a b", "evil.example/x", "", "a@b", "x" * 300, "[::1", "a:999999"])
async def test_a_host_that_is_none_is_not_repeated(site: Site, host: str) -> None:
    await site.add_article("Night trains")
    for path in ("/", "/a/night-trains", "/feeds/comments.atom", "/sitemap.xml", "/robots.txt"):
        answer = await site.ask(path, Host=host)
        assert answer.status_code == 400, path
        assert "script>" not in answer.text


async def test_public_url_is_what_absolute_links_are_made_of(sqlite_url: str) -> None:
    async with open_site(sqlite_url, public_url="https://talk.example") as site:
        await site.add_article("Night trains")
        for path in ("/", "/a/night-trains", "/feeds/comments.atom", "/sitemap.xml", "/robots.txt"):
            answer = await site.ask(path, Host="evil.example")
            assert "evil.example" not in answer.text
            assert "https://talk.example" in answer.text
        policy = (await site.ask("/")).headers["content-security-policy"]
        assert "connect-src 'self' wss://talk.example;" in policy


async def test_a_long_page_is_compressed_for_those_who_take_it(site: Site) -> None:
    article = await site.add_article()
    for number in range(40):
        await site.post(article, f"A longer comment, number {number}. " * 40)
    plain = await site.ask(f"/a/{article.slug}", Accept_Encoding="identity")
    packed = await site.ask(f"/a/{article.slug}", Accept_Encoding="br;q=1, gzip;q=0.8")
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) / 4
    assert packed.text == plain.text
    assert packed.headers["etag"] == plain.headers["etag"]


async def test_the_script_takes_the_page_over_without_moving_or_replacing_anything(
    ripost_server: Callable[..., RipostServer], pages: Pages
) -> None:
    server = ripost_server(start=False)
    async with open_site(server.database_url) as site:
        article = await site.add_article("Night trains")
        above = None
        for number in range(12):
            above, _ = await site.post(article, f"Depth {number}", parent=above)
        for number in range(40):
            await site.post(article, f"Root {number}")
    await asyncio.to_thread(server.start)
    page = await pages()
    await page.add_init_script("""
        window.shifted = 0;
        new PerformanceObserver((list) => { for (const entry of list.getEntries()) shifted += entry.value; })
          .observe({type: "layout-shift", buffered: true});
    """)
    await page.goto(f"{server.url}/a/{article.slug}")
    await page.locator("[data-ripost=status][data-state=live]").wait_for(state="attached")
    assert await page.evaluate("shifted") < 0.01
    complaints = [line for line in pages.console if line.startswith(("error", "warning"))]
    assert not complaints, complaints
    raw = await page.evaluate("fetch(location.href).then((answer) => answer.text())")
    order = await page.evaluate(
        "[...document.querySelector('ripost-thread').shadowRoot.querySelectorAll('article')].map((a) => Number(a.dataset.commentId))"
    )
    assert order == Outline(raw).order


@pytest.mark.parametrize("view", ["?comment=9", "?comment=3&cursor", "?sort=newest", "?sort=oldest&cursor"])
async def test_the_script_takes_over_a_page_from_the_middle_of_a_discussion(
    ripost_server: Callable[..., RipostServer], pages: Pages, view: str
) -> None:
    server = ripost_server(start=False)
    async with open_site(server.database_url) as site:
        article = await site.add_article("Night trains")
        await site.post(article, "First")
        await site.post(article, "Second")
        above, _ = await site.post(article, "Third")
        for number in range(20):
            above, _ = await site.post(article, f"Depth {number}", parent=above)
        for number in range(30):
            await site.post(article, f"Root {number}")
        if view.endswith("cursor"):
            first = (await site.ask(f"/a/{article.slug}")).text
            start = re.escape(view.replace("&", "&amp;"))
            (view,) = re.findall(f'href="({start}=[^"]+)"', first)
            view = view.replace("&amp;", "&")
    await asyncio.to_thread(server.start)
    page = await pages(f"{server.url}/a/{article.slug}{view}")
    root = "document.querySelector('ripost-thread').shadowRoot"
    await page.locator("[data-ripost=status][data-state=live]").wait_for(state="attached")
    complaints = [line for line in pages.console if line.startswith(("error", "warning"))]
    assert not complaints, complaints
    raw = Outline(await page.evaluate("fetch(location.href).then((answer) => answer.text())"))
    shown = await page.evaluate(
        f"[...{root}.querySelectorAll('article')].map((a) => [Number(a.dataset.commentId), "
        "Number(a.parentElement.closest('article')?.dataset.commentId ?? 0)])"
    )
    assert shown == [[id, raw.parents[id] or 0] for id in raw.order]


async def test_without_a_script_a_shared_comment_is_brought_into_view(
    ripost_server: Callable[..., RipostServer], pages: Pages
) -> None:
    server = ripost_server(start=False)
    async with open_site(server.database_url) as site:
        article = await site.add_article("Night trains", "<p>Long.</p>" * 200)
        root, _ = await site.post(article, "Root")
        comment, _ = await site.post(article, "The one", parent=root)
    await asyncio.to_thread(server.start)
    page = await pages(f"{server.url}/a/{article.slug}?comment={comment}", java_script_enabled=False)
    await expect(page.locator(f"#comment-{comment}")).to_be_in_viewport()
    await page.get_by_role("link", name="Show the whole discussion").click()
    assert urlsplit(page.url).path == f"/a/{article.slug}"
    await expect(page.locator(".composer-place")).to_have_text(
        "Posting needs JavaScript. Reading does not.", use_inner_text=True
    )


async def test_a_one_time_link_signs_in_once_and_says_so_when_it_is_used(
    ripost_server: Callable[..., RipostServer], pages: Pages
) -> None:
    server = ripost_server(start=False)
    async with open_site(server.database_url) as site:
        later = 4_000_000_000_000_000

        def work(tx: Transaction) -> None:
            person = people.add(tx, name="Mo", role=Role.MODERATOR, email=None, skeleton=skeleton("Mo"), created_at=0)
            people.add_link(tx, token_hash=token_hash("one-time"), person_id=person, expires_at=later)

        await site.state.database.write(work)
    await asyncio.to_thread(server.start)
    page = await pages()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(f"{server.url}/signin#one-time")
    await page.wait_for_url(f"{server.url}/")
    assert not any("one-time" in url.partition("#")[0] for url in asked)
    stored = await page.evaluate("Object.values(localStorage).join()")
    assert '"name":"Mo"' in stored
    await page.goto(f"{server.url}/signin#one-time")
    await page.get_by_text("used already or is too old").wait_for()
    assert "one-time" not in page.url
    await page.keyboard.type("another")
    await page.keyboard.press("Enter")
    await page.get_by_text("used already or is too old").wait_for()
