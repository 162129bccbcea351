"""`/live` over real sockets: what may be said, what is answered and in which order, who may connect and how many."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from server.session import MAX_BAD_MESSAGES, MAX_SUBSCRIPTIONS, MESSAGE_BYTES, MESSAGES_BURST
from tests.routes.test_presence import opened
from tests.support.live import Frame, LiveClient
from tests.support.running import Running, running

FRIEND = "https://paper.example"
Json = dict[str, Any]


@pytest_asyncio.fixture(scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    async with running(tmp_path_factory.mktemp("live"), ALLOWED_ORIGINS=FRIEND) as made:
        yield made


async def problem(live: LiveClient, message: Frame | str) -> Json:
    """What the server finds wrong with a message."""
    start = len(live.frames)
    await live.send(message)
    found: Json = (await live.wait_for("error", after=start))["problem"]
    return found


async def test_a_subscription_from_now_gets_what_happens_from_then_on(site: Running) -> None:
    article = await site.article()
    await site.post(article)
    async with site.live() as live:
        answer = await live.subscribe(article)
        assert answer == {"type": "subscribed", "article": article, "epoch": answer["epoch"], "seq": 1, "readers": 1}
        said = await site.post(article, "Second.")
        assert await live.next_event() == said["event"], "the very event that the poster was answered"
        assert len(live.events) == 1


async def test_a_subscription_from_a_snapshot_gets_every_event_after_it_in_order(site: Running) -> None:
    article = await site.article()
    page = await site.thread(article)
    posted = [(await site.post(article, f"{number}."))["event"] for number in range(20)]
    async with site.live() as live:
        await live.subscribe(article, page["epoch"], page["seq"])
        await live.wait_for_seq(article, 20)
        assert live.events == posted
        assert live.frames[0]["type"] == "subscribed" and live.frames[0]["seq"] == 20


async def test_subscribing_again_moves_the_position_on_the_same_connection(site: Running) -> None:
    article = await site.article()
    for number in range(5):
        await site.post(article, f"{number}.")
    async with site.live() as live:
        first = await live.subscribe(article)
        for since in (0, 3, 5, 1):
            start = len(live.events)
            await live.subscribe(article, first["epoch"], since)
            await live.wait_for_seq(article, 5)
            await live.ping()
            assert [event["seq"] for event in live.events[start:]] == list(range(since + 1, 6))
        assert await site.number("readers") == 1


async def test_the_last_of_many_subscriptions_sent_at_once_counts(site: Running) -> None:
    article = await site.article()
    for number in range(4):
        await site.post(article, f"{number}.")
    page = await site.thread(article)
    async with connect(site.url.replace("http", "ws", 1) + "/live") as socket:
        for since in (0, 4, 2):
            await socket.send(
                json.dumps({"type": "subscribe", "article": article, "epoch": page["epoch"], "since": since})
            )
        frames: list[Frame] = []
        async with asyncio.timeout(10):
            # Each is answered, or overtaken by the next before it was; the last is answered last.
            while [frame.get("seq") for frame in frames[-3:]] != [4, 3, 4] or frames[-3]["type"] != "subscribed":
                frames.append(json.loads(await socket.recv()))
            said = await site.post(article)
            assert json.loads(await socket.recv()) == said["event"]
        assert await site.number("readers") == 1
        await socket.send('{"type": "ping"}')
        assert json.loads(await socket.recv()) == {"type": "pong"}, "and the event came once"


@pytest.mark.parametrize("kind", ["another epoch", "ahead of the log", "another time"])
async def test_a_position_of_another_history_is_reset(site: Running, kind: str) -> None:
    article = await site.article()
    await site.post(article)
    page = await site.thread(article)
    asked: Json = {"epoch": page["epoch"], "since": 1, "at": page["at"]}
    asked |= {
        "another epoch": {"epoch": "0123456789ab"},
        "ahead of the log": {"since": 99, "at": None},
        "another time": {"at": "2020-01-01T00:00:00.000000Z"},
    }[kind]
    async with site.live() as live:
        answer = await live.subscribe(article, **asked)
        assert answer == {"type": "reset", "article": article, "epoch": page["epoch"], "seq": 1}
        await site.post(article)
        await live.ping()
        assert live.events == [], "a reset ends the subscription"
        assert (await live.subscribe(article, page["epoch"], 1, at=page["at"]))["type"] == "subscribed"
        await live.wait_for_seq(article, 2)


async def test_after_unsubscribing_nothing_more_comes(site: Running) -> None:
    article, other = await site.article(), await site.article()
    async with site.live() as live:
        await live.subscribe(article)
        await live.subscribe(other)
        await live.send({"type": "unsubscribe", "article": article})
        assert (await live.wait_for("unsubscribed"))["article"] == article
        await site.post(article)
        await site.post(other)
        await live.wait_for_seq(other, 1)
        assert [event["article"] for event in live.events] == [other]


async def test_two_thousand_rounds_of_subscribing_while_publishing_over_sockets(site: Running) -> None:
    """Posts go on all the time; 8 connections subscribe anew from random known positions. LiveClient fails on a gap,
    a double, and an event before `subscribed`."""
    article = await site.article()
    page = await site.thread(article)
    rounds, posting = 0, True

    async def post() -> None:
        while posting:
            await asyncio.gather(*(site.post(article, "Again.") for _ in range(4)))

    async def read(seed: int) -> None:
        nonlocal rounds
        live = site.live()
        await live.open()
        position, number = 0, seed
        for _ in range(250):
            if number % 40 == 39 or len(live.frames) > 20_000:  # within the rate of messages of one connection
                await live.close()
                live = site.live()
                await live.open()
            number += 1
            since = None if number % 5 == 0 else max(0, position - number % 7)
            epoch = None if since is None else page["epoch"]
            assert (await live.subscribe(article, epoch, since))["type"] == "subscribed"
            if number % 3 == 0:
                await live.next_event()
            position = live.position(article)[1]
            rounds += 1
        await live.close()

    posts = asyncio.create_task(post())
    try:
        await asyncio.gather(*(read(seed) for seed in range(8)))
    finally:
        posting = False
        await posts
    assert rounds == 2000 and (await site.thread(article))["seq"] > 100
    await site.until_nobody_is_connected()


async def test_what_is_not_of_the_protocol_is_told_and_changes_nothing(site: Running) -> None:
    article = await site.article()
    async with site.live() as live:
        for message in (
            "", "{", "null", "[]", '"ping"', "NaN", '{"type":', '{"type": "sing"}', '{"type": 3}', "{}",
            '{"type": "subscribe", "article": "3"}', '{"type": "ping"' + " " * 100, "[" * 5000,
            '{"type": "subscribe", "article": 1e400}',
        ):  # fmt: skip
            assert (await problem(live, message))["status"] == 400, message
        await live.ping()
        assert (await live.subscribe(article))["type"] == "subscribed"


async def test_wrong_fields_are_named(site: Running) -> None:
    async with site.live() as live:
        for message, field in (
            ({"type": "subscribe"}, "article"),
            ({"type": "subscribe", "article": 1, "channel": "me"}, "article"),
            ({"type": "subscribe", "article": -1}, "article"),
            ({"type": "subscribe", "article": 2**70}, "article"),
            ({"type": "subscribe", "article": 1, "since": 3}, "since"),
            ({"type": "subscribe", "article": 1, "epoch": "e"}, "since"),
            ({"type": "subscribe", "article": 1, "epoch": "e", "since": -1}, "since"),
            ({"type": "subscribe", "article": 1, "epoch": "e", "since": 2**64}, "since"),
        ):
            found = await problem(live, json.dumps(message))
            assert (found["status"], found["errors"][0]["field"]) == (422, field), message


async def test_an_unknown_article_is_told_by_its_name(site: Running) -> None:
    async with site.live() as live:
        await live.send({"type": "subscribe", "article": 999_999})
        error = await live.wait_for("error")
        assert (error["article"], error["problem"]["status"]) == (999_999, 404)
        await live.send({"type": "subscribe", "article": 999_999})  # it may be asked again
        await live.wait_for("error", after=1)


async def test_somebody_who_keeps_talking_nonsense_is_sent_away_for_good(site: Running) -> None:
    async with site.live() as live:
        for _ in range(MAX_BAD_MESSAGES + 1):
            await live.send("nonsense")
        assert await live.wait_closed() == 4503


async def test_messages_above_the_rate_are_refused_and_nothing_else_is(site: Running) -> None:
    async with site.live() as live:
        for _ in range(MESSAGES_BURST + 5):
            await live.send({"type": "ping"})
        error = await live.wait_for("error")
        assert (error["problem"]["status"], error["problem"]["retry_after"]) == (429, 1)
        assert len([frame for frame in live.frames if frame["type"] == "pong"]) >= MESSAGES_BURST


@pytest.mark.parametrize(
    ("message", "code"), [(b"\x00\x01", 4503), ("x" * (16 * 1024 + 1), 1009)], ids=["binary", "over 16 KiB"]
)
async def test_frames_that_no_client_sends_end_the_connection_with_a_code(
    site: Running, message: str | bytes, code: int
) -> None:
    async with site.live() as live, site.live() as other:
        await live.send(message)
        assert await live.wait_closed() == code
        await other.ping()


@pytest.mark.parametrize("slim", [True, False], ids=["slim", "asgi"])
async def test_both_links_take_messages_of_16_kib_and_no_more(tmp_path: Path, slim: bool) -> None:
    async with opened(tmp_path, slim=slim) as made:
        for text in ("x", "é"):
            live = made.live()
            await live.open()
            room = (MESSAGE_BYTES - len('{"type":"ping","":""}')) // len(text.encode())
            await live.send('{"type":"ping","":"%s"}' % (text * room))
            await live.wait_for("pong")
            await live.send('{"type":"ping","":"%s"}' % (text * (room + 1)))
            assert await live.wait_closed() == 1009
            await live.close()


async def test_what_is_said_after_the_end_is_not_read_on_plain_asgi(tmp_path: Path) -> None:
    async with opened(tmp_path, slim=False) as made:
        live = made.live()
        await live.open()
        for message in (b"binary", b"binary", b"binary", "nonsense"):
            await live.send(message)
        assert await live.wait_closed() == 4503
        await live.close()
        assert made.app.state.ripost.metrics._aborts["protocol"] == 1
        assert live.frames == []


async def test_text_that_is_not_utf_8_ends_the_connection(site: Running) -> None:
    async with site.live() as live:
        assert live._socket is not None
        live._socket.transport.write(b"\x81\x82\x00\x00\x00\x00\xff\xfe")
        assert await live.wait_closed() == 1007


async def test_there_are_32_subscriptions_on_a_connection_and_no_more(site: Running) -> None:
    articles = [await site.article() for _ in range(MAX_SUBSCRIPTIONS + 1)]
    async with site.live() as live:
        for article in articles[:-1]:
            assert (await live.subscribe(article))["type"] == "subscribed"
        answer = await live.subscribe(articles[-1])
        assert (answer["type"], answer["article"], answer["problem"]["status"]) == ("error", articles[-1], 429)
        await live.send({"type": "unsubscribe", "article": articles[0]})
        await live.wait_for("unsubscribed")
        assert (await live.subscribe(articles[-1]))["type"] == "subscribed"
        for article in articles[1:]:
            await site.post(article)
        for article in articles[1:]:
            await live.wait_for_seq(article, 1)


async def test_a_ping_is_answered(site: Running) -> None:
    async with site.live() as live:
        await live.ping()
        assert live.frames == [{"type": "pong"}]


async def test_the_moderation_channel_needs_a_moderator(site: Running) -> None:
    article = await site.article()
    guest = (await site.post(article))["token"]
    async with site.live() as live:
        for token, status in (("nonsense", 401), (guest, 403)):
            await live.send({"type": "subscribe", "channel": "moderation", "token": token})
            error = await live.wait_for("error", after=len(live.frames))
            assert (error["channel"], error["problem"]["status"]) == ("moderation", status)
        await live.send({"type": "subscribe", "channel": "moderation"})
        assert (await live.wait_for("error", after=len(live.frames)))["problem"]["status"] == 401
        assert (await live.subscribe_channel("moderation", site.moderator))["type"] == "subscribed"
        held = await site.post(article, "See https://elsewhere.example")
        entered = await live.next_event()
        assert (entered["type"], entered["id"]) == ("queue.entered", held["event"]["comment"]["id"])
        assert "elsewhere" not in json.dumps(entered), "ids only"
        await site.decide(entered["id"], "approve")
        assert (await live.next_event())["type"] == "queue.left"


async def test_moderation_is_not_for_pages_of_others_even_with_a_moderators_token(site: Running) -> None:
    async with site.live(origin=FRIEND) as live:
        await live.send({"type": "subscribe", "channel": "moderation", "token": site.moderator})
        assert (await live.wait_for("error"))["problem"]["status"] == 403


async def test_the_channel_me_tells_an_author_what_was_decided_and_nobody_else(site: Running) -> None:
    article = await site.article()
    held = await site.post(article, "See https://elsewhere.example")
    stranger = await site.post(article)
    async with site.live() as live, site.live() as other:
        assert (await live.subscribe_channel("me", held["token"]))["type"] == "subscribed"
        assert (await other.subscribe_channel("me", stranger["token"]))["type"] == "subscribed"
        await site.decide(held["event"]["comment"]["id"], "reject")
        told = await live.next_event()
        assert (told["type"], told["channel"], told["decision"]) == ("comment.decided", "me", "reject")
        await other.ping()
        assert other.events == []


async def test_a_channel_of_ones_own_that_is_opened_while_the_session_ends_ends_at_once(site: Running) -> None:
    article = await site.article()
    async with site.live() as live:
        for _ in range(20):
            guest, before = (await site.post(article))["token"], len(live.frames)
            await asyncio.gather(
                live.send({"type": "subscribe", "channel": "me", "token": guest}),
                site.ask("DELETE", "/api/sessions/current", token=guest),
            )
            await live.wait_for(lambda frame: frame["type"] in ("error", "unsubscribed"), after=before, seconds=5)


async def test_who_signs_out_hears_a_channel_of_theirs_no_more(site: Running) -> None:
    article = await site.article()
    guest = (await site.post(article))["token"]
    async with site.live() as live, site.live() as other:
        assert (await live.subscribe_channel("me", guest))["type"] == "subscribed"
        await live.subscribe(article)
        assert (await other.subscribe_channel("moderation", site.moderator))["type"] == "subscribed"
        await site.ask("DELETE", "/api/sessions/current", token=guest)
        ended = await live.wait_for("unsubscribed")
        assert ended == {"type": "unsubscribed", "channel": "me", "reason": "the right to it has ended"}
        await site.post(article, "The article is everybody's.")
        assert (await live.next_event())["type"] == "comment.posted"
        await other.ping()
        assert not [frame for frame in other.frames if frame["type"] == "unsubscribed"], "another one's goes on"


async def test_who_is_forgotten_hears_a_channel_of_theirs_no_more(site: Running) -> None:
    article = await site.article()
    guest = (await site.post(article))["token"]
    async with site.live() as live:
        assert (await live.subscribe_channel("me", guest))["type"] == "subscribed"
        await site.ask("DELETE", "/api/me", token=guest)
        assert (await live.wait_for("unsubscribed"))["channel"] == "me"


ORIGINS = {
    None: True,
    "http://{host}": True,
    "https://{host}": True,  # a proxy that ends TLS passes the Host on, and not always the scheme
    "http://{host}.evil.example": False,
    "http://evil.example/{host}": False,
    "http://user@{host}": False,
    "http://{host}/": False,
    "http://127.0.0.1": False,
    "http://127.0.0.1:1": False,
    "http://localhost:{port}": False,
    FRIEND: True,
    FRIEND + ":443": False,
    FRIEND + "/": False,
    FRIEND + ".": False,
    FRIEND.upper(): False,
    "http://paper.example": False,
    "https://paper.example:8443": False,
    "https://www.paper.example": False,
    "https://paper.example.evil.example": False,
    "https://evilpaper.example": False,
    "https://paper.example@evil.example": False,
    "null": False,
    "file://": False,
    "*": False,
    "": False,
    "http://[::1": False,
}


@pytest.mark.parametrize("origin", ORIGINS, ids=repr)
async def test_only_our_own_pages_and_allowed_ones_may_connect_stream_or_be_answered(
    site: Running, origin: str | None
) -> None:
    article = await site.article()
    host = site.url.removeprefix("http://")
    named = None if origin is None else origin.format(host=host, port=site.server.port)
    sent = {} if named is None else {"Origin": named}
    stream = await site.ask("GET", f"/api/articles/{article}/events?wait=0", **sent)
    page = await site.ask("GET", f"/api/articles/{article}/thread", **sent)
    assert page.status_code == 200
    assert page.headers.get("access-control-allow-origin") == (FRIEND if named == FRIEND else None)
    assert "access-control-allow-credentials" not in page.headers
    live = LiveClient(site.url, headers=sent)
    if ORIGINS[origin]:
        assert stream.status_code == 200
        await live.open()
        await live.ping()
        await live.close()
    else:
        assert stream.status_code == 403
        with pytest.raises(InvalidStatus) as refused:
            await live.open()
        answer = refused.value.response
        assert answer.status_code == 403
        assert b"PUBLIC_URL" in (answer.body or b"") and b"ALLOWED_ORIGINS" in (answer.body or b"")
        assert answer.headers["content-type"] == "application/problem+json"


async def test_connections_end_without_leaving_anything_behind(site: Running) -> None:
    article = await site.article()
    clients = [site.live() for _ in range(20)]
    for number, live in enumerate(clients):
        await live.open()
        await live.subscribe(article)
        assert live.frames[0]["readers"] == number + 1
    assert await site.number("readers") == 20
    for number, live in enumerate(clients):
        if number % 2:
            live.abort()
        await live.close(check=number % 2 == 0)
    await site.until_nobody_is_connected()


async def test_another_path_is_no_websocket(site: Running) -> None:
    live = site.live()
    live.url = live.url.replace("/live", "/live/more")
    with pytest.raises(InvalidStatus) as refused:
        await live.open()
    assert refused.value.response.status_code in (403, 404)


async def test_one_connection_too_many_is_told_so_and_asked_not_to_come_back(tmp_path: Path) -> None:
    async with running(tmp_path, MAX_CONNECTIONS_PER_ADDRESS="3") as site:
        article = await site.article()
        open_ones = [site.live() for _ in range(3)]
        for live in open_ones:
            await live.open()
            await live.subscribe(article)
        one_more = site.live()
        await one_more.open()
        assert (await one_more.wait_for("error"))["problem"]["status"] == 429
        assert await one_more.wait_closed() == 4502
        refused = await site.ask("GET", f"/api/articles/{article}/events")
        assert refused.status_code == 429 and int(refused.headers["retry-after"]) > 0
        await open_ones.pop().close()
        async with asyncio.timeout(10):
            while await site.number("connections") > 2:
                await asyncio.sleep(0.02)
        async with site.live() as again:
            await again.ping()
        for live in open_ones:
            await live.close()
        await one_more.close()


async def test_public_url_is_our_own_origin_behind_a_proxy_that_rewrites_host(tmp_path: Path) -> None:
    async with running(tmp_path, PUBLIC_URL="https://talk.example") as site:
        async with site.live(origin="https://talk.example") as live:
            assert (await live.subscribe_channel("moderation", site.moderator))["type"] == "subscribed"
        async with site.live(origin=site.url) as live:  # the Host that was asked for may read and write …
            await live.send({"type": "subscribe", "channel": "moderation", "token": site.moderator})
            assert (await live.wait_for("error"))["problem"]["status"] == 403  # … but staff rights are PUBLIC_URL's
        with pytest.raises(InvalidStatus) as refused:
            await site.live(origin="https://evil.example").open()
        assert b"PUBLIC_URL must be set" not in (refused.value.response.body or b"")
