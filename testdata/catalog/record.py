#!/usr/bin/env python3
"""Records what a real InfluxDB 1.x answers to the requests of requests.jsonl.

Needs `influxd` 1.x on the PATH and nothing but the standard library. Starts a server of its own on
loopback in a temporary folder, sends the requests one after the other, and writes recorded.jsonl: each
request with the text that was sent, the error (or null), and all databases and policies afterwards, each
with name, duration, shard group duration, replication factor and whether it is the default. An answer that
left those as they were lacks them.

    python3 testdata/catalog/record.py
"""

import json
import pathlib
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

HERE = pathlib.Path(__file__).parent


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def start(folder):
    http_port = free_port()
    config = f"""
reporting-disabled = true
bind-address = "127.0.0.1:{free_port()}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
  query-log-enabled = false
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:{http_port}"
  log-enabled = false
"""
    path = pathlib.Path(folder) / "influxdb.conf"
    path.write_text(config)
    server = subprocess.Popen(["influxd", "-config", str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    base = f"http://127.0.0.1:{http_port}"
    for _ in range(200):
        try:
            urllib.request.urlopen(base + "/ping").close()
            return server, base
        except OSError:
            time.sleep(0.05)
    server.kill()
    raise SystemExit("influxd does not answer")


def post(url, body):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=body.encode(), method="POST")) as answer:
            text = answer.read().decode()
    except urllib.error.HTTPError as e:
        text = e.read().decode()
    return json.loads(text) if text.strip() else {}


def query(base, text):
    answer = post(base + "/query", urllib.parse.urlencode({"q": text}))
    result = answer.get("results", [{}])[0]
    return answer.get("error") or result.get("error"), result.get("series", [])


def quoted(name):
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def duration(ns):
    return f"{ns}ns"


def options(request):
    """The options of a policy in the order of the grammar."""
    out = ""
    if "duration_ns" in request:
        out += f" DURATION {duration(request['duration_ns'])}"
    if "replica_n" in request:
        out += f" REPLICATION {request['replica_n']}"
    if "shard_duration_ns" in request:
        out += f" SHARD DURATION {duration(request['shard_duration_ns'])}"
    return out


def statement(request):
    name = quoted(request["name"])
    match request["op"]:
        case "create_database":
            with_policy = options(request) + (f" NAME {quoted(request['policy'])}" if "policy" in request else "")
            return f"CREATE DATABASE {name}" + (f" WITH{with_policy}" if with_policy else "")
        case "drop_database":
            return f"DROP DATABASE {name}"
        case "create_policy" | "alter_policy":
            verb = "CREATE" if request["op"] == "create_policy" else "ALTER"
            default = " DEFAULT" if request.get("make_default") else ""
            return f"{verb} RETENTION POLICY {name} ON {quoted(request['db'])}{options(request)}{default}"
        case "drop_policy":
            return f"DROP RETENTION POLICY {name} ON {quoted(request['db'])}"
        case "drop_measurement":
            return f"DROP MEASUREMENT {name}"
    raise SystemExit(f"unknown request {request}")


def run(base, request):
    if request["op"] == "write":
        parameters = {"db": request["db"]} | ({"rp": request["policy"]} if "policy" in request else {})
        text = f"{request['name']} v=1"
        return text, post(base + "/write?" + urllib.parse.urlencode(parameters), text).get("error")
    text = statement(request)
    if request["op"] == "drop_measurement":
        answer = post(base + "/query", urllib.parse.urlencode({"q": text, "db": request["db"]}))
        return text, answer.get("error") or answer["results"][0].get("error")
    return text, query(base, text)[0]


def rows(series):
    return [row for one in series for row in one.get("values", [])]


def catalog(base):
    out = []
    for (database,) in rows(query(base, "SHOW DATABASES")[1]):
        policies = rows(query(base, f"SHOW RETENTION POLICIES ON {quoted(database)}")[1])
        out.append({"name": database, "policies": policies})
    return out


def main():
    requests = [json.loads(line) for line in (HERE / "requests.jsonl").read_text().splitlines() if line.strip()]
    with tempfile.TemporaryDirectory() as folder:
        server, base = start(folder)
        try:
            with (HERE / "recorded.jsonl").open("w") as out:
                before = None
                for request in requests:
                    text, error = run(base, request)
                    record = {"request": request, "text": text, "error": error}
                    after = catalog(base)
                    if after != before:
                        record["catalog"] = before = after
                    out.write(json.dumps(record, ensure_ascii=False) + "\n")
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
