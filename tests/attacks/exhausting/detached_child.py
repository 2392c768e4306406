"""Leave a process behind that belongs to nobody any more."""

import os
import subprocess
import sys

_CODE = "import os, signal, time; [signal.signal(n, signal.SIG_IGN) for n in (1, 2, 15)]; time.sleep(600)"
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execv(sys.executable, [sys.executable, "-c", _CODE, "gradlab-attack-$PORT"])
    os._exit(0)
subprocess.Popen([sys.executable, "-c", _CODE, "gradlab-attack-$PORT"], start_new_session=True)
