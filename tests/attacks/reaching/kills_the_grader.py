"""Send signals to the parents, to the group and to every process that may be reached."""

import os
import signal

for number in {os.getppid(), *(int(name) for name in os.listdir("/proc") if name.isdigit())}:
    if number not in (os.getpid(), 1):
        try:
            os.kill(number, signal.SIGKILL if number != os.getppid() else signal.SIGTERM)
        except OSError:
            pass
