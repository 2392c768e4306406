"""Write characters into cells that texts and databases do not like."""


def edit(notebook):
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = "\x00\ud800 \u202e"
