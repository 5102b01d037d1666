#!/usr/bin/env python3
"""Record what a real InfluxDB 1.x makes of line protocol.

    record.py [URL]          default http://127.0.0.1:8086, a server without data of worth

Each case is a body (or body, precision, an earlier body) that goes into a database of its own. Written to
influxdb-1.6.7.json: status and error text of the write, and the points that it stored. A time
near the present is recorded as null: the server's clock gave it.
"""
import json
import pathlib
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

URL = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8086"
OUT = pathlib.Path(__file__).with_name("influxdb-1.6.7.json")

LONG = "x" * 65_530

CASES = [
    # Well-formed.
    "m f=1 1", "m,t=v f=1 1", "m,b=2,a=1 f=1,g=2 1", "m f=1", "m  f=1   1", "m f=1 1  ", "m f=1 ",
    "", "\n\n", "   \n\t\n", "# comment\nm f=1 1", "  # comment\nm f=1 1", " m f=1 1", "\tm f=1 1", "\0m f=1 1",
    "m f=1 1\n\nm f=2 2\n", "m f=1 1 # no comment", "m f=1 -1", "m f=1 0", "m f=1 00012",
    "é,ü=ö ß=\"µ\" 1", "日本,語=東 京=\"都\" 1",
    # Measurement.
    ",t=v f=1 1", "=m f=1 1", "m=x f=1 1", r"m\=x f=1 1", r"m\ x f=1 1", r"m\,x f=1 1", r"m\x f=1 1",
    r"m\\x f=1 1", r"m\\,t=v f=1 1", r"m\\ x f=1 1", '"m" f=1 1', r'm\"x f=1 1', '"m x" f=1 1', r"m\ f=1 1",
    r"\,m f=1 1", r"\ m f=1 1", "m", "m ", "m,", "m, f=1 1", "m,t", "m,t=v", "m,t=v ", r"m\,t=v f=1 1",
    # Tags.
    "m,=v f=1 1", "m,t= f=1 1", "m,t=,u=v f=1 1", "m,t f=1 1", "m,t,u=v f=1 1", "m,,t=v f=1 1", "m,t=v, f=1 1",
    "m,t=a=b f=1 1", "m,t==b f=1 1", "m,t=a,t=b f=1 1", "m,a=1,b=2,a=3 f=1 1", "m,b=2,a=1,b=3 f=1 1",
    r"m,t\,u=v f=1 1", r"m,t\=u=v f=1 1", r"m,t\ u=v f=1 1", r"m,t=a\,b f=1 1", r"m,t=a\=b f=1 1",
    r"m,t=a\ b f=1 1", r"m,t=a\b f=1 1", r"m,t=a\\b f=1 1", r"m,t=a\ f=1 1", r"m,t=a\\ f=1 1",
    'm,t="a" f=1 1', 'm,t="a b" f=1 1', r'm,t=a\"b f=1 1', 'm,t"=v f=1 1', r"m,t=\ f=1 1", r"m,t=\  f=1 1",
    "m,t=a\\\nb f=1 1", "m,t=v\\\nm f=1 1", "m,t=v\nm f=1 1", r"m,\=b=v f=1 1", r"m,\==v f=1 1", r"m,t=\,,u=v f=1 1",
    "m,t=\tv f=1 1", "m,t=v\tf=1 1", "m,a=1,A=2 f=1 1", "m,B=1,a=2 f=1 1", r"m,t=a\\\ b f=1 1", r"m,t=\\\\ f=1 1",
    # Field keys.
    "m =1 1", "m f 1", "m f", "m f= 1", "m f=", "m f=,g=1 1", "m f=1,=2 1", "m f=1,g 1", "m f=1, 1", "m f=1,,g=2 1",
    "m ,f=1 1", r"m f\ g=1 1", r"m f\,g=1 1", r"m f\=g=1 1", r"m f\"g=1 1".replace('\\"', '\\"'), 'm "f"=1 1',
    'm f"g=1 1', r"m f\g=1 1", r"m f\\g=1 1", r"m \ f=1 1", r"m \,f=1 1", r"m \=f=1 1", r"m f=1,\ g=2 1", "m f=1,f=2 1",
    'm f=1,f="x" 1', 'm f=1,f=2i 1', "m f==1 1", "m f=1=2 1", "m f=1,g=2,h=3 1", "m \tf=1 1", "m f=1,\tg=1 1", "m f=1\t1",
    "m f=1 \t1", 'm f"=1,g"=2 1', 'm "f=1 1',
    # Strings.
    'm f="" 1', 'm f="a b" 1', 'm f="a,b=c d" 1', 'm f="a\nb" 1', r'm f="a\"b" 1', r'm f="a\\b" 1', r'm f="a\b" 1',
    r'm f="a\\" 1', r'm f="a\\\"b" 1', r'm f="\n\t\," 1', 'm f="a', 'm f=a" 1', 'm f="a"b" 1', 'm f="a,g=1 1',
    'm f="a" 1\nm f="b" 2', 'm f="a\nm f=1 1', 'm f="a"', 'm f="a",g="b" 1', 'm f="a" ,g=1 1', "m f='a' 1", 'm f="#" 1',
    'm f="\\\\',  'm f="\\', 'm f="\\"', 'm f="a\\\nb" 1', 'm f="a\r\nb" 1', 'm f="é\u0001" 1', '# "a=\nm f=1 1', '# x="a\nm f=1 1\nm f="2',
    # Numbers.
    "m f=1. 1", "m f=.5 1", "m f=-.5 1", "m f=1e3 1", "m f=1E+3 1", "m f=1e-3 1", "m f=-1 1", "m f=-1.5e2 1", "m f=+1 1",
    "m f=0 1", "m f=-0 1", "m f=-0i 1", "m f=007 1", "m f=007i 1", "m f=1e 1", "m f=1e+ 1", "m f=1e5e5 1", "m f=1e5.5 1",
    "m f=e5 1", "m f=-e5 1", "m f=.e5 1", "m f=1.e5 1", "m f=. 1", "m f=- 1", "m f=-", "m f=-. 1", "m f=1.1.1 1", "m f=1-1 1",
    "m f=--1 1", "m f=1e5-3 1", "m f=NaN 1", "m f=nan 1", "m f=Inf 1", "m f=-Inf 1", "m f=inf 1", "m f=+Inf 1", "m f=n 1", "m f=N 1",
    "m f=0x10 1", "m f=1_000 1", "m f=1x 1", "m f=1u 1", "m f=-1u 1", "m f=1iu 1", "m f=1ui 1", "m f=1ii 1", "m f=i 1", "m f=-i 1",
    "m f=1.5i 1", "m f=1e3i 1", "m f=1i5 1", "m f=.i 1", "m f=1e400 1", "m f=-1e400 1", "m f=1e-400 1", "m f=" + "9" * 400 + " 1",
    "m f=1.7976931348623157e308 1", "m f=1.7976931348623159e308 1", "m f=4.9e-324 1", "m f=0.1 1", "m f=123456789012345678901234567890 1",
    "m f=9007199254740993 1", "m f=0.30000000000000004 1", "m f=2.2250738585072011e-308 1", "m f=123456.789012345678 1", "m f=98765432109876.54 1",
    "m f=9223372036854775807i 1", "m f=9223372036854775808i 1", "m f=-9223372036854775808i 1", "m f=-9223372036854775809i 1",
    "m f=99999999999999999999999i 1", "m f=00000000000000000000000001i 1", "m f=18446744073709551615u 1", "m f=1, 1", "m f=1;g=2 1",
    # Booleans.
    *[f"m f={b} 1" for b in "t T true True TRUE f F false False FALSE tru TrUe yes tRUE truee fal FALSe on a 'a' tt".split()],
    "m f=true,g=F 1", "m f=t\n",
    # Timestamps.
    "m f=1 abc", "m f=1 1.5", "m f=1 1e3", "m f=1 +1", "m f=1 1i", "m f=1 -", "m f=1 --1", "m f=1 1-", "m f=1 1 2", "m f=1 1 x", "m f=1 1,g=2",
    "m f=1 9223372036854775806", "m f=1 9223372036854775807", "m f=1 -9223372036854775806", "m f=1 -9223372036854775807",
    "m f=1 9223372036854775808", "m f=1 99999999999999999999", "m f=1 -99999999999999999999", "m f=1 1 \t", "m f=1 1\t",
    ("m f=1 1", "n"), ("m f=1 1", "ns"), ("m f=1 1", "u"), ("m f=1 1", "us"), ("m f=1 1", "µ"), ("m f=1 1", "ms"), ("m f=1 1", "s"), ("m f=1 1", "m"),
    ("m f=1 1", "h"), ("m f=1 -1", "h"), ("m f=1 9223372036854775806", "s"), ("m f=1 9223372036", "s"), ("m f=1 9223372037", "s"), ("m f=1 2562047", "h"),
    ("m f=1 2562048", "h"), ("m f=1 1", "x"),
    # Carriage returns.
    "m f=1 1\r\n", "m f=1\r\n", "m f=1i\r\n", "m f=t\r\n", 'm f="a"\r\n', "m,t=v\r\nm f=1 1", "\r\nm f=1 1", "m f=1 1\r\nm f=2 2",
    # Several lines, some bad.
    "m f=1 1\nbad\nm f=2 2", "bad\nworse", "bad\nm f=x 1\nm f=3 3\n,a=b f=1", "m f=1 1\nm,=b f=2 2\nn f=3 3",
    # Points that parse and are not stored.
    "m f=1 1\nm f=2i 2", "m f=1i 1\nm f=2 2\nm f=3i 3", 'm f=1 1\nm f="x" 2\nm f=t 3\nm g=1,f=3i 4', "m f=1 1\nm f=t 2\nn f=t 3",
    "m,time=x f=1 1", "m,time=x f=1 1\nm f=2 2", "m time=1 1", "m time=1 1\nm f=2 2", "m time=1,f=2 1", "m f=2,time=1i 1", "time f=1 1", "m,Time=x Time=1 1",
    "m,f=v f=1 1", "bad\nm,time=x f=1 1\nm f=1 1", "m f=1,g=2 1\nm f=1i,g=3 1\nm g=4,h=5 1", "m f=1 1\nm f=2 1", "m f=1 1\nm g=2 1",
    ("m f=2i 2", None, "m f=1 1"), ("m f=2i 2\nm f=3 3\nm g=1,f=t 4\nm,t=v f=\"x\" 5\nm g=6 6", None, "m f=1 1"),
    ("m f=1 2\nm g=t 3\nn h=t 4", None, "m f=1i 1\nm g=\"\" 1"), ("m f=1i 1\nm,time=x f=1 1", None, "m f=1 1"),
    ("bad\nm f=1i 2\nm f=2 2", None, "m f=1 1"), (r"m f\ g=1i 2", None, r"m f\ g=1 1"),
    # Lengths.
    f"{LONG} f=1 1", f"{LONG}xxxxx f=1 1", f"{LONG}xxxxxx f=1 1", f"m,t={LONG} f=1 1", f"m,t={LONG}xxxx f=1 1", f"m {LONG}xx=1 1", f"m {LONG}=1 1",
    f"m {LONG}x=1 1",
]


def call(path, body=None, **params):
    url = f"{URL}{path}?{urllib.parse.urlencode(params)}"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=body)) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def number(text):
    return -0.0 if text == "-0" else int(text)  # Go prints the float -0.0 as -0


def query(text, db):
    status, body = call("/query", b"", q=text, db=db, epoch="ns")
    result = json.loads(body, parse_int=number)["results"][0] if status == 200 else {"error": body.decode()}
    if "error" in result:
        raise SystemExit(f"{text}: {result['error']}")
    return result.get("series", [])


def stored(db):
    types = {}
    for series in query("SHOW FIELD KEYS", db):
        types[series["name"]] = {name: kind for name, kind in series["values"]}
    points = []
    for series in query("SELECT *::field FROM /.*/ GROUP BY *", db):
        tags = {key: value for key, value in series.get("tags", {}).items() if value}
        for row in series["values"]:
            at = None if row[0] > 1_600_000_000_000_000_000 and row[0] < 4_000_000_000_000_000_000 else row[0]
            fields = {
                name: [types[series["name"]][name], value]
                for name, value in zip(series["columns"][1:], row[1:])
                if value is not None
            }
            points.append({"measurement": series["name"], "tags": tags, "time": at, "fields": fields})
    points.sort(key=lambda p: json.dumps(p, sort_keys=True))
    return points


def record(number, case):
    body, precision, before = (*case, None, None)[:3] if isinstance(case, tuple) else (case, None, None)
    db = f"line_protocol_{number}"
    call("/query", b"", q=f"DROP DATABASE {db}")
    call("/query", b"", q=f"CREATE DATABASE {db}")
    if before and call("/write", before.encode(), db=db)[0] != 204:
        raise SystemExit(f"refused: {before}")
    params = {"db": db} | ({"precision": precision} if precision else {})
    status, answer = call("/write", body.encode(), **params)
    error = json.loads(answer)["error"] if answer else None
    try:
        points = stored(db)
    except (SystemExit, KeyError, json.JSONDecodeError) as fault:
        points = f"unreadable: {fault}"
    call("/query", b"", q=f"DROP DATABASE {db}")
    return {"before": before, "body": body, "precision": precision, "status": status, "error": error, "points": points}


def main():
    started = time.time()
    records = [record(number, case) for number, case in enumerate(CASES)]
    text = ",\n".join(json.dumps(r, ensure_ascii=False, sort_keys=True) for r in records)
    text = text.replace(LONG, "{LONG}")  # or the file would be 1 MB
    OUT.write_text(f"[\n{text}\n]\n")
    print(f"{len(records)} cases in {time.time() - started:.1f} s -> {OUT.name}")


if __name__ == "__main__":
    main()
