"""A live connection's behaviour without a connection: what each message does, in which order, and what is remembered."""

import json
from typing import Any

import pytest

from server.errors import NotFound, Unavailable
from server.hub import Cursor, Hub
from server.session import (
    MAX_BAD_MESSAGES,
    MAX_SUBSCRIPTIONS,
    MESSAGE_BYTES,
    MESSAGES_BURST,
    MESSAGES_PER_SECOND,
    Close,
    Leave,
    Open,
    Send,
    Session,
)


class Nobody:
    def write(self, cursor: Cursor, batch: Any) -> bool:
        return True

    def behind(self, cursor: Cursor) -> None: ...

    def ended(self, cursor: Cursor, reason: str) -> None: ...


@pytest.fixture
def session() -> Session:
    return Session(0.0)


@pytest.fixture
def hub() -> Hub:
    return Hub(lambda work: None)


def joined(hub: Hub, name: str = "article:3", seq: int = 5) -> Cursor:
    channel = hub.channel(name)
    hub.open(channel, "e", seq, None)
    return hub.join(Nobody(), channel, seq)


def tell(session: Session, message: object, now: float = 0.0) -> list[Any]:
    return list(session.receive(message if isinstance(message, str) else json.dumps(message), now))


def asked(session: Session, **more: Any) -> Open:
    effects = tell(session, {"type": "subscribe", "article": 3} | more)
    assert isinstance(effects[-1], Open)
    return effects[-1]


def said(effects: Any) -> list[Any]:
    return [json.loads(effect.text) for effect in effects if isinstance(effect, Send)]


def test_a_subscription_is_opened_then_answered(session: Session, hub: Hub) -> None:
    opening = asked(session, epoch="e", since=4, at="T")
    assert (opening.topic, opening.channel, opening.since, opening.at) == (("article", 3), "article:3", 4, "T")
    cursor = joined(hub)
    answer = session.subscribed(opening, cursor, "e", 5, 1)
    assert said(answer) == [{"type": "subscribed", "article": 3, "epoch": "e", "seq": 5, "readers": 1}]
    assert session.cursors() == [cursor]


def test_only_the_last_of_two_openings_of_one_topic_counts(session: Session, hub: Hub) -> None:
    first, second = asked(session, epoch="e", since=1), asked(session, epoch="e", since=2)
    one, two = joined(hub), joined(hub)
    assert session.subscribed(first, one, "e", 5, 2) == [Leave(one)]
    assert said(session.subscribed(second, two, "e", 5, 2))[0]["type"] == "subscribed"
    assert session.cursors() == [two]


@pytest.mark.parametrize("outcome", ["reset", "refused"])
def test_what_becomes_of_an_opening_that_was_overtaken_is_not_said(session: Session, hub: Hub, outcome: str) -> None:
    first, second = asked(session), asked(session)
    effects = session.reset(first, "e", 5) if outcome == "reset" else session.refused(first, NotFound("no"))
    assert list(effects) == []
    assert said(session.subscribed(second, joined(hub), "e", 5, 1))


def test_who_unsubscribes_while_it_is_opened_is_not_subscribed(session: Session, hub: Hub) -> None:
    opening, cursor = asked(session), joined(hub)
    assert said(tell(session, {"type": "unsubscribe", "article": 3}))[0]["type"] == "unsubscribed"
    assert session.subscribed(opening, cursor, "e", 5, 1) == [Leave(cursor)]


def test_subscribing_again_leaves_the_old_place_first(session: Session, hub: Hub) -> None:
    cursor = joined(hub)
    session.subscribed(asked(session), cursor, "e", 5, 1)
    effects = tell(session, {"type": "subscribe", "article": 3, "epoch": "e", "since": 2})
    assert effects[0] == Leave(cursor) and isinstance(effects[1], Open)


def test_a_channel_that_ends_is_reset_or_unsubscribed_and_forgotten(session: Session, hub: Hub) -> None:
    for reason, kind in (("reset", "reset"), ("signed out", "unsubscribed")):
        cursor = joined(hub)
        session.subscribed(asked(session), cursor, "e", 5, 1)
        assert said(session.ended(cursor, reason))[0]["type"] == kind
        assert session.cursors() == [] and list(session.ended(cursor, reason)) == []


def test_heads_are_said_of_level_cursors_only(session: Session, hub: Hub) -> None:
    cursor = joined(hub)
    session.subscribed(asked(session), cursor, "e", 5, 1)
    asked(session, article=4)  # still being opened
    assert said(session.heads()) == [{"type": "head", "article": 3, "epoch": "e", "seq": 5}]
    cursor.seq = 4
    assert list(session.heads()) == []


def test_channels_that_are_no_articles_are_named_by_the_topic(session: Session) -> None:
    for channel, name in (("moderation", "moderation"), ("me", None)):
        effects = tell(session, {"type": "subscribe", "channel": channel, "token": "t"})
        assert (effects[0].channel, effects[0].token) == (name, "t")
    assert said(tell(session, {"type": "unsubscribe", "channel": "me"})) == [
        {"type": "unsubscribed", "channel": "me", "reason": "asked"}
    ]


def test_a_subscription_more_than_the_bound_is_refused_but_the_old_ones_may_move(session: Session) -> None:
    for article in range(1, MAX_SUBSCRIPTIONS + 1):
        asked(session, article=article)
    assert said(tell(session, {"type": "subscribe", "article": 99}))[0]["problem"]["status"] == 429
    asked(session, article=1)


def test_what_is_one_subscription_too_many_is_named_and_no_bad_manners(session: Session) -> None:
    for article in range(1, MAX_SUBSCRIPTIONS + 1):
        asked(session, article=article)
    for number in range(2 * MAX_BAD_MESSAGES):
        now = float(number)
        (told,) = said(tell(session, {"type": "subscribe", "article": 99}, now))
        assert (told["type"], told["article"], told["problem"]["status"]) == ("error", 99, 429)
        (told,) = said(tell(session, {"type": "subscribe", "channel": "me"}, now))
        assert (told["channel"], told["problem"]["status"]) == ("me", 429)
        (told,) = said(tell(session, {"type": "subscribe", "counts": [7, 8]}, now))
        assert (told["type"], told["counts"], told["problem"]["status"]) == ("error", [7, 8], 429)
    assert not session.watched and len(session.subscriptions) == MAX_SUBSCRIPTIONS


def test_counts_that_cannot_be_read_are_told_of_those_that_are_still_wanted(session: Session) -> None:
    tell(session, {"type": "subscribe", "counts": [1, 2, 3]})
    tell(session, {"type": "unsubscribe", "counts": [2]})
    (told,) = said(session.uncounted([1, 2], Unavailable("not now")))
    assert (told["counts"], session.watched) == ([1], {3})
    assert list(session.uncounted([1, 2], Unavailable("not now"))) == []


@pytest.mark.parametrize("letter", ["x", "é", "😀"])
def test_a_message_is_at_most_16_kib(session: Session, letter: str) -> None:
    room = (MESSAGE_BYTES - len('{"type":"ping","":""}')) // len(letter.encode())
    text = '{"type":"ping","":"%s"}'
    assert said(tell(session, text % (letter * room))) == [{"type": "pong"}]
    assert tell(session, text % (letter * (room + 1))) == [Close(1009, "at most 16 KiB make a message")]


def test_messages_come_back_at_their_rate(session: Session) -> None:
    for _ in range(MESSAGES_BURST):
        assert said(tell(session, {"type": "ping"})) == [{"type": "pong"}]
    assert said(tell(session, {"type": "ping"}))[0]["problem"]["status"] == 429
    for number in range(5):
        moment = (number + 1) / MESSAGES_PER_SECOND + 0.001
        assert said(tell(session, {"type": "ping"}, moment)) == [{"type": "pong"}]


def test_nonsense_is_answered_until_it_is_too_much_and_sense_makes_up_for_it(session: Session) -> None:
    for number in range(3 * MAX_BAD_MESSAGES):
        assert said(tell(session, "nonsense", float(number))), "with sense in between"
        tell(session, {"type": "ping"}, float(number))
    for number in range(MAX_BAD_MESSAGES):
        tell(session, "nonsense", 1000.0 + number)
    assert isinstance(tell(session, "nonsense", 2000.0)[0], Close)


def test_binary_is_the_end(session: Session) -> None:
    assert isinstance(session.binary()[0], Close)
