"""Open files and pipes as long as it goes."""

import os

_open = []
try:
    while True:
        _open.append(os.pipe())
except OSError as error:
    print(error)
