"""Attacks that want to read or change what is not theirs."""

from attacked import *  # noqa: F403

KIND = "reaching"
