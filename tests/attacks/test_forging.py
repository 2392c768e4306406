"""Attacks that want points that they have not earned."""

from attacked import *  # noqa: F403

KIND = "forging"
