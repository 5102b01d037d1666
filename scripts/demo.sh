#!/usr/bin/env bash
# Starts a server on a temporary folder, loads the weather of New York's airports, asks it things over HTTP
# (InfluxQL) and Flight (SQL), and prints the answers as tables.
#
#   scripts/demo.sh PATH_OF_TIDEGAUGE
set -euo pipefail
cd "$(dirname "$0")/.."

bin=$1
folder=$(mktemp -d)
server=
stop() {
    # The server is ended by its process id, whatever happened before.
    if [ -n "$server" ] && kill -TERM "$server" 2>/dev/null; then
        wait "$server" || true
    fi
    rm -rf "$folder"
}
trap stop EXIT

title() { printf '\n\033[1m%s\033[0m\n' "$1"; }
influxql() { printf '  InfluxQL> %s\n' "$1"; "$bin" query -d nyc "$1"; }
sql() { printf '  SQL> %s\n' "$1"; "$bin" query -d nyc --sql "$1"; }

title "Starting a server on a temporary folder"
# Made here: the server, which runs beside this script, may not have made it when it is first read.
: >"$folder/log"
"$bin" serve --bind 127.0.0.1:0 --data "$folder/data" 2>"$folder/log" &
server=$!
for _ in $(seq 100); do
    TIDEGAUGE_HOST=$(sed -n 's/.*listening on \(http:[^ "]*\).*/\1/p' "$folder/log")
    [ -n "$TIDEGAUGE_HOST" ] && break
    if ! kill -0 "$server" 2>/dev/null; then
        cat "$folder/log" >&2
        exit 1
    fi
    sleep 0.1
done
if [ -z "$TIDEGAUGE_HOST" ]; then
    echo "the server does not say where it listens" >&2
    cat "$folder/log" >&2
    exit 1
fi
export TIDEGAUGE_HOST
echo "$TIDEGAUGE_HOST"

title "Loading the weather of New York's airports in 2013"
"$bin" query "CREATE DATABASE nyc"
"$bin" import -d nyc testdata/weather/weather.lp

title "How cold was it in the first days of January?"
influxql "SELECT mean(temp) FROM weather WHERE time >= '2013-01-01' AND time < '2013-01-04' GROUP BY time(1d), origin"

title "How warm and humid were the airports, and how windy?"
influxql "SELECT median(temp), percentile(temp, 95), mean(humid), max(wind_speed) FROM weather GROUP BY origin"

title "When did the wind blow strongest?"
influxql "SELECT max(wind_gust) FROM weather"

title "What is measured?"
influxql "SHOW FIELD KEYS"

title "The same data in SQL, over Flight: rain by quarter"
sql "SELECT date_trunc('quarter', time) AS quarter, origin, round(sum(precip), 2) AS inches FROM weather GROUP BY quarter, origin ORDER BY quarter, origin"

title "The coldest hours"
sql "SELECT time, origin, temp FROM weather WHERE temp IS NOT NULL ORDER BY temp, time, origin LIMIT 3"

title "Stopping: what is buffered becomes Parquet"
kill -TERM "$server"
wait "$server"
server=
"$bin" inspect --data "$folder/data" files --verify
