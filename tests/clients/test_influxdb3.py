"""The Python client of InfluxDB 3, package `influxdb3-python`: queries over Flight with its JSON tickets."""

import pytest
from conftest import check_rows, questions, seconds_and_values
from influxdb_client_3 import InfluxDBClient3


@pytest.fixture(scope="module")
def client(server):
    with InfluxDBClient3(host=server.url, database="nyc", token="unused") as client:
        yield client


@pytest.mark.parametrize("question", questions("sql"))
def test_sql(client, question):
    check_rows(seconds_and_values(client.query(question["question"], language="sql")), question["rows"])


def test_influxql(client):
    table = client.query("SELECT max(wind_speed) FROM weather GROUP BY origin", language="influxql")
    found = {row["origin"]: row["max"] for row in table.to_pylist()}
    assert found == {"EWR": 1048.36058, "JFK": 42.57886, "LGA": 40.2773}


def test_data_frames(client):
    frame = client.query("SELECT time, temp FROM weather WHERE origin = 'JFK'", language="sql", mode="pandas")
    assert len(frame) == 8706


def test_errors_arrive(client):
    with pytest.raises(Exception, match="nowhere"):
        client.query("SELECT * FROM nowhere", language="sql")
