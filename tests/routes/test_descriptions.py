"""The descriptions of the interface say what is built, and nothing else."""

from collections.abc import Iterable

from starlette.routing import Route

from server.app import create_app
from server.config import Config
from server.routes import descriptions


def _built() -> Iterable[tuple[str, str]]:
    for route in create_app(Config()).routes:
        if isinstance(route, Route) and (route.path.startswith("/api/") or route.path in ("/healthz", "/readyz")):
            for method in route.methods or ():
                if method != "HEAD":
                    yield method.lower(), route.path


def test_every_route_of_the_api_is_described_and_nothing_else() -> None:
    described = {(method, path) for path, methods in descriptions.openapi()["paths"].items() for method in methods}
    assert described == set(_built())


def test_every_reference_in_the_descriptions_leads_somewhere() -> None:
    for description in (descriptions.openapi(), descriptions.asyncapi()):
        schemas = description["components"]["schemas"]

        def follow(node: object, schemas: dict[str, object] = schemas) -> None:
            if isinstance(node, dict):
                target = node.get("$ref")
                if isinstance(target, str) and target.startswith("#/components/schemas/"):
                    assert target.rsplit("/", 1)[1] in schemas, target
                for value in node.values():
                    follow(value)
            elif isinstance(node, list):
                for value in node:
                    follow(value)

        follow(description)
