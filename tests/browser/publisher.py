"""Another site, on another port of this machine: pages that embed a discussion, with the rules and styles of their own."""

import http.server
import threading
from dataclasses import dataclass, field

Page = tuple[str, dict[str, str]]


@dataclass
class Publisher:
    """A server of pages given as text. `put` publishes one under a path and returns its address."""

    pages: dict[str, Page] = field(default_factory=dict)
    _server: http.server.ThreadingHTTPServer | None = None
    _thread: threading.Thread | None = None

    @property
    def origin(self) -> str:
        assert self._server is not None, "the publisher was not started"
        return f"http://127.0.0.1:{self._server.server_port}"

    def put(self, path: str, text: str, **headers: str) -> str:
        """Publishes a page; its address."""
        self.pages[path] = (text, {name.replace("_", "-"): value for name, value in headers.items()})
        return self.origin + path

    def start(self) -> "Publisher":
        """Serves on a free port."""
        pages = self.pages

        class Pages(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                text, headers = pages.get(self.path.partition("?")[0], ("not here", {}))
                body = text.encode()
                self.send_response(200 if self.path.partition("?")[0] in pages else 404)
                for name, value in {"Content-Type": "text/html; charset=utf-8", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Ends it."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()


def page(server: str, url: str, *, head: str = "", around: str = "", attributes: str = "") -> str:
    """A publisher's page with a discussion, in the two lines that the documentation gives."""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Bees in the gutter</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">{head}</head><body>'
        f"<h1>Bees in the gutter</h1><p>They arrived on a Tuesday, all at once.</p>{around}"
        f'<script type="module" src="{server}/static/ripost.js"></script>'
        f'<ripost-thread article-url="{url}"{attributes}></ripost-thread></body></html>'
    )
