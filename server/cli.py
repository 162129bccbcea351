"""The `ripost` command: words to functions, and errors to one line on stderr.

A command per function, each in commands/. Exit status 0; 1 with one clear line; 2 for wrong usage.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from server import __version__
from server.config import Config
from server.errors import RipostError

FORMATS = ("auto", "page", "ripost")
ROLES = ("member", "moderator", "admin")
INTERRUPTED = 130  # what a shell says of a command that Ctrl-C ended


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; its exit status."""
    asked = _parser().parse_args(arguments)
    try:
        status: int = asked.run(asked)
        sys.stdout.flush()
        return status
    except RipostError as error:
        print(f"ripost: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has enough of it; nothing more can be said there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ripost",
        description="A live discussion server for articles.",
        epilog="Settings are environment variables, such as DATABASE_URL; docs/configuration.md has them all.",
    )
    parser.add_argument("--version", action="version", version=f"ripost {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    serve = _command(commands, "serve", "serve the discussions of the database", _serve)
    serve.add_argument("--host", help="the address to listen on (HOST, else 127.0.0.1)")
    serve.add_argument("--port", type=_port, help="the port to listen on, 0 for any (PORT, else 8000)")

    demo = _command(commands, "demo", "show Ripost with a throw-away database", _demo)
    demo.add_argument("--port", type=_port, help="the port to listen on, 0 for any (8000)")

    importing = _command(commands, "import", "import articles and comments; running it twice adds nothing", _import)
    importing.add_argument("file", type=Path, metavar="FILE")
    importing.add_argument("--format", choices=FORMATS, default="auto", help="what the file is (auto: look at it)")
    importing.add_argument("--url", help="the address of the article, for a page")
    importing.add_argument("--dry-run", action="store_true", help="only say what would be imported")

    exporting = _command(commands, "export", "write everything to a file that `ripost import` takes", _export)
    exporting.add_argument("file", metavar="FILE", help="compressed if it ends in .gz; - for standard output")

    backup = _command(commands, "backup", "copy an SQLite database while it is in use", _backup)
    backup.add_argument("file", type=Path, metavar="FILE")

    restore = _command(commands, "restore", "put a backup in the place of the database", _restore)
    restore.add_argument("file", type=Path, metavar="FILE")

    _command(commands, "check", "verify the database", _check)

    person = _command(commands, "person", "make people, tokens and sign-in links", None)
    actions = person.add_subparsers(required=True, metavar="ACTION")
    create = _command(actions, "create", "make a member, moderator or admin", _person_create)
    create.add_argument("name", metavar="NAME")
    create.add_argument("--email", required=True)
    create.add_argument("--role", required=True, choices=ROLES)
    token = _command(actions, "token", "print a bearer token, alone on the last line", _person_token)
    token.add_argument("name", metavar="NAME", help="the name, or the email address")
    link = _command(actions, "link", "print a sign-in link that works once", _person_link)
    link.add_argument("name", metavar="NAME", help="the name, or the email address")
    return parser


def _command(commands: object, name: str, what: str, run: object) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = commands.add_parser(name, help=what, description=what)  # type: ignore[attr-defined]
    if run is not None:
        made.set_defaults(run=run)
    return made


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; 0 to 65535 is accepted")
    return int(text)


# Each imports what it needs when it runs: `ripost --help` should not wait for a web server to load.


def _serve(asked: argparse.Namespace) -> int:
    from server import serving

    return serving.run(Config.from_environ(host=asked.host, port=asked.port))


def _demo(asked: argparse.Namespace) -> int:
    from server import demo

    return demo.run(asked.port)


def _import(asked: argparse.Namespace) -> int:
    from server.commands import importing

    return importing.run(Config.from_environ(), asked.file, format=asked.format, url=asked.url, dry_run=asked.dry_run)


def _export(asked: argparse.Namespace) -> int:
    from server.commands import exporting

    return exporting.run(Config.from_environ(), asked.file)


def _backup(asked: argparse.Namespace) -> int:
    from server.commands import backing_up

    return backing_up.backup(Config.from_environ(), asked.file)


def _restore(asked: argparse.Namespace) -> int:
    from server.commands import backing_up

    return backing_up.restore(Config.from_environ(), asked.file)


def _check(_asked: argparse.Namespace) -> int:
    from server.commands import checking

    return checking.run(Config.from_environ())


def _person_create(asked: argparse.Namespace) -> int:
    from server.commands import person

    return person.create(Config.from_environ(), asked.name, email=asked.email, role=asked.role)


def _person_token(asked: argparse.Namespace) -> int:
    from server.commands import person

    return person.token(Config.from_environ(), asked.name)


def _person_link(asked: argparse.Namespace) -> int:
    from server.commands import person

    return person.link(Config.from_environ(), asked.name)
