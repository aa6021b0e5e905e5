"""The process that dbt runs in: one start for several commands (a JSON list of lists, the only argument)."""

from __future__ import annotations

import json
import sys

from dbt.cli.main import dbtRunner


def main() -> None:
    """Invokes dbt with each command; exits with 1 at the first that does not succeed."""
    runner = dbtRunner()
    for command in json.loads(sys.argv[1]):
        result = runner.invoke(command)
        if not result.success:
            print(result.exception or "", file=sys.stderr)
            sys.exit(1)


if __name__ == "__main__":
    main()
