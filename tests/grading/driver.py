"""A grader in miniature: opens a sandbox, runs a program in it, and says what came of it.

It is a process of its own, so that it can be another user, and be killed.
"""

import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

from gradlab.grading import sandbox


def main(
    code, read=1 << 16, work=None, readable=(), wait=0.0, unprotected=False, patience=10.0, **limits
):
    """Read at most so many bytes of what the program says, wait, and kill it."""
    start = time.monotonic()
    sandbox.START = patience
    if not unprotected:
        sandbox.self_test()
    ready = time.monotonic()
    start_of = sandbox.open_unprotected if unprotected else sandbox.open_sandbox
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with tempfile.TemporaryDirectory() as folder:
        for name, content in (work or {}).items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            if content.startswith("-> "):
                path.symlink_to(content[3:])
            elif content == "fifo":
                os.mkfifo(path)
            elif content.isdigit():
                path.touch()
                os.truncate(path, int(content))
            else:
                path.write_text(content)
        with start_of(
            [sys.executable, "-I", "-c", code],
            Path(folder),
            [Path(path) for path in readable],
            sandbox.Limits(**limits),
        ) as box:
            opened = time.monotonic()
            said = b""
            while len(said) < read and (more := box.stdout.read(read - len(said))):
                said += more
            time.sleep(wait)
            box.kill()
        left = sorted(path.name for path in Path(folder).iterdir())
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "said": said.decode(errors="replace"),
        "ended": box.ended,
        "left_out": box.left_out,
        "work": left,
        "self_test": ready - start,
        "opening": opened - ready,
        "seconds": time.monotonic() - opened,
        "grew": (after - before) << 10,
    }


if __name__ == "__main__":
    try:
        print(json.dumps(main(**json.load(sys.stdin))))
    except sandbox.SandboxError as error:
        print(json.dumps({"refused": str(error)}))
