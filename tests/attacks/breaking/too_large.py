"""Hand in more than a computer wants to read at once."""


def write(path):
    with path.open("a") as file:
        file.write(" " * 150_000_000)
