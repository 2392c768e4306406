"""Attacks that want all there is of time, memory, processes, disk and output."""

from attacked import *  # noqa: F403

KIND = "exhausting"
