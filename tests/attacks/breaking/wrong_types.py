"""Hand in JSON whose parts have types that no notebook has."""

import json


def write(path):
    cells = [
        None,
        3,
        [],
        {"cell_type": "code"},
        {"cell_type": 5, "source": {"a": 1}, "metadata": None},
    ]
    path.write_text(
        json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": [], "cells": cells})
    )
