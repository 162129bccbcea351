"""People made by whoever runs the machine: names that cannot be mistaken, tokens and links that work."""

import pytest

from server.actions import accounts, persons
from server.actions.persons import NewPerson, Wanted
from server.errors import CommandError, Unauthorized
from server.models import Role
from tests.support.build import Site, guest, open_site


async def create(site: Site, name: str, email: str, role: Role = Role.MEMBER) -> persons.Known:
    return await persons.create(site.state, NewPerson(name, email, role))


async def test_a_token_makes_its_bearer_that_person(database_url: str) -> None:
    async with open_site(database_url) as site:
        made = await create(site, "  Ana   María ", "Ana@News.Example", Role.MODERATOR)
        assert made.name == "Ana María"
        for who in ("Ana María", "ana@news.example", " ANA@news.example", "ana maria"):
            token = (await persons.make_token(site.state, Wanted(who))).token
            actor = await site.known(token)
            assert (actor.id, actor.staff) == (made.id, True)


async def test_a_link_works_once_and_for_a_day(database_url: str) -> None:
    async with open_site(database_url, public_url="https://talk.example") as site:
        made = await create(site, "Ana", "ana@news.example", Role.ADMIN)
        link = await persons.make_link(site.state, Wanted("Ana"))
        address, _, secret = link.url.partition("#")
        assert address == "https://talk.example/signin"
        signed_in = await accounts.sign_in_with_link(site.state, guest(), secret)
        assert signed_in.person.id == made.id
        with pytest.raises(Unauthorized):
            await accounts.sign_in_with_link(site.state, guest(), secret)
        late = (await persons.make_link(site.state, Wanted("Ana"))).url.partition("#")[2]
        site.clock.advance(24 * 3600 + 1)
        with pytest.raises(Unauthorized):
            await accounts.sign_in_with_link(site.state, guest(), late)


async def test_without_a_public_url_a_link_leads_to_the_port_that_is_listened_on(sqlite_url: str) -> None:
    async with open_site(sqlite_url, host="0.0.0.0", port=8123) as site:
        await create(site, "Ana", "ana@news.example")
        assert (await persons.make_link(site.state, Wanted("Ana"))).url.startswith("http://127.0.0.1:8123/signin#")


@pytest.mark.parametrize(
    ("name", "email", "role", "said"),
    [
        ("Ana", "other@news.example", Role.MEMBER, "a moderator is called Ana already"),
        ("Аna", "other@news.example", Role.ADMIN, "has a name that looks the same: Ana already"),
        ("Bo", "ANA@news.example", Role.MEMBER, "ana@news.example is the address of Ana already"),
        ("Moderator", "other@news.example", Role.MEMBER, "is a name of the site's own people"),
        ("Bo", "nonsense", Role.MEMBER, "'nonsense' is not an email address"),
        ("Bo", "a b@news.example", Role.MEMBER, "is not an email address"),
        ("\u200b", "other@news.example", Role.MEMBER, "A name needs at least one visible character"),
        ("x" * 61, "other@news.example", Role.MEMBER, "at most 60 characters"),
        ("Bo", "other@news.example", Role.GUEST, "a guest is made by posting"),
    ],
)
async def test_who_could_be_mistaken_is_not_made(sqlite_url: str, name: str, email: str, role: Role, said: str) -> None:
    async with open_site(sqlite_url) as site:
        await create(site, "Ana", "ana@news.example", Role.MODERATOR)
        with pytest.raises(CommandError, match=said):
            await create(site, name, email, role)


async def test_nobody_and_several_are_said(sqlite_url: str) -> None:
    async with open_site(sqlite_url) as site:
        article = await site.article()
        await site.post(article, name="Gus")
        with pytest.raises(CommandError, match="nobody here is 'Gus'"):
            await persons.make_token(site.state, Wanted("Gus"))  # a guest's name is not their own
        await site.person("Ann")
        await site.person("Ann")
        with pytest.raises(CommandError, match="2 people are called Ann; give the address instead"):
            await persons.make_link(site.state, Wanted("Ann"))
