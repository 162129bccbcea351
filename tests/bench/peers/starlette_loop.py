"""What one writes first: Starlette, a set of WebSockets, and a loop that awaits each send.

A lock keeps the order of events the same for everyone; httptools, uvloop and no compression, as Ripost has them.
"""

import asyncio
import socket

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

_readers: set[WebSocket] = set()
_order = asyncio.Lock()


async def live(websocket: WebSocket) -> None:
    """`GET /live`: a reader."""
    await websocket.accept()
    _readers.add(websocket)
    try:
        while True:
            await websocket.receive_text()
    except WebSocketDisconnect:
        pass
    finally:
        _readers.discard(websocket)


async def publish(request: Request) -> Response:
    """`POST /publish`: the body goes to every reader."""
    text = (await request.body()).decode()
    async with _order:
        for reader in tuple(_readers):
            try:
                await reader.send_text(text)
            except (WebSocketDisconnect, RuntimeError):
                _readers.discard(reader)
    return Response(status_code=202)


def main() -> None:
    """Serves on a free port."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    print(f"listening on {listener.getsockname()[1]}", flush=True)
    app = Starlette(routes=[WebSocketRoute("/live", live), Route("/publish", publish, methods=["POST"])])
    config = uvicorn.Config(
        app,
        http="httptools",
        loop="uvloop",
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        log_level="warning",
        backlog=2048,
        timeout_keep_alive=300,
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
