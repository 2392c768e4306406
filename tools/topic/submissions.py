"""What students hand in for the exercise ``SLUG``: right in other forms, and wrong.

Each function stands by itself, so that its source can be put into a notebook.
"""

COMPUTE = "MODULE.compute"

# TODO: right answers in other forms, and what students get wrong.
OTHER_FORMS = []
STUDENTS = []
