"""The configuration: one frozen object made from one table of environment variables. Sole reader of the environment.

A wrong value stops the start with its name and what is accepted (ConfigError). Nothing else in the server looks at
`os.environ`, and nothing changes the configuration once it is made.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from server.errors import ConfigError

LANGUAGES = ("en", "de", "es", "fr", "ar")  # of the server's own pages; their words are server/markup/languages


@dataclass(frozen=True, kw_only=True)
class Config:
    """Everything an operator can set. Field names are the environment's names in lower case."""

    host: str = "127.0.0.1"
    port: int = 8000
    database_url: str = "sqlite:///ripost.db"
    redis_url: str | None = None
    web_concurrency: int = 1
    public_url: str | None = None
    site_language: str | None = None
    allowed_origins: tuple[str, ...] = ()
    secret_key: str | None = field(default=None, repr=False)
    forwarded_allow_ips: str = "127.0.0.1,::1"
    log_level: str = "info"
    log_format: str = "text"
    rate_limits: bool = True
    max_connections: int = 10_000
    max_connections_per_address: int = 100

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] | None = None, **overrides: object) -> "Config":
        """Reads the table below from `environ` (the process environment if None). Raises ConfigError."""
        environ = os.environ if environ is None else environ
        values: dict[str, Any] = {}
        for name, convert in _SETTINGS.items():
            text = environ.get(name, "").strip()
            if text:
                try:
                    values[name.lower()] = convert(text)
                except ValueError as error:
                    raise ConfigError(f"{name} is {text!r}: {error}") from None
        values.update({key: value for key, value in overrides.items() if value is not None})
        return cls(**values)._checked()

    def _checked(self) -> "Config":
        if self.web_concurrency > 1 and not (self.is_postgres and self.redis_url):
            raise ConfigError(
                f"WEB_CONCURRENCY is {self.web_concurrency}: more than one process needs PostgreSQL (DATABASE_URL) and "
                "Redis (REDIS_URL); 1 is accepted with this configuration"
            )
        if self.redis_url:
            raise ConfigError("REDIS_URL is set: this version runs as one process without Redis; leave it unset")
        if self.is_postgres and not self.secret_key:
            raise ConfigError("SECRET_KEY is not set: with PostgreSQL it is required, at least 32 characters")
        return self

    @property
    def is_postgres(self) -> bool:
        """Whether the database is PostgreSQL (else an SQLite file)."""
        return self.database_url.startswith("postgresql")

    @property
    def own_url(self) -> str:
        """Where people find this Ripost: PUBLIC_URL, or its address as a browser on this machine reaches it."""
        if self.public_url:
            return self.public_url
        host = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def database_path(self) -> Path:
        """The SQLite file. Only for SQLite."""
        return Path(self.database_url.removeprefix("sqlite:///"))


def _port(text: str) -> int:
    if not text.isdigit() or not 0 <= int(text) <= 65535:
        raise ValueError("a port from 0 to 65535 is accepted")
    return int(text)


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise ValueError("a whole number from 1 is accepted")
    return int(text)


def _database_url(text: str) -> str:
    if text.startswith("sqlite:///") and len(text) > len("sqlite:///"):
        return text
    if text.startswith("postgres://"):
        text = "postgresql://" + text.removeprefix("postgres://")
    if text.startswith("postgresql://"):
        return text
    raise ValueError("sqlite:///FILE (sqlite:////ABSOLUTE/FILE), postgres://… or postgresql://… is accepted")


def _redis_url(text: str) -> str:
    if not text.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("redis://… or rediss://… is accepted")
    return text


def _origin(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise ValueError("an origin is scheme://host[:port], as in https://news.example")
    if parts.path not in ("", "/"):
        raise ValueError(f"an origin has no path; {parts.scheme}://{parts.netloc} is accepted")
    default = {"http": 80, "https": 443}[parts.scheme]
    host = parts.hostname if ":" not in parts.hostname else f"[{parts.hostname}]"
    return f"{parts.scheme}://{host}" if parts.port in (None, default) else f"{parts.scheme}://{host}:{parts.port}"


def _origins(text: str) -> tuple[str, ...]:
    if text == "*":
        raise ValueError("exact origins separated by commas are accepted, not *")
    return tuple(_origin(part.strip()) for part in text.split(",") if part.strip())


def _secret_key(text: str) -> str:
    if len(text) < 32:
        raise ValueError("at least 32 characters are accepted")
    return text


def _one_of(*accepted: str) -> Callable[[str], str]:
    def convert(text: str) -> str:
        if text.lower() not in accepted:
            raise ValueError(f"{' or '.join(accepted)} is accepted")
        return text.lower()

    return convert


def _switch(text: str) -> bool:
    return _one_of("on", "off")(text) == "on"


_SETTINGS: Mapping[str, Callable[[str], object]] = {
    "HOST": str,
    "PORT": _port,
    "DATABASE_URL": _database_url,
    "REDIS_URL": _redis_url,
    "WEB_CONCURRENCY": _count,
    "PUBLIC_URL": _origin,
    "SITE_LANGUAGE": _one_of(*LANGUAGES),
    "ALLOWED_ORIGINS": _origins,
    "SECRET_KEY": _secret_key,
    "FORWARDED_ALLOW_IPS": str,
    "LOG_LEVEL": _one_of("critical", "error", "warning", "info", "debug"),
    "LOG_FORMAT": _one_of("text", "json"),
    "RATE_LIMITS": _switch,
    "MAX_CONNECTIONS": _count,
    "MAX_CONNECTIONS_PER_ADDRESS": _count,
}
