"""The data files are plain Parquet: DuckDB and pyarrow find in them what the query API answers."""

import duckdb
import pyarrow.parquet

FIELDS = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"]


def test_other_tools_read_the_files(own_server):
    server = own_server()
    server.load_weather()
    columns = ", ".join(FIELDS)
    answered = server.rows("nyc", f"SELECT origin, {columns} FROM weather")
    server.stop()

    files = sorted(str(file) for file in (server.data / "store" / "data").rglob("*.parquet"))
    assert files
    read = duckdb.sql(f"SELECT epoch_ns(time), origin, {columns} FROM read_parquet({files}, union_by_name = true)")
    assert sort(read.fetchall()) == sort(map(tuple, answered))
    assert len(answered) == 26115

    rows = 0
    for file in files:
        metadata = pyarrow.parquet.read_metadata(file)
        rows += metadata.num_rows
        names = metadata.schema.to_arrow_schema().names
        assert {"time", "origin", "temp"} <= set(names), names
        assert b"tidegauge.version" in metadata.metadata
    assert rows == 26115


def test_nothing_is_lost_over_a_restart(own_server):
    server = own_server()
    server.load_weather()
    question = "SELECT count(temp), sum(precip), last(pressure) FROM weather GROUP BY origin"
    before = server.rows("nyc", question)
    server.stop()
    assert own_server().rows("nyc", question) == before


def sort(rows):
    """By time and airport, which identify a row."""
    return sorted(rows, key=lambda row: (row[0], row[1]))
