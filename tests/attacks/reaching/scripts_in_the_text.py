"""Write scripts and pictures from elsewhere into markdown cells and metadata."""


def edit(notebook):
    text = "<script>alert(5)</script><img src='http://127.0.0.1/pixel' onerror='alert(6)'>"
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("solution") and cell.cell_type == "markdown":
            cell.source = text
    notebook.cells.insert(0, {"cell_type": "markdown", "metadata": {}, "source": text, "id": "own"})
    notebook.metadata["title"] = text
