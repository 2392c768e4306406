"""Change the instructor's source, another submission and the tools."""

import glob
import os

for path in [
    *glob.glob("$COURSE/course/source/*/*"),
    *glob.glob("$COURSE/course/submitted/*/*/*"),
    "$COURSE/course/canary.txt",
    "$COURSE/new.txt",
    os.path.expanduser("~/.gradlab-attack"),
]:
    try:
        with open(path, "a") as file:
            file.write("CHANGED")
        print("changed", path)
    except OSError:
        pass
