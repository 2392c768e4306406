"""Ask for a kernel that is not installed, in another language."""


def edit(notebook):
    notebook.metadata["kernelspec"] = {
        "name": "cuda-julia",
        "display_name": "Julia",
        "language": "julia",
    }
    notebook.metadata["language_info"] = {"name": "julia"}
