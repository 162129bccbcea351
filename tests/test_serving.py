"""Serving: the listening socket and the log, without a server behind them."""

import json
import logging
import socket
from collections.abc import Iterator

import pytest

from server import serving
from server.config import Config
from server.errors import CommandError


def test_port_0_is_any_free_port_and_is_listened_on_at_once() -> None:
    with serving.bind(Config(port=0)) as listener:
        port = listener.getsockname()[1]
        assert port > 0
        socket.create_connection(("127.0.0.1", port), timeout=5).close()


def test_a_busy_port_names_the_command_that_works() -> None:
    with serving.bind(Config(port=0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(
            CommandError, match=rf"port {port} on 127\.0\.0\.1 is in use .*: ripost demo --port {port + 1}$"
        ):
            serving.bind(Config(port=port), "ripost demo --port {port}")


def test_a_port_is_free_again_right_after_a_server_had_connections_on_it() -> None:
    listener = serving.bind(Config(port=0))
    port = listener.getsockname()[1]
    client = socket.create_connection(("127.0.0.1", port))
    listener.setblocking(True)
    accepted, _ = listener.accept()
    accepted.close()
    listener.close()
    serving.bind(Config(port=port)).close()
    client.close()


@pytest.mark.parametrize("host", ["nowhere.invalid", "x" * 80, "192.0.2.1"])
def test_a_host_that_is_none_of_this_machine_is_named(host: str) -> None:
    with pytest.raises(CommandError, match=f"^HOST is '{host}'"):
        serving.bind(Config(host=host, port=0))


@pytest.mark.parametrize(
    ("host", "url"), [("127.0.0.1", "http://127.0.0.1:80"), ("::1", "http://[::1]:80"), ("", "http://0.0.0.0:80")]
)
def test_the_address_is_one_that_can_be_copied(host: str, url: str) -> None:
    assert serving.url_of(host, 80) == url


@pytest.fixture(autouse=True)
def loggers() -> Iterator[None]:
    """The loggers are put back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


def test_a_record_is_one_line_of_json_with_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    serving.prepare_logging(Config(log_format="json"))
    try:
        raise ValueError("two\nlines")
    except ValueError:
        logging.getLogger("ripost.test").exception("it %s", "failed\nbadly")
    [line] = capsys.readouterr().err.splitlines()
    record = json.loads(line)
    assert (record["level"], record["logger"], record["message"]) == ("error", "ripost.test", "it failed\nbadly")
    assert record["exception"].endswith("ValueError: two\nlines")


def test_libraries_speak_up_only_from_warnings_on(capsys: pytest.CaptureFixture[str]) -> None:
    serving.prepare_logging(Config(log_level="info"))
    logging.getLogger("uvicorn.error").info("connection open")
    logging.getLogger("websockets.server").info("connection open")
    logging.getLogger("ripost.test").info("ours")
    assert capsys.readouterr().err.count("\n") == 1
