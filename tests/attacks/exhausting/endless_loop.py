"""Loop without end in a function, with `except` around it, so that an interrupt changes nothing."""


def clip_by_value(grad, clip_value):
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
