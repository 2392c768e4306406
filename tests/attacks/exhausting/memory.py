"""Take memory until there is none."""

_kept = []
while True:
    _kept.append(bytearray(64 << 20))
    for place in range(0, 64 << 20, 4096):
        _kept[-1][place] = 1
