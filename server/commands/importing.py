"""`ripost import`: reads a file, hands its records in portion by portion, says what became of them."""

from pathlib import Path

from server import jobs
from server.actions import imports
from server.actions.imports import Outcome, PageBatch
from server.commands import files, reimporting, reports, running
from server.config import Config
from server.errors import CommandError
from server.importers import page, records
from server.storage.database import Database

PAGE_BYTES = 256 << 20  # a copied page is read whole; this is a few hundred thousand comments


def run(config: Config, file: Path, *, format: str, url: str | None, dry_run: bool) -> int:
    """Imports a file. Raises CommandError."""
    if format == "auto":
        format = _recognised(file)
    if format == "ripost":
        if url is not None:
            raise CommandError("--url goes with a page; an export knows the addresses of its articles")
        return reimporting.run(config, file, dry_run=dry_run)
    found = page.parse(page.decode(_read(file)))
    imports.address(url)
    outcome = running.run(_preview(config, found, url) if dry_run else _import(config, found, url))
    reports.report(outcome, found.skipped, dry_run=dry_run)
    return 0


async def _import(config: Config, found: page.Page, url: str | None) -> Outcome:
    total = Outcome()
    async with running.desk(config) as desk:
        with running.progress("importing", len(found.comments)) as bar:
            for portion in list(imports.batches(found.comments, _size)) or [[]]:
                done = await desk.call(jobs.IMPORT_PAGE, _batch(found, portion, url))
                if total.articles or total.present:
                    done.present -= 1  # the article, which every portion names
                total.add(done)
                bar.advance(len(portion))
    return total


async def _preview(config: Config, found: page.Page, url: str | None) -> Outcome:
    whole = _batch(found, found.comments, url)
    if not config.is_postgres and not config.database_path.exists():
        replies = sum(1 for one in found.comments if one.parent is not None)
        return Outcome(articles=1, comments=len(found.comments), replies=replies)
    database = await Database.open_readonly(config.database_url)
    try:
        return await database.read(lambda tx: imports.preview_page(tx, whole))
    finally:
        await database.close()


def _batch(found: page.Page, portion: list[records.Comment], url: str | None) -> PageBatch:
    return PageBatch(origin="page", article=found.article, comments=portion, url=url)


def _size(comment: records.Comment) -> int:
    return len(comment.source) + len(comment.tree)


def _recognised(file: Path) -> str:
    """What a file is, from how it begins. Raises CommandError."""
    with files.opened(file) as opened:
        begins = opened.read(4096)
    if begins[:2] == b"\x1f\x8b" or begins.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return "ripost"
    if begins.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        raise records.NotUnderstood(
            1, "the text of a page or an export of Ripost is expected; this looks like HTML or XML"
        )
    return "page"


def _read(file: Path) -> bytes:
    with files.opened(file) as opened:
        data = opened.read(PAGE_BYTES + 1)
    if len(data) > PAGE_BYTES:
        raise CommandError(f"{file} is larger than {PAGE_BYTES >> 20} MiB; is it the text of a page?")
    return data
