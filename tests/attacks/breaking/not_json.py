"""Hand in a file that is no notebook."""


def write(path):
    path.write_text("This is my homework.")
