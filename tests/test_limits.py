"""How often: buckets that fill again, places that are one at a time, connections that are counted."""

import pytest

from server import limits
from server.errors import TooMany
from server.limits import Connections, Limits, Rule

RULE = Rule("test", 3, 10, "tests")


def test_a_burst_is_let_through_then_one_each_interval() -> None:
    taken = Limits()
    for _ in range(3):
        taken.take(RULE, "a", 100.0)
    with pytest.raises(TooMany) as caught:
        taken.take(RULE, "a", 104.0)
    assert caught.value.retry_after == pytest.approx(6)
    taken.take(RULE, "a", 110.0)
    with pytest.raises(TooMany):
        taken.take(RULE, "a", 110.0)


def test_keys_and_rules_do_not_share_a_bucket() -> None:
    taken = Limits()
    for _ in range(3):
        taken.take(RULE, "a", 0.0)
    taken.take(RULE, "b", 0.0)
    taken.take(Rule("other", 1, 10, "tests"), "a", 0.0)


def test_a_refusal_uses_nothing_up() -> None:
    taken = Limits()
    for _ in range(3):
        taken.take(RULE, "a", 0.0)
    for moment in range(1, 10):
        with pytest.raises(TooMany):
            taken.take(RULE, "a", float(moment))
    taken.take(RULE, "a", 10.5)


def test_switched_off_everything_is_let_through() -> None:
    taken = Limits(enabled=False)
    for _ in range(100):
        taken.take(RULE, "a", 0.0)
        taken.space("a", 60, 0.0, by=str(_))


def test_memory_is_bounded_whoever_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_BUCKETS", 50)
    taken = Limits()
    for number in range(500):
        taken.take(RULE, str(number), 0.0)
        taken.space(str(number), 60, 0.0, by="x")
    assert len(taken._buckets) <= 50 and len(taken._spaced) <= 50


def test_a_place_is_taken_by_one_at_a_time_who_may_ask_again() -> None:
    taken = Limits()
    taken.space("place", 60, 0.0, by="first")
    taken.space("place", 60, 1.0, by="first")
    with pytest.raises(TooMany) as caught:
        taken.space("place", 60, 31.0, by="second")
    assert caught.value.retry_after == pytest.approx(30)
    taken.unspace("place", by="second")
    with pytest.raises(TooMany):
        taken.space("place", 60, 31.0, by="second")
    taken.unspace("place", by="first")
    taken.space("place", 60, 31.0, by="second")
    taken.space("place", 60, 91.0, by="third")
    taken.space("place", 0, 91.0, by="fourth")


def test_connections_are_counted_for_each_address_and_in_all() -> None:
    counted = Connections(3, 2)
    with counted.one("a"), counted.one("a"):
        with pytest.raises(TooMany, match="one network"), counted.one("a"):
            pass
        with counted.one("b"), pytest.raises(TooMany, match="as many"), counted.one("c"):
            pass
        assert counted.open == 2
    assert counted.open == 0
    with counted.one("a"):
        assert counted.open == 1


def test_a_key_is_forgotten_hours_after_its_last_use() -> None:
    kept = limits.Limits()
    kept.take(limits.POST_ADDRESS, "old", 0.0)
    kept.space("old", 60, 0.0, by="a")
    kept.take(limits.POST_ADDRESS, "new", limits.KEPT_SECONDS + 1.0)
    kept.space("new", 60, limits.KEPT_SECONDS + 1.0, by="a")
    assert list(kept._buckets) == [(limits.POST_ADDRESS.name, "new")]
    assert list(kept._spaced) == ["new"]
