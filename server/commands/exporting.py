"""`ripost export`: everything into one file, beside whoever uses the database."""

import sys

from server import jobs
from server.actions import exports, imports
from server.commands import files, running
from server.commands.running import counted
from server.config import Config
from server.storage import meta
from server.storage.database import Database
from server.storage.transaction import Transaction
from server.times import SystemClock


def run(config: Config, file: str) -> int:
    """Writes the export; says on stderr, where it is in nobody's way, how much that was. Raises CommandError."""
    written = running.run(_export(config, file))
    print(f"exported {counted(written, 'record')}" + ("" if file == "-" else f" to {file}"), file=sys.stderr)
    return 0


async def _export(config: Config, file: str) -> int:
    database = await Database.open_readonly(config.database_url)
    try:
        if await database.read(lambda tx: meta.get(tx, meta.INSTANCE)) is None:
            async with running.desk(config) as desk:
                await desk.call(jobs.NAME_INSTANCE, imports.NoArguments())

        def work(tx: Transaction) -> int:
            with (
                files.written(file) as out,
                running.progress("exporting", exports.total(tx)) as bar,
            ):
                return exports.export(tx, SystemClock().now(), out.write, bar.advance)

        return await database.read(work)
    finally:
        await database.close()
