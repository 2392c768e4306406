"""Hand in a notebook without a cell."""


def edit(notebook):
    notebook.cells = []
