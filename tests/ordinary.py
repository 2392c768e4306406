"""A user without rights, who exists by number only, for tests that root runs."""

import os
import shutil
import sys
from pathlib import Path

from support import ROOT

NUMBER = 54321


def as_ordinary_user(command):
    """Return the command with which root gives a command as an ordinary user.

    Where the folders of Python and of the project are in root's own, that user sees these alone.
    """
    if os.geteuid() != 0:
        return list(command)
    view = ["--bind", "/", "/", "--dev-bind", "/dev", "/dev"]
    needed = [Path(sys.prefix), Path(sys.base_prefix), ROOT]
    closed = {
        parent
        for path in needed
        for parent in path.parents
        if not parent.stat().st_mode & 0o001 and parent.parent.stat().st_mode & 0o001
    }
    for folder in sorted(closed):
        view += ["--tmpfs", str(folder), "--chmod", "0755", str(folder)]
    for path in needed:
        if closed & set(path.parents):
            for parent in reversed(path.parents[:-1]):
                view += ["--perms", "0755", "--dir", str(parent)]
            view += ["--ro-bind", str(path), str(path)]
    user = [f"--reuid={NUMBER}", f"--regid={NUMBER}", "--clear-groups"]
    return [shutil.which("bwrap"), *view, "--", "setpriv", *user, *command]
