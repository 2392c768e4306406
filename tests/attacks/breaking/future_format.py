"""Hand in a format that does not exist yet."""


def edit(notebook):
    notebook.nbformat, notebook.nbformat_minor = 9, 99
