"""Hand in a notebook of a hundred megabytes, most of it pictures."""


def edit(notebook):
    picture = "A" * 1_000_000
    output = {"output_type": "display_data", "metadata": {}, "data": {"image/png": picture}}
    code = next(cell for cell in notebook.cells if cell.cell_type == "code")
    code["outputs"] = [output] * 99
