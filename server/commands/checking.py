"""`ripost check`: verifies the database beside whoever uses it, and lists what is wrong."""

from server.actions import checks
from server.commands import running
from server.commands.running import counted
from server.config import Config
from server.storage import audit
from server.storage.database import Database
from server.storage.transaction import Transaction


def run(config: Config) -> int:
    """Prints a line for each thing that is wrong; 1 if there is one."""
    found = running.run(_check(config))
    return 1 if found else 0


async def _check(config: Config) -> int:
    database = await Database.open_readonly(config.database_url)
    try:
        return await database.read(_verify)
    finally:
        await database.close()


def _verify(tx: Transaction) -> int:
    articles, comments, events = audit.totals(tx)
    found = 0
    with running.progress("checking", comments + events) as bar:
        for sentence in checks.check(tx, bar.advance):
            bar.clear()
            print(sentence)
            found += 1
    what = ", ".join((counted(articles, "article"), counted(comments, "comment"), counted(events, "event")))
    print(f"checked {what}: " + ("everything is right" if not found else f"{found} wrong"))
    return found
