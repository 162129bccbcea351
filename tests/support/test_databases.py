"""The databases that tests get are fresh, real and their own."""

import asyncpg
import redis.asyncio
from sqlalchemy.engine import make_url

from tests.support.redis import RedisServer


def test_a_test_that_asks_for_a_database_runs_on_both_kinds(database_url: str) -> None:
    assert make_url(database_url).get_backend_name() in ("sqlite", "postgresql")


async def test_a_postgresql_database_is_empty_and_takes_any_script(postgres_url: str) -> None:
    connection = await asyncpg.connect(postgres_url)
    try:
        assert await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
        assert await connection.fetchval("SELECT $1::text", "שלום 🙂") == "שלום 🙂"
    finally:
        await connection.close()


async def test_a_redis_that_was_lost_comes_back_empty_on_the_same_port(redis: RedisServer) -> None:
    async with _client(redis.url) as client:
        await client.set("key", "value")
    redis.stop()
    redis.start()
    async with _client(redis.url) as client:
        assert await client.get("key") is None


def _client(url: str) -> redis.asyncio.Redis:
    return redis.asyncio.from_url(url)
