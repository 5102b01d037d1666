"""ADBC's Flight SQL driver, package `adbc-driver-flightsql`."""

import adbc_driver_flightsql.dbapi
import adbc_driver_manager
import pytest
from conftest import check_rows, questions, seconds_and_values

DATABASE_HEADER = "adbc.flight.sql.rpc.call_header.database"


@pytest.fixture(scope="module")
def connection(server):
    options = {DATABASE_HEADER: "nyc"}
    uri = f"grpc://{server.host}:{server.port}"
    with adbc_driver_flightsql.dbapi.connect(uri, db_kwargs=options, autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize("question", questions("sql"))
def test_answers_are_those_that_duckdb_computed(connection, question):
    with connection.cursor() as cursor:
        cursor.execute(question["question"])
        check_rows(seconds_and_values(cursor.fetch_arrow_table()), question["rows"])


def test_streams_many_batches(connection):
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM weather")
        table = cursor.fetch_arrow_table()
    assert table.num_rows == 26115
    assert {"time", "origin", "temp", "wind_gust"} <= set(table.column_names)
    # What users never see: the hidden series key.
    assert not any(name.startswith("__") for name in table.column_names)


def test_tells_the_tables(connection):
    with connection.cursor() as cursor:
        cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_name = 'weather'")
        assert cursor.fetchall() == [("weather",)]
    assert "BASE TABLE" in connection.adbc_get_table_types()
    objects = connection.adbc_get_objects(depth="tables").read_all().to_pylist()
    names = [
        table["table_name"]
        for catalog in objects
        for schema in catalog["catalog_db_schemas"] or []
        for table in schema["db_schema_tables"] or []
    ]
    assert "weather" in names


def test_tells_who_it_is(connection):
    assert "tidegauge" in connection.adbc_get_info()["vendor_name"].lower()


def test_errors_arrive(connection):
    with connection.cursor() as cursor, pytest.raises(adbc_driver_manager.Error, match="nowhere"):
        cursor.execute("SELECT * FROM nowhere")
        cursor.fetchall()
