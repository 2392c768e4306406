"""Hand in cells that have lost all entries, and a notebook without metadata."""


def edit(notebook):
    notebook.metadata.clear()
    for cell in notebook.cells:
        cell.metadata.clear()
