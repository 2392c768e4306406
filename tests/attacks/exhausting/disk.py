"""Fill the disk: large files, and many small ones."""

import os

try:
    with open("large.bin", "wb") as file:
        for _ in range(2000):
            file.write(b"\1" * (1 << 20))
except OSError as error:
    print(error)
for folder in (".", "/tmp", "/dev/shm"):
    try:
        for number in range(20_000):
            open(os.path.join(folder, f"{number}.gradlab-attack"), "w").close()
    except OSError as error:
        print(error)
