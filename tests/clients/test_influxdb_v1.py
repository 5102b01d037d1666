"""The Python client of InfluxDB 1.x, package `influxdb`."""

import pytest
from influxdb import DataFrameClient, InfluxDBClient
from influxdb.exceptions import InfluxDBClientError


@pytest.fixture
def client(server):
    client = InfluxDBClient(server.host, server.port, database="v1")
    client.create_database("v1")
    yield client
    client.drop_database("v1")
    client.close()


def test_ping_and_databases(client):
    assert client.ping()
    assert {"name": "v1"} in client.get_list_database()


def test_writes_points_and_reads_them_back(client):
    points = [
        {"measurement": "cpu", "tags": {"host": "a b"}, "time": second, "fields": {"usage": second / 2, "n": second}}
        for second in range(100)
    ]
    assert client.write_points(points, time_precision="s", batch_size=30)
    found = list(client.query("SELECT * FROM cpu", epoch="s").get_points())
    assert found == [{"time": s, "host": "a b", "n": s, "usage": s / 2} for s in range(100)]
    means = client.query("SELECT mean(usage) FROM cpu WHERE time < 1m GROUP BY host", epoch="s")
    assert list(means.get_points(tags={"host": "a b"})) == [{"time": 0, "mean": 14.75}]


def test_reads_in_chunks(server, client):
    client.write_points([f"m v={i}i {i}" for i in range(1000)], protocol="line")
    # This client reads chunks only as JSON: of several MessagePack documents it takes the first, also from InfluxDB.
    reader = InfluxDBClient(server.host, server.port, database="v1", headers={"Accept": "application/json"})
    chunks = [list(chunk.get_points()) for chunk in reader.query("SELECT v FROM m", chunked=True, chunk_size=100)]
    assert [len(chunk) for chunk in chunks] == [100] * 10
    assert [point["v"] for chunk in chunks for point in chunk] == list(range(1000))


def test_reads_parameters(client):
    client.write_points(["m,h=a v=1 1", "m,h=b v=2 2"], protocol="line")
    result = client.query("SELECT v FROM m WHERE h = $host", bind_params={"host": "b"})
    assert [point["v"] for point in result.get_points()] == [2]


def test_retention_policies(client):
    client.create_retention_policy("week", "7d", 1, default=True)
    policies = {policy["name"]: policy for policy in client.get_list_retention_policies()}
    assert policies["week"]["duration"] == "168h0m0s" and policies["week"]["default"]
    client.alter_retention_policy("week", duration="14d")
    client.drop_retention_policy("week")
    assert "week" not in {policy["name"] for policy in client.get_list_retention_policies()}


def test_errors_arrive(client):
    with pytest.raises(InfluxDBClientError, match="error parsing query"):
        client.query("SELECT FROM")
    client.write_points(["m v=1 1"], protocol="line")
    with pytest.raises(InfluxDBClientError, match="partial write: field type conflict"):
        client.write_points(['m v="text" 2', "m v=3 3"], protocol="line")
    assert [point["v"] for point in client.query("SELECT v FROM m").get_points()] == [1, 3]
    with pytest.raises(InfluxDBClientError, match="database not found"):
        InfluxDBClient(client._host, client._port, database="absent").write_points(["m v=1"], protocol="line")


def test_lists_what_is_there(client):
    client.write_points(["m,h=a v=1 1", "m,h=b v=2 2", "n v=1i 1"], protocol="line")
    assert [m["name"] for m in client.get_list_measurements()] == ["m", "n"]
    assert len(client.get_list_series()) == 3


def test_gzip(server):
    client = InfluxDBClient(server.host, server.port, database="v1gzip", gzip=True)
    client.create_database("v1gzip")
    assert client.write_points([f"m v={i} {i}" for i in range(10)], protocol="line")
    assert list(client.query("SELECT count(v) FROM m").get_points())[0]["count"] == 10
    client.drop_database("v1gzip")


def test_data_frames(server):
    client = DataFrameClient(server.host, server.port, database="nyc")
    frames = client.query(
        "SELECT temp FROM weather WHERE time >= '2013-01-01' AND time < '2013-01-02' GROUP BY origin"
    )
    assert {key[1][0][1] for key in frames} == {"EWR", "JFK", "LGA"}
    assert sum(len(frame) for frame in frames.values()) == 52
