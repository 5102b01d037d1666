"""A server for the tests of real clients, and the weather in it."""

import json
import os
import pathlib
import re
import signal
import subprocess
import time
import urllib.parse
import urllib.request

import pytest

ROOT = pathlib.Path(__file__).parent.parent.parent
WEATHER = ROOT / "testdata" / "weather" / "weather.lp"
LISTENING = re.compile(r"listening on http://([0-9.]+):(\d+)")
START_SECONDS_MAX = 60


class Server:
    """A server process on a port of its own."""

    def __init__(self, data: pathlib.Path, *flags: str):
        self.data = data
        self.log = data.parent / f"{data.name}.log"
        command = [os.environ["TIDEGAUGE_BIN"], "serve", "--bind", "127.0.0.1:0", "--data", str(data), *flags]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.host, self.port = self._address()

    def _address(self) -> tuple[str, int]:
        end = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < end:
            if found := LISTENING.search(self.log.read_text()):
                return found[1], int(found[2])
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        self.process.kill()
        raise AssertionError(f"the server did not start:\n{self.log.read_text()}")

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def post(self, path: str, body: bytes = b"", **parameters: str) -> bytes:
        url = f"{self.url}{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(urllib.request.Request(url, data=body, method="POST")) as answer:
            return answer.read()

    def rows(self, database: str, text: str) -> list[list]:
        """The rows of one InfluxQL statement, each with the values of its GROUP BY tags in front."""
        answer = json.loads(self.post("/query", db=database, q=text, epoch="ns"))["results"][0]
        assert "error" not in answer, answer
        return [
            [*series.get("tags", {}).values(), *row] for series in answer.get("series", []) for row in series["values"]
        ]

    def load_weather(self) -> None:
        self.post("/query", q="CREATE DATABASE nyc")
        self.post("/write", WEATHER.read_bytes(), db="nyc")

    def stop(self) -> None:
        """Ends the server in order: everything is flushed afterwards."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=60) == 0, self.log.read_text()


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """One server for all tests, with the weather in the database `nyc`."""
    server = Server(tmp_path_factory.mktemp("server") / "data")
    try:
        server.load_weather()
        yield server
        server.stop()
    finally:
        server.process.kill()


@pytest.fixture
def own_server(tmp_path):
    """Starts servers on folders of this test; they are killed at its end."""
    servers = []

    def start(*flags: str, data: str = "data") -> Server:
        servers.append(Server(tmp_path / data, *flags))
        return servers[-1]

    yield start
    for server in servers:
        server.process.kill()


def questions(language: str) -> list:
    """The questions about the weather with answers that DuckDB computed (scripts/expected_weather.py)."""
    file = ROOT / "testdata" / "weather" / "expected.json"
    of_language = [question for question in json.loads(file.read_text()) if question["language"] == language]
    return [pytest.param(question, id=question["name"]) for question in of_language]


def check_rows(ours: list, expected: list) -> None:
    """Equal but for the order in which floats were added up."""
    assert len(ours) == len(expected)
    for our_row, expected_row in zip(ours, expected):
        assert len(our_row) == len(expected_row)
        for our, value in zip(our_row, expected_row):
            if isinstance(value, float):
                assert our == pytest.approx(value, rel=1e-12), (our_row, expected_row)
            else:
                assert our == value, (our_row, expected_row)


def seconds_and_values(table) -> list[list]:
    """The rows of an Arrow table, timestamps as seconds since the epoch."""
    import pyarrow as pa

    columns = []
    for column in table.columns:
        if pa.types.is_timestamp(column.type):
            column = column.cast(pa.timestamp("s", tz=column.type.tz), safe=False).cast(pa.int64())
        columns.append(column.to_pylist())
    return [list(row) for row in zip(*columns)]
