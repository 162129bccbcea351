"""Where pages stand, as a request has it: the origin for absolute links, and the files pages load.

The `Host` header is the asker's word: without PUBLIC_URL it is used only if it can be nothing but a host and a port.
"""

import re
from functools import cache

from starlette.requests import Request

from server.errors import BadRequest
from server.markup.languages import asked_for, words_in
from server.markup.layout import Site
from server.routes import static, web

_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")


def site_of(request: Request) -> Site:
    """Where this server's pages stand, in the site's words or those that are asked for. Raises BadRequest for a Host
    that is none."""
    known, language = static.assets(), web.state_of(request).config.site_language
    words = asked_for(request.headers.get("accept-language", "")) if language is None else words_in(language)
    return Site(_origin(request), known.path, _modules(), words, fixed=language is not None)


def _origin(request: Request) -> str:
    configured = web.state_of(request).config.public_url
    if configured is not None:
        return configured
    host = request.headers.get("host", "")
    if not _HOST.fullmatch(host):
        raise BadRequest("the Host header is not the name of a host")
    scheme = "https" if request.scope["scheme"] in ("https", "wss") else "http"
    default = ":443" if scheme == "https" else ":80"
    return f"{scheme}://{host.lower().removesuffix(default)}"


@cache
def _modules() -> tuple[str, ...]:
    return static.assets().modules("ripost.js")
