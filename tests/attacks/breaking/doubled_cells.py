"""Hand in each cell twice, entries and identifiers included."""


def edit(notebook):
    notebook.cells = [cell for cell in notebook.cells for _ in range(2)]
