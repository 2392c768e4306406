"""Hand in a notebook in another encoding."""


def write(path):
    path.write_bytes(path.read_text().replace("clip", "cl\u00efp").encode("utf-16"))
