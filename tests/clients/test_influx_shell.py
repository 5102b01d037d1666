"""The shell of InfluxDB 1.x, Debian's package `influxdb-client`."""

import json
import shutil
import subprocess

import pytest

pytestmark = pytest.mark.skipif(shutil.which("influx") is None, reason="the influx shell is not installed")


def influx(server, *arguments: str) -> str:
    command = ["influx", "-host", server.host, "-port", str(server.port), *arguments]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_runs_a_query(server):
    answer = influx(
        server, "-database", "nyc", "-format", "json", "-precision", "s",
        "-execute", "SELECT max(wind_speed) FROM weather GROUP BY origin",
    )
    # The shell asks for chunks and prints each as a result of its own, as it does with InfluxDB.
    series = [one for result in json.loads(answer)["results"] for one in result["series"]]
    assert [(one["tags"], one["values"]) for one in series] == [
        ({"origin": "EWR"}, [[1360656000, 1048.36058]]),
        ({"origin": "JFK"}, [[1359622800, 42.57886]]),
        ({"origin": "LGA"}, [[1359622800, 40.2773]]),
    ]


def test_prints_columns_and_csv(server):
    assert "nyc" in influx(server, "-execute", "SHOW DATABASES").split()
    csv = influx(server, "-database", "nyc", "-format", "csv", "-execute", "SHOW TAG VALUES WITH KEY = origin")
    assert csv.splitlines() == ["name,key,value", "weather,origin,EWR", "weather,origin,JFK", "weather,origin,LGA"]


def test_writes_and_imports(server, tmp_path):
    file = tmp_path / "export.txt"
    file.write_text("# DDL\nCREATE DATABASE shell\n# DML\n# CONTEXT-DATABASE: shell\nm v=1 1\nm v=2 2\n")
    influx(server, "-import", "-path", str(file))
    influx(server, "-database", "shell", "-execute", "INSERT m v=3 3")
    answer = json.loads(influx(server, "-database", "shell", "-format", "json", "-execute", "SELECT sum(v) FROM m"))
    assert answer["results"][0]["series"][0]["values"] == [[0, 6]]
    influx(server, "-execute", "DROP DATABASE shell")
