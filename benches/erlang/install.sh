#!/bin/sh
# Installs Debian's Erlang, the peer that the table is about. Needs root, or sudo.
set -eu

if command -v erl >/dev/null && command -v erlc >/dev/null; then
    echo "erl is already here: $(command -v erl)"
    exit 0
fi

run() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

run apt-get update
run env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends erlang-base
erl -noshell -eval 'io:format("Erlang/OTP ~s~n", [erlang:system_info(otp_release)]), halt().'
