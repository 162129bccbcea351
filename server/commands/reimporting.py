"""`ripost import` of an export: streams its records in, portion by portion."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from server import jobs
from server.actions import imports, reimports
from server.actions.imports import Outcome
from server.actions.reimports import ExportBatch
from server.commands import files, reports, running
from server.config import Config
from server.importers import ripost
from server.importers.records import NotUnderstood
from server.storage.database import Database


def run(config: Config, file: Path, *, dry_run: bool) -> int:
    """Imports the file. Raises CommandError; it is read through once before anything is changed."""
    with running.progress("reading") as bar:
        total = 0
        for batch in _batches(file):
            total += len(batch.records)
            bar.advance(len(batch.records))
    outcome = running.run(_preview(config, file) if dry_run else _import(config, file, total))
    reports.report(outcome, dry_run=dry_run, of_export=True)
    return 0


async def _import(config: Config, file: Path, total: int) -> Outcome:
    outcome = Outcome()
    async with running.desk(config) as desk:
        with running.progress("importing", total) as bar:
            for batch in _batches(file):
                outcome.add(await desk.call(jobs.IMPORT_EXPORT, batch))
                bar.advance(len(batch.records))
    return outcome


async def _preview(config: Config, file: Path) -> Outcome:
    outcome = Outcome()
    async for database in _existing(config):
        for batch in _batches(file):
            if database is None:
                outcome.add(_as_new(batch))
            else:
                outcome.add(await database.read(lambda tx: reimports.preview_export(tx, batch)))  # noqa: B023
    return outcome


async def _existing(config: Config) -> AsyncIterator[Database | None]:
    if not config.is_postgres and not config.database_path.exists():
        yield None
        return
    database = await Database.open_readonly(config.database_url)
    try:
        yield database
    finally:
        await database.close()


def _as_new(batch: ExportBatch) -> Outcome:
    of = [type(record) for record in batch.records]
    return Outcome(
        articles=of.count(ripost.Article),
        comments=of.count(ripost.Comment),
        replies=sum(1 for one in batch.records if isinstance(one, ripost.Comment) and one.parent is not None),
        people=of.count(ripost.Person),
        sessions=of.count(ripost.Session),
        votes=of.count(ripost.Vote),
        reports=of.count(ripost.Report),
        decisions=of.count(ripost.Decided),
    )


def _batches(file: Path) -> Iterator[ExportBatch]:
    """The file in portions, the last one marked. Raises CommandError."""
    found = files.lines(file, ripost.LINE_BYTES)
    first = next(found, None)
    if first is None:
        raise NotUnderstood(1, "the header of an export is expected; the file is empty")
    header = ripost.header(first)
    waiting: list[ripost.Record] = []
    for portion in imports.batches(ripost.parse(found), _size):
        if waiting:
            yield _batch(header, waiting)
        waiting = portion
    yield _batch(header, waiting, last=True)


def _batch(header: ripost.Header, records: list[ripost.Record], *, last: bool = False) -> ExportBatch:
    return ExportBatch(instance=header.instance, exported_at=header.exported_at, records=records, last=last)


def _size(record: ripost.Record) -> int:
    match record:
        case ripost.Article():
            return len(record.body)
        case ripost.Comment():
            return 3 * len(record.source or "")
        case _:
            return 200
