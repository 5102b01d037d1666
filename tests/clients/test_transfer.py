"""Exports and imports between Tidegauge and a real InfluxDB 1.x: Debian's packages `influxdb` and `influxdb-client`."""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import duckdb
import pytest

START_SECONDS_MAX = 60

# Names and values that have to be escaped, all types that InfluxDB 1.6 has, two policies.
LINES = rb"""cpu,host=a\ b,dc=x\,y usage=0.5,count=7i,up=true,note="say \"hi\" \\ there" 10
cpu,host=c usage=-1e-300 20
cpu usage=1e21,count=-9223372036854775808i -30
cpu,host=both host="a field",usage=3 40
we\ ather\,1,ta\=g=v\=1 fi\ eld=1 50
back\slash,t=a\b v="c\d" 60
"""
QUESTIONS = [
    ("my db", "SELECT * FROM cpu GROUP BY *"),
    ("my db", "SELECT * FROM /.*/"),
    ("my db", 'SELECT * FROM "long one".cpu'),
    ("my db", "SHOW FIELD KEYS"),
    ("my db", "SHOW SERIES"),
    ("my db", "SHOW RETENTION POLICIES"),
    ("nyc", "SELECT count(*), last(pressure) FROM weather GROUP BY origin"),
    ("nyc", "SELECT * FROM weather WHERE time < '2013-01-03' GROUP BY origin"),
]


class Influxd:
    """A real InfluxDB on a folder and ports of its own."""

    def __init__(self, folder: pathlib.Path):
        self.port, rpc = free_port(), free_port()
        config = folder / "influxdb.conf"
        config.write_text(f"""
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
dir = "{folder}/meta"
[data]
dir = "{folder}/data"
wal-dir = "{folder}/wal"
query-log-enabled = false
[coordinator]
max-select-buckets = 100000
query-timeout = "60s"
[monitor]
store-enabled = false
[http]
bind-address = "127.0.0.1:{self.port}"
log-enabled = false
""")
        command = ["influxd", "-config", str(config)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + START_SECONDS_MAX
        while True:
            try:
                urllib.request.urlopen(f"{self.url}/ping")
                return
            except urllib.error.URLError:
                assert time.monotonic() < end and self.process.poll() is None, "influxd does not start"
                time.sleep(0.05)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture
def influxd(tmp_path):
    for program, package in [("influxd", "influxdb"), ("influx", "influxdb-client")]:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed (Debian: {package}): no exchange with a real InfluxDB is tested")
    (tmp_path / "influxd").mkdir()
    server = Influxd(tmp_path / "influxd")
    yield server
    server.process.kill()
    server.process.wait()


@pytest.fixture
def filled(own_server):
    """A server with files, buffered points, a second policy and the weather."""
    server = own_server()
    server.load_weather()
    server.post("/query", q='CREATE DATABASE "my db"')
    server.post("/query", q='CREATE RETENTION POLICY "long one" ON "my db" DURATION 520w REPLICATION 1 SHARD DURATION 2w')
    server.post("/write", LINES, db="my db")
    server.post("/debug/flush")
    server.post("/write", b"cpu,host=new usage=4 99999999999999", db="my db")
    server.post("/write", b"cpu,host=z usage=1", db="my db", rp="long one")
    return server


def answers(url: str) -> list:
    found = []
    for database, question in QUESTIONS:
        parameters = urllib.parse.urlencode({"db": database, "q": question, "epoch": "ns"})
        with urllib.request.urlopen(f"{url}/query?{parameters}") as answer:
            found.append((question, without_limits(json.load(answer))))
    return found


def without_limits(answer: dict) -> dict:
    """Retention policies as InfluxDB 1.6 shows them: limits of writes came with 1.12."""
    for series in answer["results"][0].get("series", []):
        shown = [at for at, name in enumerate(series["columns"]) if name not in ("futureWriteLimit", "pastWriteLimit")]
        series["columns"] = [series["columns"][at] for at in shown]
        series["values"] = [[row[at] for at in shown] for row in series["values"]]
    return answer


def tidegauge(*arguments: str) -> str:
    done = subprocess.run([os.environ["TIDEGAUGE_BIN"], *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stderr


def influx_import(influxd: Influxd, file: pathlib.Path, *flags: str) -> None:
    command = ["influx", "-host", "127.0.0.1", "-port", str(influxd.port), "-import", "-path", str(file), *flags]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    said = done.stdout + done.stderr
    assert done.returncode == 0 and "Failed 0 inserts" in said and "error" not in said, said


@pytest.mark.parametrize("flags", [(), ("--compress",)], ids=["plain", "gzip"])
def test_influxdb_imports_an_export(filled, influxd, tmp_path, flags):
    file = tmp_path / "export.lp"
    tidegauge("export", "--url", filled.url, "--out", str(file), *flags)
    influx_import(influxd, file, *(["-compressed"] if flags else []))
    assert answers(influxd.url) == answers(filled.url)


def test_both_import_the_same_file_alike(filled, influxd, own_server, tmp_path):
    file = tmp_path / "export.lp"
    tidegauge("export", "--url", filled.url, "--out", str(file))
    influx_import(influxd, file)
    other = own_server(data="other")
    tidegauge("import", "--url", other.url, str(file))
    assert answers(influxd.url) == answers(other.url)


def test_an_import_goes_into_influxdb_too(filled, influxd, tmp_path):
    for arguments in (["--out", f"{tmp_path}/export.lp"], ["--format", "parquet", "--out", f"{tmp_path}/parquet"]):
        tidegauge("export", "--url", filled.url, *arguments)
        tidegauge("import", "--url", influxd.url, arguments[-1])
        assert answers(influxd.url) == answers(filled.url)


def test_other_tools_read_the_parquet_files(filled, tmp_path):
    tidegauge("export", "--url", filled.url, "-d", "nyc", "--format", "parquet", "--out", f"{tmp_path}/out")
    read = duckdb.sql(f"SELECT origin, count(*), max(temp) FROM '{tmp_path}/out/nyc/autogen/weather/*.parquet' GROUP BY 1 ORDER BY 1")
    expected = filled.rows("nyc", "SELECT count(temp), max(temp) FROM weather GROUP BY origin")
    assert [(origin, highest) for origin, _, highest in read.fetchall()] == [(row[0], row[3]) for row in expected]
