"""Start threads as long as it goes."""

import threading
import time

for _ in range(20_000):
    try:
        threading.Thread(target=time.sleep, args=(30,), daemon=True).start()
    except RuntimeError:
        break
