"""Print until somebody stops it, on both channels."""

import sys

_line = "x" * 10_000 + "\n"
for _ in range(50_000):
    sys.stdout.write(_line)
    sys.stderr.write(_line)
