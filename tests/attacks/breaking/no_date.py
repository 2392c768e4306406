"""Hand in a date of submission that is none."""

FILES = {"timestamp.txt": "the day before yesterday\n"}
