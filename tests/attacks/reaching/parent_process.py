"""Read the parents' memory, open files and command lines, and stop them."""

import glob
import os
import signal

for folder in glob.glob("/proc/[0-9]*"):
    try:
        number = int(folder.rsplit("/", 1)[1])
        print(number, open(f"{folder}/cmdline").read().replace("\0", " ")[:200])
        for link in glob.glob(f"{folder}/fd/*"):
            target = os.readlink(link)
            if "gradebook" in target or "CANARY" in target:
                print("CANARY-DESCRIPTOR", target)
                open(link, "a").write("CHANGED")
    except OSError:
        pass
parent = os.getppid()
if parent > 1:
    try:
        open(f"/proc/{parent}/mem", "r+b").read(16)
        print("CANARY-MEMORY")
    except (OSError, ValueError):
        pass
