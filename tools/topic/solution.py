# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercise: TITLE
#
# TODO: what one writes, a table of parts and points, the time that it takes.

# %%
import numpy as np

# No module named "gradlab"? The page "Getting started" of the book says how to install it.
from gradlab.checks import check

# %% [markdown]
# ## 1 TODO: the first part
#
# TODO: what is given, and what is asked.


# %% nbgrader={"grade": false, "grade_id": "compute", "locked": false, "schema_version": 3, "solution": true, "task": false}
def compute(x):
    """TODO: what it returns, with shapes.

    x: array
    """
    ### BEGIN SOLUTION
    return np.full(x.shape, np.nan)  # TODO: the solution
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-compute", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("MODULE.compute", compute)
