"""Exports taken back: into an empty database as they were, into others beside what is there, twice without harm."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from server.actions import checks, comments, exports, imports, persons, reimports, reports
from server.actions.imports import Outcome
from server.actions.reimports import ExportBatch
from server.importers import ripost
from server.models import Article, Role, Sort
from server.storage import articles, meta, people, transfer
from tests.support.build import Site, open_site
from tests.support.whole import whole_thread


async def exported(site: Site) -> list[dict[str, Any]]:
    """Every line of an export."""
    await imports.name_instance(site.state, imports.NoArguments())
    lines: list[bytes] = []
    await site.database.read(lambda tx: exports.export(tx, site.clock.now(), lines.append, lambda count: None))
    return [json.loads(line) for line in lines]


async def take_in(site: Site, lines: Sequence[dict[str, Any]], portion: int = 3) -> Outcome:
    """Imports the lines in small portions, as the command does in larger ones."""
    header = ripost.header(json.dumps(lines[0]).encode())
    records = list(ripost.parse(json.dumps(line).encode() for line in lines[1:]))
    outcome = Outcome()
    for start in range(0, len(records), portion):
        batch = ExportBatch(
            instance=header.instance,
            exported_at=header.exported_at,
            records=records[start : start + portion],
            last=start + portion >= len(records),
        )
        outcome.add(await reimports.import_export(site.state, batch))
    return outcome


async def seen(site: Site, lines: Sequence[dict[str, Any]]) -> Outcome:
    """What an import would do."""
    header = ripost.header(json.dumps(lines[0]).encode())
    records = list(ripost.parse(json.dumps(line).encode() for line in lines[1:]))
    batch = ExportBatch(instance=header.instance, exported_at=header.exported_at, records=records)
    found: Outcome = await site.database.read(lambda tx: reimports.preview_export(tx, batch))
    return found


async def busy(site: Site) -> list[Article]:
    """Two articles with everything that can happen to a comment."""
    site.clock.advance(1)
    first = await site.article("Night trains", url="https://news.example/trains", byline="By A. Writer")
    first = (await site.article("A title that changes")) and first
    ana = await site.person("Ana")
    moderator = await site.person("Mo", Role.MODERATOR)
    root = await site.post(first, "A **root** with `code`.", by=ana)
    reply = await site.post(first, "> quoted\n\na reply", parent=root.id, name="Ada")
    deep = await site.post(first, "below the reply", parent=reply.id, name="Bo")
    gone = await site.post(first, "never seen again", name="Cy")
    pinned = await site.post(first, "pinned", name="Di")
    linked = await site.post(first, "see https://spam.example", name="Ed")
    spam = await site.post(first, "see https://spam.example/2", name="Ed")
    await site.post(first, "\u0645\u0631\u062d\u0628\u0627 🌻", name="\u0644\u064a\u0644\u0649")
    site.clock.advance(5)
    await comments.edit_comment(site.state, ana, root.id, "An edited root.")
    own = await site.known(deep.token)
    await comments.delete_comment(site.state, await site.known(gone.token), gone.id)
    await site.decide(moderator, reply.id, "reject", "not here")
    await site.decide(moderator, pinned.id, "pin")
    await site.decide(moderator, spam.id, "spam")
    await reports.report_comment(site.state, own, pinned.id, "abuse", "Look at the second line.")
    await reports.report_comment(site.state, ana, deep.id, "spam", None)
    await site.decide(moderator, deep.id, "approve")
    await site.post(first, "one more below", parent=deep.id, by=own)
    assert linked.comment["status"] == "pending"
    second = await site.article("Quiet", state="premoderated")
    return [first, second]


async def threads(site: Site, found: Sequence[Article]) -> list[Any]:
    """The threads in every order, without their positions."""
    pages = []
    for article in found:
        for sort in Sort:
            page = await whole_thread(site, article.id, sort, limit=2)
            pages.append({**page, "epoch": None, "seq": None, "at": None})
    return pages


async def wrong(site: Site) -> list[str]:
    found: list[str] = await site.database.read(lambda tx: list(checks.check(tx, lambda count: None)))
    return found


async def test_an_export_into_an_empty_database_gives_the_same_threads(database_url: str, tmp_path: Any) -> None:
    async with open_site(database_url) as here, open_site(f"sqlite:///{tmp_path / 'there.db'}") as there:
        found = await busy(here)
        lines = await exported(here)
        outcome = await take_in(there, lines)
        assert outcome.articles == 3
        assert outcome.present == outcome.orphans == outcome.unknown == outcome.renumbered == 0
        assert await threads(there, found) == await threads(here, found)
        assert await wrong(there) == []
        assert (await exported(there))[1:] == lines[1:], "an export of it is the same export"
        assert await there.database.read(lambda tx: meta.get(tx, meta.INSTANCE)) == lines[0]["instance"]


async def test_the_same_into_an_empty_postgresql_database(sqlite_url: str, postgres_url: str) -> None:
    async with open_site(sqlite_url) as here, open_site(postgres_url) as there:
        found = await busy(here)
        lines = await exported(here)
        await take_in(there, lines)
        assert await threads(there, found) == await threads(here, found)
        assert (await exported(there))[1:] == lines[1:]
        posted = await there.post(found[0], "the next number is free")
        assert posted.id == 1 + max(line["id"] for line in lines if line.get("record") == "comment")
        assert await wrong(there) == []


async def test_what_was_imported_goes_on_as_if_nothing_had_happened(sqlite_url: str, tmp_path: Any) -> None:
    async with open_site(sqlite_url) as here, open_site(f"sqlite:///{tmp_path / 'there.db'}") as there:
        article = await here.article()
        said = await here.post(article, client_id="5a1b7d0e-3f7c-4b0e-9a39-9d0a2a3d8f10", name="Ada")
        moderator = await here.person("Mo", Role.MODERATOR)
        token = await here.token(moderator)
        await take_in(there, await exported(here))
        again = await there.post(article, client_id="5a1b7d0e-3f7c-4b0e-9a39-9d0a2a3d8f10", name="Ada")
        assert (again.id, again.created) == (said.id, False), "a retry finds its comment"
        assert (await there.known(said.token)).id == said.comment["author"]["id"]
        assert (await there.known(token)).staff
        decided = await there.decide(await there.known(token), said.id, "reject")
        assert decided.frame is not None
        assert await wrong(there) == []


async def test_an_export_holds_no_token_no_client_id_and_no_deleted_text(sqlite_url: str) -> None:
    async with open_site(sqlite_url) as site:
        article = await site.article()
        said = await site.post(article, "a deleted secret", client_id="5a1b7d0e-3f7c-4b0e-9a39-9d0a2a3d8f10")
        await comments.delete_comment(site.state, await site.known(said.token), said.id)
        text = json.dumps(await exported(site))
        assert said.token is not None
        for secret in (said.token, "5a1b7d0e-3f7c-4b0e-9a39-9d0a2a3d8f10", "deleted secret"):
            assert secret not in text


@pytest.mark.parametrize("emptied", [True, False])
async def test_the_same_export_twice_adds_nothing(sqlite_url: str, tmp_path: Any, emptied: bool) -> None:
    async with open_site(sqlite_url) as here, open_site(f"sqlite:///{tmp_path / 'there.db'}") as there:
        await busy(here)
        lines = await exported(here)
        if not emptied:
            await there.person("Somebody")
        first = await take_in(there, lines)
        log = await there.log("article:1")
        again = await take_in(there, lines)
        assert first.comments == 9
        assert again == Outcome(present=again.present)
        assert again.present >= first.comments + first.articles + first.people
        assert await there.log("article:1") == log
        assert await wrong(there) == []


async def test_an_export_of_this_very_database_adds_nothing_and_brings_back_what_is_missing(sqlite_url: str) -> None:
    async with open_site(sqlite_url) as site:
        await busy(site)
        lines = await exported(site)
        assert (await take_in(site, lines)) == Outcome(present=len(lines) - 1 - sessions_in(lines))


def sessions_in(lines: Sequence[dict[str, Any]]) -> int:
    return sum(1 for line in lines if line.get("record") == "session")


async def test_beside_other_discussions_everything_gets_new_numbers_and_no_rights(
    database_url: str, tmp_path: Any
) -> None:
    async with open_site(f"sqlite:///{tmp_path / 'here.db'}") as here, open_site(database_url) as there:
        await busy(here)
        await persons.create(here.state, persons.NewPerson("Lena", "lena@news.example", Role.ADMIN))
        token = await here.token(await here.person("Nic", Role.ADMIN))
        lines = await exported(here)
        own = await there.article("Night trains", url="https://news.example/trains")
        kept = await there.post(own, "was here before")
        await there.person("Ana")
        outcome = await take_in(there, lines)
        assert (outcome.articles, outcome.comments, outcome.renumbered) == (2, 9, 9)
        assert outcome.sessions == 0
        thread = await whole_thread(there, own.id)
        assert kept.id in [comment["id"] for comment in thread["comments"]]
        assert len(thread["comments"]) > 5, "the same page is one discussion"
        assert await there.database.read(lambda tx: people.by_email(tx, "lena@news.example")) is None
        with pytest.raises(Exception, match="unknown or has expired"):
            await there.known(token)
        roles = {line["name"]: line["role"] for line in await exported(there) if line.get("record") == "person"}
        assert (roles["Mo"], roles["Lena"], roles["Nic"]) == ("member", "member", "member")
        names = [line["role"] for line in await exported(there) if line.get("name") == "Ana"]
        assert sorted(names) == ["guest", "member"], "a name belongs to one person"
        assert await wrong(there) == []


async def test_an_interrupted_import_is_finished_by_the_next_with_all_rights(sqlite_url: str, tmp_path: Any) -> None:
    async with open_site(sqlite_url) as here, open_site(f"sqlite:///{tmp_path / 'there.db'}") as there:
        found = await busy(here)
        lines = await exported(here)
        header = ripost.header(json.dumps(lines[0]).encode())
        first = list(ripost.parse(json.dumps(line).encode() for line in lines[1:2]))
        part = ExportBatch(instance=header.instance, exported_at=header.exported_at, records=first)
        await reimports.import_export(there.state, part)
        await take_in(there, lines)
        assert (await exported(there))[1:] == lines[1:]
        assert await threads(there, found) == await threads(here, found)


async def test_two_histories_of_one_database_do_not_take_each_others_numbers(sqlite_url: str, tmp_path: Any) -> None:
    async with open_site(sqlite_url) as here, open_site(f"sqlite:///{tmp_path / 'there.db'}") as there:
        article = await here.article()
        await here.post(article, "both have this")
        await take_in(there, await exported(here))
        await here.post(article, "only here", name="Ada")
        there.clock.advance(60)
        await there.post(article, "only there", name="Eve")
        outcome = await take_in(there, await exported(here))
        assert (outcome.comments, outcome.renumbered, outcome.people) == (1, 1, 1)
        thread = await whole_thread(there, article.id)
        assert [(c["author"]["name"], c["tree"][0][1]) for c in thread["comments"]] == [
            ("Ada", "both have this"),
            ("Eve", "only there"),
            ("Ada", "only here"),
        ]
        assert (await take_in(there, await exported(here))).comments == 0
        assert await wrong(there) == []


async def test_a_reply_without_its_parent_becomes_top_level_and_one_without_its_article_is_left_out(
    sqlite_url: str, tmp_path: Any
) -> None:
    async with open_site(sqlite_url) as here, open_site(f"sqlite:///{tmp_path / 'there.db'}") as there:
        article = await here.article()
        root = await here.post(article, "root")
        await here.post(article, "reply", parent=root.id)
        lines = [
            line for line in await exported(here) if not (line.get("record") == "comment" and line["id"] == root.id)
        ]
        lost = next(line for line in lines if line.get("record") == "comment") | {"id": 77, "article": 99, "ref": "x"}
        lost["client_hash"] = None
        outcome = await take_in(there, [*lines, lost])
        assert (outcome.comments, outcome.replies, outcome.orphans, outcome.unknown) == (1, 0, 1, 1)
        assert [c["parent"] for c in (await whole_thread(there, article.id))["comments"]] == [None]
        assert await wrong(there) == []


async def test_a_preview_counts_what_an_import_does(sqlite_url: str, tmp_path: Any) -> None:
    async with open_site(sqlite_url) as here, open_site(f"sqlite:///{tmp_path / 'there.db'}") as there:
        await busy(here)
        lines = await exported(here)
        wanted = await seen(there, lines)
        assert await there.database.read(transfer.is_empty)
        done = await take_in(there, lines)
        assert done == wanted
        again = await take_in(there, lines)
        assert await seen(there, lines) == again
        assert await there.database.read(articles.total) == 3
