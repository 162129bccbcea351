"""What can go wrong, as types. Raised where the fact is known; turned into an answer in one place.

RipostError                     anything that has a clear sentence for the person who caused it
├── ProblemError                answered over HTTP as application/problem+json (RFC 9457), live as an `error` frame
│   ├── BadRequest 400          malformed JSON or query
│   ├── Unauthorized 401        a missing, unknown or expired token
│   ├── Forbidden 403           a right that is lacking, a foreign origin
│   ├── NotFound 404            unknown thing
│   ├── Conflict 409            closed, not visible, or another use of the same client_id
│   ├── TooLarge 413            body over its bound
│   ├── UnsupportedMediaType 415
│   ├── Invalid 422             fields that are wrong, each with its message
│   ├── TooMany 429             a limit, with the seconds to wait
│   ├── Unavailable 503         the database cannot be written or read now; nothing was stored
│   └── StorageFull 507         no space left; nothing was stored
└── CommandError                a command cannot go on: one line on stderr, exit status 1
    └── ConfigError             a wrong environment value: its name and what is accepted

Close codes of the live protocol stand here too. Their range is the policy: 4500 to 4999 mean do not come back, every
other end means come back.
"""

from collections.abc import Mapping, Sequence

CLOSE_GOING_AWAY = 1001
CLOSE_TOO_BIG = 1009
CLOSE_RESTART = 1012
CLOSE_TOO_SLOW = 4001
CLOSE_DRAINING = 4002
CLOSE_BANNED = 4501
CLOSE_TOO_MANY_CONNECTIONS = 4502
CLOSE_PROTOCOL_ERROR = 4503


class RipostError(Exception):
    """Anything that has a clear sentence for the person who caused it."""


class CommandError(RipostError):
    """A command cannot go on: one line on stderr, exit status 1."""


class ConfigError(CommandError):
    """An environment value is wrong; the message has its name and what is accepted."""


class ProblemError(RipostError):
    """A failed request. `detail` says what was wrong, what is accepted, and names the value."""

    status = 500
    title = "Internal error"
    slug = "internal"

    def __init__(
        self, detail: str, *, errors: Sequence[tuple[str, str]] = (), retry_after: float | None = None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)
        self.retry_after = retry_after

    def problem(self) -> dict[str, object]:
        """The RFC 9457 object, with `errors` for fields and `retry_after` in seconds where they apply."""
        body: dict[str, object] = {
            "type": f"urn:ripost:problem:{self.slug}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            body["errors"] = [{"field": field, "message": message} for field, message in self.errors]
        if self.retry_after is not None:
            body["retry_after"] = self.retry_after
        return body

    def headers(self) -> Mapping[str, str]:
        """Headers that go with the answer."""
        if self.retry_after is None:
            return {}
        return {"Retry-After": str(max(1, -int(-self.retry_after // 1)))}


class BadRequest(ProblemError):
    status, title, slug = 400, "Malformed request", "bad-request"


class Unauthorized(ProblemError):
    status, title, slug = 401, "Sign-in needed", "unauthorized"

    def headers(self) -> Mapping[str, str]:
        return {"WWW-Authenticate": "Bearer"}


class Forbidden(ProblemError):
    status, title, slug = 403, "Not allowed", "forbidden"


class NotFound(ProblemError):
    status, title, slug = 404, "Not found", "not-found"


class MethodNotAllowed(ProblemError):
    status, title, slug = 405, "Method not allowed", "method-not-allowed"


class Conflict(ProblemError):
    status, title, slug = 409, "Conflict", "conflict"


class Outdated(ProblemError):
    """What was decided about is not what is there any more."""

    status, title, slug = 412, "Changed meanwhile", "changed-meanwhile"


class TooLarge(ProblemError):
    status, title, slug = 413, "Too large", "too-large"


class UnsupportedMediaType(ProblemError):
    status, title, slug = 415, "Unsupported media type", "unsupported-media-type"


class Invalid(ProblemError):
    """Fields that are wrong. `errors` is a list of (field, message)."""

    status, title, slug = 422, "Invalid fields", "invalid"

    @classmethod
    def field(cls, field: str, message: str) -> "Invalid":
        """One wrong field."""
        return cls(f"{field}: {message}", errors=[(field, message)])


class TooMany(ProblemError):
    status, title, slug = 429, "Too many requests", "too-many"


class Unavailable(ProblemError):
    status, title, slug = 503, "Not available now", "unavailable"


class StorageFull(ProblemError):
    status, title, slug = 507, "Storage full", "storage-full"
