"""Threads of a given size, made before the server starts: by the actions that requests use, without the requests."""

import asyncio
import random
from pathlib import Path

from server.models import Article
from tests.bench.servers import TEXT
from tests.support.build import Site, open_site

TOGETHER = 256  # posts that wait for the same commit


def threads(folder: Path, sizes: list[int]) -> list[int]:
    """Articles with so many comments each, a third of them replies, in a new SQLite file in `folder`; their ids."""
    return asyncio.run(_threads(folder, sizes))


async def _threads(folder: Path, sizes: list[int]) -> list[int]:
    # The name and secret that `ripost serve` has there: what is seeded is an operator's own database.
    async with open_site(f"sqlite:///{folder / 'ripost.db'}", secret_key=None) as site:
        articles = [await site.article(f"A thread of {size} comments") for size in sizes]
        for article, size in zip(articles, sizes, strict=True):
            await _fill(site, article, size)
        return [article.id for article in articles]


async def _fill(site: Site, article: Article, size: int) -> None:
    people = [await site.person() for _ in range(8)]
    chance = random.Random(size)
    known: list[int] = []
    while len(known) < size:
        some = min(TOGETHER, size - len(known))
        made = await asyncio.gather(
            *(
                site.post(
                    article,
                    TEXT.format(len(known) + index),
                    by=people[index % len(people)],
                    parent=chance.choice(known) if known and index % 3 == 2 else None,
                )
                for index in range(some)
            )
        )
        known += [said.id for said in made]
