"""Pages of a thread: what is in it, in which order, within which bounds, whatever happens while somebody pages.

A simple model says what a thread is: every visible comment, and every other one that has a visible one below it.
"""

import asyncio
import json
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from server.actions.comments import delete_comment
from server.errors import BadRequest, Conflict
from server.models import Actor, Article, Role, Sort, Status
from server.storage import comments, threads
from server.storage.schema import comments as table
from server.storage.transaction import Transaction
from tests.support.build import Site, open_site


@pytest.fixture
async def site(database_url: str) -> Any:
    async with open_site(database_url) as opened:
        yield opened


@pytest.fixture
async def sqlite_site(sqlite_url: str) -> Any:
    async with open_site(sqlite_url) as opened:
        yield opened


async def all_roots(site: Site, article: Article, sort: Sort = Sort.OLDEST, limit: int = 3) -> list[dict[str, Any]]:
    """Every top-level comment in the order of the pages."""
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = await site.thread(article, sort, limit, cursor)
        found += [comment for comment in page["comments"] if comment["parent"] is None]
        if (cursor := page["next"]) is None:
            return found


async def all_below(site: Site, comment_id: int, limit: int = 4, cursor: str | None = None) -> list[dict[str, Any]]:
    """Everything below a comment in the order of the pages."""
    found: list[dict[str, Any]] = []
    while True:
        page = await site.replies(comment_id, limit, cursor)
        found += page["comments"]
        if (cursor := page["next"]) is None:
            return found


async def whole(site: Site, article: Article, sort: Sort = Sort.OLDEST, limit: int = 3) -> list[dict[str, Any]]:
    """The whole thread as a reader gathers it, page by page and branch by branch, in display order."""
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = await site.thread(article, sort, limit, cursor)
        for place, comment in enumerate(page["comments"]):
            found.append(comment)
            following = page["comments"][place + 1] if place + 1 < len(page["comments"]) else None
            if following is None or following["parent"] is None:
                root = next(c for c in reversed(page["comments"][: place + 1]) if c["parent"] is None)
                if str(root["id"]) in page["branches"]:
                    found += await all_below(site, root["id"], limit, page["branches"][str(root["id"])])
        if (cursor := page["next"]) is None:
            return found


def ids(rows: list[dict[str, Any]]) -> list[int]:
    return [row["id"] for row in rows]


# Order and cursors


async def test_a_thread_is_read_depth_first_with_replies_in_the_order_they_came(site: Site) -> None:
    article = await site.article()
    a = await site.post(article, "a")
    b = await site.post(article, "b")
    a1 = await site.post(article, "a1", parent=a.id)
    b1 = await site.post(article, "b1", parent=b.id)
    a2 = await site.post(article, "a2", parent=a.id)
    a11 = await site.post(article, "a11", parent=a1.id)
    assert ids((await site.thread(article))["comments"]) == [a.id, a1.id, a11.id, a2.id, b.id, b1.id]
    assert ids(await whole(site, article, limit=1)) == [a.id, a1.id, a11.id, a2.id, b.id, b1.id]


async def test_the_newest_come_first_when_asked_for(site: Site) -> None:
    article = await site.article()
    said = [await site.post(article) for _ in range(8)]
    assert ids(await all_roots(site, article, Sort.NEWEST)) == [one.id for one in reversed(said)]


async def test_equal_scores_are_paged_without_loss_newest_first(site: Site) -> None:
    article = await site.article()
    said = [await site.post(article) for _ in range(12)]
    scores = [0, 3, 3, -1, 0, 3, 0, -1, 0, 3, 1, 0]

    def vote(tx: Transaction) -> None:
        for one, score in zip(said, scores, strict=True):
            tx.run(update(table).where(table.c.id == one.id).values(up=max(score, 0), down=max(-score, 0)))

    await site.database.write(vote)
    expected = sorted(zip(scores, (one.id for one in said), strict=True), key=lambda pair: (-pair[0], -pair[1]))
    for limit in (1, 2, 3, 5, 100):
        assert ids(await all_roots(site, article, Sort.TOP, limit)) == [comment for _, comment in expected]


async def test_pinned_comments_come_first_whatever_the_sort_and_once(site: Site) -> None:
    article = await site.article()
    said = [await site.post(article) for _ in range(9)]
    moderator = await site.moderator()
    for place in (6, 2):
        await site.decide(moderator, said[place].id, "pin")
    rest = [one.id for place, one in enumerate(said) if place not in (2, 6)]
    for sort, order in ((Sort.OLDEST, rest), (Sort.NEWEST, rest[::-1]), (Sort.TOP, rest[::-1])):
        for limit in (1, 4, 50):
            assert ids(await all_roots(site, article, sort, limit)) == [said[2].id, said[6].id, *order]


async def test_no_more_comments_can_be_pinned_than_a_page_shows(site: Site) -> None:
    article = await site.article()
    said = [await site.post(article) for _ in range(threads.MAX_PINNED + 2)]
    moderator = await site.moderator()
    for one in said[: threads.MAX_PINNED]:
        await site.decide(moderator, one.id, "pin")
    with pytest.raises(Conflict, match="unpin"):
        await site.decide(moderator, said[-1].id, "pin")
    assert sorted(ids(await all_roots(site, article))) == [one.id for one in said]
    await site.decide(moderator, said[0].id, "unpin")
    await site.decide(moderator, said[-1].id, "pin")


async def test_paging_while_others_post_loses_nothing_and_repeats_nothing(site: Site) -> None:
    article = await site.article()
    before = [await site.post(article) for _ in range(40)]
    for one in before[::4]:
        for _ in range(15):
            await site.post(article, "reply", parent=one.id)
    going = True

    async def keep_posting() -> None:
        while going:
            await asyncio.gather(site.post(article), site.post(article, "reply", parent=before[8].id))

    expected = set(ids(await whole(site, article, limit=100)))
    posting = asyncio.create_task(keep_posting())
    try:
        for sort in Sort:
            found = ids(await whole(site, article, sort, limit=7))
            assert len(found) == len(set(found)), "a comment came twice"
            assert expected <= set(found), "a comment was lost"
    finally:
        going = False
        await posting


# Bounds


@pytest.mark.parametrize("letter", ["x", "é", "🙂", '"', "\\", "<"])
async def test_no_page_is_larger_than_256_kib(sqlite_site: Site, letter: str) -> None:
    article = await sqlite_site.article()
    text = letter * 9_900
    roots = [await sqlite_site.post(article, text, name="🙂" * 60) for _ in range(30)]
    for _ in range(30):
        await sqlite_site.post(article, text, parent=roots[0].id)
    cursor, count = None, 0
    while True:
        page = await sqlite_site.thread(article, limit=100, cursor=cursor)
        assert len(json.dumps(page, ensure_ascii=False, separators=(",", ":")).encode()) <= 256 * 1024
        count += sum(comment["parent"] is None for comment in page["comments"])
        if (cursor := page["next"]) is None:
            break
    assert count == 30
    assert len(await all_below(sqlite_site, roots[0].id, limit=100)) == 30
    deep = roots[1]
    for _ in range(20):
        deep = await sqlite_site.post(article, text, parent=deep.id)
    view = await sqlite_site.context(deep.id)
    assert len(json.dumps(view, ensure_ascii=False, separators=(",", ":")).encode()) <= 256 * 1024
    assert view["comments"][-1]["id"] == deep.id and len(view["comments"]) > 1


async def test_a_page_has_at_most_300_comments(sqlite_site: Site) -> None:
    article = await sqlite_site.article()
    await fill(sqlite_site, article, [(root, None) for root in range(60)] + [(60 + n, n % 60) for n in range(900)])
    page = await sqlite_site.thread(article, limit=100)
    assert len(page["comments"]) == threads.PAGE_COMMENTS
    assert len(await whole(sqlite_site, article, limit=100)) == 960


async def fill(site: Site, article: Article, shape: list[tuple[int, int | None]]) -> dict[int, int]:
    """Comments put into one transaction: (name, name of the parent) each; the ids by name."""

    def work(tx: Transaction) -> dict[int, int]:
        known: dict[int, Any] = {}
        for name, above in shape:
            parent = None if above is None else known[above]
            comment_id = comments.add(
                tx, article_id=article.id, parent=parent, author_id=None, client_hash=None, ref="", text_hash="",
                source="x", tree='[["p","x"]]', status=Status.VISIBLE, created_at=0,
            )  # fmt: skip
            known[name] = comments.get(tx, comment_id)
            comments.attach(tx, known[name])
        return {name: comment.id for name, comment in known.items()}

    made: dict[int, int] = await site.database.write(work)
    return made


async def test_a_chain_of_ten_thousand_replies_is_posted_paged_and_linked_to_quickly(site: Site) -> None:
    article = await site.article()
    depth = 10_000 if site.database.dialect == "sqlite" else 1_500
    chain = await fill(site, article, [(n, n - 1 if n else None) for n in range(depth)])
    started = time.perf_counter()
    last = await site.post(article, "the deepest", parent=chain[depth - 1])
    assert last.comment["depth"] == depth
    below = await all_below(site, chain[0], limit=100)
    assert ids(below) == [*(chain[n] for n in range(1, depth)), last.id]
    assert [row["depth"] for row in below] == list(range(1, depth + 1))
    assert [row["parent"] for row in below] == [chain[n] for n in range(depth)]
    view = await site.context(last.id)
    assert ids(view["comments"]) == [*(chain[n] for n in range(depth - threads.ANCESTORS, depth)), last.id]
    middle = await site.replies(chain[depth // 2], limit=100)
    assert ids(middle["comments"]) == [chain[n] for n in range(depth // 2 + 1, depth // 2 + 101)]
    assert time.perf_counter() - started < 6


async def test_replies_in_the_depths_come_by_id_below_the_comment_that_they_belong_to(site: Site) -> None:
    article = await site.article()
    levels = comments.PATH_LEVELS
    shape: list[tuple[int, int | None]] = [(n, n - 1 if n else None) for n in range(levels + 3)]
    # Two branches from the last level that has a path of its own, and two from one deeper.
    shape += [(100, levels - 1), (101, levels), (102, levels), (103, 100), (104, 102), (105, levels - 2)]
    made = await fill(site, article, shape)
    below = ids(await all_below(site, made[levels - 1], limit=2))
    assert below == [made[n] for n in (levels, levels + 1, levels + 2, 100, 101, 102, 103, 104)]
    assert ids(await all_below(site, made[levels], limit=2)) == [
        made[n] for n in (levels + 1, levels + 2, 101, 102, 104)
    ]
    assert ids(await all_below(site, made[100], limit=2)) == [made[103]]
    assert ids(await all_below(site, made[0], limit=9))[-1] == made[105]
    for row in await all_below(site, made[0], limit=9):
        assert row["parent"] is not None


async def test_five_thousand_replies_to_one_comment_are_paged_in_order(site: Site) -> None:
    article = await site.article()
    replies = 5000 if site.database.dialect == "sqlite" else 1000
    made = await fill(site, article, [(0, None), *((n, 0) for n in range(1, replies + 1)), (9999, None)])
    started = time.perf_counter()
    page = await site.thread(article)
    assert ids(page["comments"]) == [made[n] for n in range(threads.FIRST_REPLIES + 1)] + [made[9999]]
    assert page["comments"][0]["replies"] == replies
    rest = await all_below(site, made[0], limit=100, cursor=page["branches"][str(made[0])])
    assert ids(rest) == [made[n] for n in range(threads.FIRST_REPLIES + 1, replies + 1)]
    assert time.perf_counter() - started < 5


async def test_removed_comments_do_not_slow_the_first_page_down(sqlite_site: Site) -> None:
    """A thousand hidden ones before the first that is shown are skipped by the index, not read."""
    article = await sqlite_site.article()
    made = await fill(sqlite_site, article, [(n, None) for n in range(2000)])

    def hide(tx: Transaction) -> None:
        for n in range(1990):
            comment = comments.get(tx, made[n])
            assert comment is not None
            comments.set_status(tx, comment, Status.REMOVED)

    await sqlite_site.database.write(hide)
    steps = 0

    def count(tx: Any) -> None:
        nonlocal steps
        raw = tx._connection.connection.dbapi_connection.driver_connection._conn
        raw.set_progress_handler(tick, 100)
        threads.page(tx, article.id, Sort.OLDEST, None, 5)
        raw.set_progress_handler(None, 0)

    def tick() -> int:
        nonlocal steps
        steps += 100
        return 0

    await sqlite_site.database.read(count)
    assert steps < 3000, f"{steps} steps of SQLite's machine for five comments"


async def test_a_cursor_of_another_sort_is_refused(site: Site) -> None:
    article = await site.article()
    for _ in range(5):
        await site.post(article)
    page = await site.thread(article, Sort.OLDEST, 2)
    with pytest.raises(BadRequest, match="another sort"):
        await site.thread(article, Sort.NEWEST, 2, page["next"])


# The model


class Model:
    """What a thread must be, computed from nothing but who replied to whom and what is visible."""

    def __init__(self) -> None:
        self.parent: dict[int, int | None] = {}
        self.status: dict[int, str] = {}
        self.pinned: set[int] = set()

    def children(self, comment: int | None) -> list[int]:
        return sorted(child for child, parent in self.parent.items() if parent == comment)

    def shown(self, comment: int) -> bool:
        return self.status[comment] == "visible" or any(self.shown(child) for child in self.children(comment))

    def order(self, sort: Sort) -> list[int]:
        roots = [root for root in self.children(None) if root not in self.pinned]
        if sort != Sort.OLDEST:
            roots.reverse()
        found: list[int] = []
        for root in sorted(self.pinned) + roots:
            self._collect(root, found)
        return found

    def _collect(self, comment: int, found: list[int]) -> None:
        if self.shown(comment):
            found.append(comment)
            for child in self.children(comment):
                self._collect(child, found)


Step = tuple[str, int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["post", "reply", "reply", "reply", "remove", "restore", "delete", "pin", "unpin"]),
        st.integers(0, 30),
    ),
    min_size=5,
    max_size=40,
)


async def play(site: Site, article: Article, author: Actor, moderator: Actor, steps: list[Step]) -> Model:
    """Carries out steps on random comments, in the thread and in the model."""
    model = Model()
    for act, pick in steps:
        every = sorted(model.parent)
        target = every[pick % len(every)] if every else None
        status = None if target is None else model.status[target]
        if act == "post" or target is None:
            said = await site.post(article, by=author)
            model.parent[said.id], model.status[said.id] = None, "visible"
        elif act == "reply" and status == "visible":
            said = await site.post(article, by=author, parent=target)
            model.parent[said.id], model.status[said.id] = target, "visible"
        elif act == "remove" and status in ("visible", "removed"):
            await site.decide(moderator, target, "reject")
            model.status[target] = "removed"
            model.pinned.discard(target)
        elif act == "restore" and status != "deleted":
            await site.decide(moderator, target, "restore")
            model.status[target] = "visible"
        elif act == "delete" and status == "visible":
            await delete_comment(site.state, author, target)
            model.status[target] = "deleted"
            model.pinned.discard(target)
        elif act == "pin" and status == "visible" and model.parent[target] is None and len(model.pinned) < 5:
            await site.decide(moderator, target, "pin")
            model.pinned.add(target)
        elif act == "unpin" and target in model.pinned:
            await site.decide(moderator, target, "unpin")
            model.pinned.discard(target)
    return model


@given(steps=STEPS, limit=st.integers(1, 7))
@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_tombstones_stay_exactly_while_something_below_them_is_visible(
    sqlite_site: Site, steps: list[Step], limit: int
) -> None:
    await _check_against_the_model(sqlite_site, steps, limit)


@given(steps=STEPS, limit=st.integers(1, 7))
@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_the_same_on_postgresql(postgres_site: Site, steps: list[Step], limit: int) -> None:
    await _check_against_the_model(postgres_site, steps, limit)


@pytest.fixture
async def postgres_site(postgres_url: str) -> Any:
    async with open_site(postgres_url) as opened:
        yield opened


async def _check_against_the_model(site: Site, steps: list[Step], limit: int) -> None:
    article = await site.article(f"article {time.monotonic_ns()}")
    author, moderator = await site.person(), await site.moderator()
    model = await play(site, article, author, moderator, steps)
    for sort in Sort:
        rows = await whole(site, article, sort, limit)
        assert ids(rows) == model.order(sort)
        for row in rows:
            visible = [child for child in model.children(row["id"]) if model.status[child] == "visible"]
            assert row["replies"] == len(visible)
            assert row["status"] == model.status[row["id"]]
            assert (row["tree"] is None) == (row["author"] is None) == (row["status"] != "visible")
            assert row["pinned"] == (row["id"] in model.pinned)
    page = await site.thread(article)
    assert page["article"]["comment_count"] == list(model.status.values()).count("visible")


async def test_both_databases_give_the_same_pages(sqlite_url: str, postgres_url: str) -> None:
    steps = [
        (act, (7 * place * place + 3) % 31)
        for place, act in enumerate(
            ["post", "reply", "reply", "reply", "remove", "reply", "restore", "pin", "delete"] * 12
        )
    ]
    pages: list[list[Any]] = []
    for url in (sqlite_url, postgres_url):
        async with open_site(url) as site:
            article = await site.article()
            author, moderator = await site.person("Ada"), await site.person("Mod", role=Role.MODERATOR)
            await play(site, article, author, moderator, steps)
            found: list[Any] = []
            for sort in Sort:
                cursor = None
                while True:
                    page = await site.thread(article, sort, 4, cursor)
                    found.append(page)
                    for branch, place in page["branches"].items():
                        found.append(await site.replies(int(branch), 3, place))
                    if (cursor := page["next"]) is None:
                        break
            for page in found:
                del page["epoch"]
                for row in page["comments"]:
                    del row["ref"]  # of a random client id
            pages.append(found)
    assert len(pages[0]) > 6
    assert pages[0] == pages[1]
