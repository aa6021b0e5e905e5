"""A second yardstick: work of the interpreter's kind, always the same. JSON becomes objects, Python goes through them.

Some machines run such work at one of two speeds, nearly twice apart and changing by the minute, while gzip runs on as
before: a load that took longer than the one before it, by as much as this did, has not become slower.

python interpret.py
"""

from __future__ import annotations

from collections import Counter

import msgspec

RECORDS, ROUNDS = 2_000, 200


def document() -> bytes:
    """A log file of about a kilobyte a record."""
    records = [
        {
            "eventSource": f"service-{number % 7}.amazonaws.com",
            "eventID": f"{number:032x}",
            "userIdentity": {"type": "AssumedRole", "arn": f"arn:aws:sts::123456789012:assumed-role/r{number % 31}/s"},
            "requestParameters": [
                {"metricName": f"metric-{index}", "value": number / (index + 1), "step": index} for index in range(12)
            ],
        }
        for number in range(RECORDS)
    ]
    return msgspec.json.encode({"Records": records})


def main() -> None:
    text, points = document(), Counter[tuple[str, str]]()
    for _ in range(ROUNDS):
        for record in msgspec.json.decode(text)["Records"]:
            key = record["eventSource"], record["userIdentity"]["arn"]
            points[key] += sum(1 for point in record["requestParameters"] if point["value"] > point["step"])
    assert points


if __name__ == "__main__":
    main()
