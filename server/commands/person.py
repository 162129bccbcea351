"""`ripost person`: makes people, their tokens, their sign-in links."""

from server import jobs
from server.actions import persons
from server.commands import running
from server.config import Config
from server.models import Role


def create(config: Config, name: str, *, email: str, role: str) -> int:
    """Makes a person and says how to go on."""

    async def work() -> persons.Known:
        async with running.desk(config) as desk:
            return await desk.call(jobs.CREATE_PERSON, persons.NewPerson(name, email, Role(role)))

    made = running.run(work())
    print(f"made {made.name}, {made.role}, person {made.id}")
    print(f'`ripost person link "{made.name}"` prints a sign-in link for them')
    return 0


def token(config: Config, who: str) -> int:
    """Prints a bearer token, alone on the last line."""

    running.require_database(config)

    async def work() -> persons.Token:
        async with running.desk(config) as desk:
            return await desk.call(jobs.MAKE_TOKEN, persons.Wanted(who))

    made = running.run(work())
    print(f"a token of {made.person.name}, {made.person.role}, good for a year; it is not shown again")
    print(made.token)
    return 0


def link(config: Config, who: str) -> int:
    """Prints a one-time sign-in link, alone on the last line."""

    running.require_database(config)

    async def work() -> persons.Link:
        async with running.desk(config) as desk:
            return await desk.call(jobs.MAKE_LINK, persons.Wanted(who))

    made = running.run(work())
    print(f"a sign-in link for {made.person.name}, {made.person.role}: it works once, within a day")
    print(made.url)
    return 0
