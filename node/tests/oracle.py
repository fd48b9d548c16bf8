"""What should a report say? An independent answer, written from the issue and not from the Rust.

Run:     python3 oracle.py access.log
Prints:  the part of the --json object that the input alone decides, on one line.
"""

import collections
import datetime
import json
import re
import sys

LINE_BYTES_MAX = 1 << 20
QUOTED = rb'"((?:[^"\\]|\\.)*)"'
FORMAT = re.compile(
    rb"([^ ]+) ([^ ]+) ([^ ]+) "
    rb"\[([0-9]{2})/([A-Z][a-z]{2})/([0-9]{4}):([0-9]{2}):([0-9]{2}):([0-9]{2})"
    rb" ([+-])([0-9]{2})([0-9]{2})\] "
    + QUOTED
    + rb" ([0-9]{3}) ([0-9]+|-) "
    + QUOTED
    + rb" "
    + QUOTED,
    re.DOTALL,
)
MONTHS = b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
U64_MAX = 2**64 - 1


def parse(line):
    """(client, path, seconds since 1970, status, bytes), or None."""
    match = FORMAT.fullmatch(line)
    if match is None or len(line) > LINE_BYTES_MAX:
        return None
    client, _, _, day, month, year, hour, minute, second = match.groups()[:9]
    sign, east, rest, request, status, sent, _, _ = match.groups()[9:]
    if month not in MONTHS or int(east) > 23 or int(rest) > 59:
        return None
    zone = datetime.timedelta(hours=int(east), minutes=int(rest))
    try:
        local = datetime.datetime(
            int(year), MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second)
        )
    except ValueError:
        return None
    # Plain subtraction: an aware datetime can't leave the years 1 to 9999.
    since = local - datetime.datetime(1970, 1, 1)
    ahead = zone.seconds if sign == b"+" else -zone.seconds
    epoch = since.days * 86400 + since.seconds - ahead
    sent = 0 if sent == b"-" else int(sent)
    if sent > U64_MAX:
        return None
    words = [word for word in request.split(b" ") if word]
    return client, words[1] if len(words) == 3 else request, epoch, int(status), sent


def text(name):
    return name.decode("utf-8", "replace")


def report(data):
    malformed = sent_all = 0
    statuses, paths, clients, sent_to = (collections.Counter() for _ in range(4))
    tens, minutes, errors = (collections.Counter() for _ in range(3))
    for line in data.split(b"\n"):
        if not line.strip():
            continue
        parsed = parse(line[:-1] if line.endswith(b"\r") else line)
        if parsed is None:
            malformed += 1
            continue
        client, path, epoch, status, sent = parsed
        clients[client] += 1
        sent_to[client] += sent
        sent_all += sent
        statuses[status] += 1
        paths[path] += 1
        tens[epoch // 10 * 10, client] += 1
        minutes[epoch // 60 * 60, client] += 1
        errors[epoch // 60 * 60, client] += status >= 400
    parsed = sum(clients.values())

    def top(counts):
        return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:10]

    return {
        "lines": parsed + malformed,
        "parsed": parsed,
        "malformed": malformed,
        "clients": len(clients),
        "bytes": min(sent_all, U64_MAX),
        "by_status": {str(status): statuses[status] for status in sorted(statuses)},
        "top_clients": [
            {"client": text(client), "requests": count, "bytes": min(sent_to[client], U64_MAX)}
            for client, count in top(clients)
        ],
        "top_paths": [{"path": text(path), "requests": count} for path, count in top(paths)],
        "bursts": [
            {"client": text(client), "start": start, "requests": tens[start, client]}
            for start, client in sorted(tens)
            if tens[start, client] >= 10
        ],
        "storms": [
            {
                "client": text(client),
                "start": start,
                "responses": minutes[start, client],
                "errors": errors[start, client],
            }
            for start, client in sorted(minutes)
            if minutes[start, client] >= 5 and errors[start, client] * 2 >= minutes[start, client]
        ],
    }


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as log:
        print(json.dumps(report(log.read())))
