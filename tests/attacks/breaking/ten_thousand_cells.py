"""Hand in ten thousand cells."""


def edit(notebook):
    for number in range(10_000):
        cell = {"cell_type": "code", "metadata": {}, "source": "1", "outputs": []}
        notebook.cells.append(cell | {"id": f"own-{number}", "execution_count": None})
