"""Let the shell print numbers with a format that is text."""

from IPython import get_ipython

get_ipython().run_line_magic("precision", "'3.0'")
