#!/usr/bin/env python3
"""Records what a real InfluxDB 1.x says of the statements in the corpus files here.

    record.py malformed http://127.0.0.1:8086
    record.py valid     http://127.0.0.1:8086 USER PASSWORD

`malformed.txt` holds statements that do not parse, each followed by the server's error. `valid.txt`
holds statements that do, each followed by their canonical text and the privilege they need. The
server tells both when it refuses a statement to a user, so `valid` wants a server with
authentication, where USER has no privilege at all, and a database named t to exist.

A corpus file is rewritten in place: statements, comments and the lines that begin with `  = ` (what
we say instead) and `  # ` (why) stay, lines of the server's are replaced. Control characters are
written as their pictures (U+2400 and up).
"""

import json
import pathlib
import re
import sys
import urllib.error
import urllib.parse
import urllib.request

PICTURES = {"\n": "\u2424", "\r": "\u240d", "\t": "\u2409", "\0": "\u2400"}
REFUSED = re.compile(
    r"error authorizing query: \S+ not authorized to execute statement '(.*)', requires (.*)", re.S
)


def visible(text):
    for char, picture in PICTURES.items():
        text = text.replace(char, picture)
    return text


def plain(text):
    for char, picture in PICTURES.items():
        text = text.replace(picture, char)
    return text


def ask(url, statement, credentials):
    """The error of the request as a whole, or None."""
    address = f"{url}/query?" + urllib.parse.urlencode({"db": "t", **credentials})
    body = urllib.parse.urlencode({"q": plain(statement)}).encode()
    try:
        with urllib.request.urlopen(address, body) as response:
            return json.load(response).get("error")
    except urllib.error.HTTPError as error:
        return json.load(error)["error"]


def malformed(url, statement):
    error = ask(url, statement, {})
    if error is None:
        return ["  ! accepted"]
    return ["  ! " + visible(error.removeprefix("error parsing query: "))]


def valid(url, statement, user, password):
    error = ask(url, statement, {"u": user, "p": password})
    if error is None:
        return ["  @ nothing"]
    refused = REFUSED.fullmatch(error)
    if refused is None:
        return ["  ! " + visible(error.removeprefix("error parsing query: "))]
    return ["  > " + visible(refused[1]), "  @ " + refused[2]]


def main():
    kind, url, *credentials = sys.argv[1:]
    path = pathlib.Path(__file__).parent / f"{kind}.txt"
    ask_one = {"malformed": malformed, "valid": valid}[kind]
    lines = []
    for line in path.read_text().split("\n"):
        if line.startswith(("  ! ", "  > ", "  @ ")):
            continue
        lines.append(line)
        if line and not line.startswith(("#", "  = ", "  # ")):
            lines += ask_one(url, line, *credentials)
    path.write_text("\n".join(lines))


if __name__ == "__main__":
    main()
