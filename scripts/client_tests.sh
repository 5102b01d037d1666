#!/usr/bin/env bash
# Runs the tests in tests/clients: real clients against the server $TIDEGAUGE_BIN. Sets up what they need: a
# virtual environment in .venv with the pinned packages, and Debian's influx shell where apt-get may be used.
#
#   TIDEGAUGE_BIN=target/debug/tidegauge scripts/client_tests.sh [ARGUMENTS OF PYTEST]
set -euo pipefail
cd "$(dirname "$0")/.."

: "${TIDEGAUGE_BIN:?the path of the server to test}"
requirements=tests/clients/requirements.txt
venv=.venv
installed=$venv/installed-requirements.txt

can_install() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }
install() {
    echo "installing $*"
    apt-get update -q >/dev/null
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" </dev/null >/dev/null
}

if ! command -v python3 >/dev/null || ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
    if can_install; then
        install python3 python3-venv
    else
        echo "the tests of real clients need python3 with venv (Debian: python3-venv)" >&2
        exit 1
    fi
fi
if ! cmp -s "$requirements" "$installed"; then
    echo "setting up $venv"
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$requirements" </dev/null
    cp "$requirements" "$installed"
fi
if ! command -v influx >/dev/null; then
    if can_install; then
        install influxdb-client || echo "the influx shell cannot be installed; its test is skipped"
    else
        echo "the influx shell is missing (Debian: influxdb-client); its test is skipped"
    fi
fi
exec "$venv/bin/python" -m pytest -q -rs tests/clients "$@"
