"""Hand in JSON that is nested deeper than a parser follows."""


def write(path):
    path.write_text("[" * 200_000 + "]" * 200_000)
