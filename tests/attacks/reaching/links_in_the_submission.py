"""Hand in symbolic links to the course and to the gradebook."""

LINKS = {"data": "$COURSE/course", "book.db": "$DATABASE", "notes.txt": "$COURSE/course/canary.txt"}


CELL = """
for path in ("notes.txt", "data/canary.txt"):
    try:
        print(open(path).read())
    except OSError:
        pass
"""
