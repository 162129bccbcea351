"""Settings: what is accepted, and that a wrong one is named with what would be."""

import pytest

from server.config import LANGUAGES, Config
from server.errors import ConfigError
from server.markup import languages

KEY = "k" * 32


def test_with_nothing_set_it_serves_a_file_here() -> None:
    config = Config.from_environ({})
    assert (config.host, config.port, config.database_url) == ("127.0.0.1", 8000, "sqlite:///ripost.db")
    assert config.rate_limits and config.web_concurrency == 1 and config.allowed_origins == ()
    assert str(config.database_path) == "ripost.db" and not config.is_postgres


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"), ("PORT", "70000"), ("PORT", "-1"), ("DATABASE_URL", "mysql://x/y"), ("DATABASE_URL", "ripost.db"),
        ("DATABASE_URL", "sqlite://"), ("DATABASE_URL", "sqlite:///"), ("REDIS_URL", "localhost:6379"),
        ("WEB_CONCURRENCY", "0"), ("WEB_CONCURRENCY", "many"), ("WEB_CONCURRENCY", "2"), ("PUBLIC_URL", "ripost.example"),
        ("PUBLIC_URL", "https://ripost.example/path"), ("ALLOWED_ORIGINS", "*"), ("ALLOWED_ORIGINS", "https://a.example,b"),
        ("ALLOWED_ORIGINS", "https://user@a.example"), ("SECRET_KEY", "short"), ("LOG_LEVEL", "loud"), ("LOG_FORMAT", "xml"),
        ("SITE_LANGUAGE", "tlh"), ("RATE_LIMITS", "maybe"), ("MAX_CONNECTIONS", "0"), ("MAX_CONNECTIONS_PER_ADDRESS", "x"),
    ],
)  # fmt: skip
def test_a_wrong_value_stops_the_start_with_its_name_and_what_is_accepted(name: str, value: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Config.from_environ({name: value})
    sentence = str(caught.value)
    assert (
        sentence.startswith(f"{name} is ") and "\n" not in sentence and len(sentence) > len(f"{name} is {value}") + 10
    )


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_postgresql_is_accepted_by_both_names_and_needs_a_secret_key(scheme: str) -> None:
    url = f"{scheme}://ripost:pw@db.example/ripost"
    with pytest.raises(ConfigError, match="SECRET_KEY"):
        Config.from_environ({"DATABASE_URL": url})
    config = Config.from_environ({"DATABASE_URL": url, "SECRET_KEY": KEY})
    assert config.database_url == "postgresql://ripost:pw@db.example/ripost" and config.is_postgres


def test_several_processes_are_not_started_with_what_serves_one() -> None:
    settings = {"WEB_CONCURRENCY": "2", "DATABASE_URL": "postgres://db/r", "SECRET_KEY": KEY}
    with pytest.raises(ConfigError, match="WEB_CONCURRENCY is 2"):
        Config.from_environ(settings)


def test_origins_are_exact_and_written_as_browsers_send_them() -> None:
    config = Config.from_environ(
        {"ALLOWED_ORIGINS": " https://News.Example/ , http://a.example:8080,https://b.example:443,", "PUBLIC_URL": "https://ripost.example:443/"}
    )  # fmt: skip
    assert config.allowed_origins == ("https://news.example", "http://a.example:8080", "https://b.example")
    assert config.public_url == "https://ripost.example"


def test_the_secret_is_in_no_text_form() -> None:
    assert KEY not in repr(Config.from_environ({"SECRET_KEY": KEY}))


def test_what_the_command_line_says_comes_first() -> None:
    assert Config.from_environ({"PORT": "1000"}, port=2000, host=None).port == 2000


def test_an_absolute_path_has_four_slashes() -> None:
    assert str(Config.from_environ({"DATABASE_URL": "sqlite:////var/lib/r.db"}).database_path) == "/var/lib/r.db"


def test_a_site_can_have_every_language_that_pages_are_written_in() -> None:
    assert set(LANGUAGES) == set(languages.LANGUAGES)
    assert Config.from_environ({}).site_language is None
    assert Config.from_environ({"SITE_LANGUAGE": "DE"}).site_language == "de"
