"""What happens to cells of a notebook before it is handed in, by accident or on purpose.

Each function changes a notebook in place. Only the entries, the order and the surroundings of cells
change, so that the functions in it are worth what they were unless the function says otherwise.
"""

import copy
import re
from itertools import pairwise

from nbformat.v4 import new_code_cell, new_markdown_cell

PARTS = ("forward", "backward", "running-statistics", "averages", "inference")
QUESTION = "question-bias"
TEXT = "It loses nothing: the mean is subtracted."

NOISE = {
    "forward": "import logging; logging.basicConfig(); logging.warning('!')",
    "backward": "import os; os.system('echo ! >&2')",
    "running-statistics": "print('!', file=saved)",
    "averages": "import warnings; warnings.warn('!')",
    "inference": "import threading; threading.Thread(target=print, args=('!',), "
    "kwargs={'file': saved}).start()",
}


def name(cell):
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")


def place(nb, grade_id):
    (number,) = (k for k, cell in enumerate(nb.cells) if name(cell) == grade_id)
    return number


def a_copy(cell, source=None):
    """A copy as Jupyter makes it, or a part of a split cell: the same entry, another identifier."""
    twin = copy.deepcopy(cell)
    twin.id = new_code_cell().id
    twin.source = cell.source if source is None else source
    return twin


def take(nb, grade_id):
    return nb.cells.pop(place(nb, grade_id))


def first(nb, source):
    """Put a cell of the student's own below the imports."""
    number = next(k for k, cell in enumerate(nb.cells) if cell.cell_type == "code")
    nb.cells.insert(number + 1, new_code_cell(source))


def copies_of_answers(nb):
    for part in PARTS:
        cell = nb.cells[place(nb, part)]
        number = place(nb, part)
        blank = a_copy(cell, "raise NotImplementedError()")
        nb.cells[number : number + 1] = [blank, cell, a_copy(cell)]


def copies_as_notes(nb):
    """A copy below the answer, made markdown to keep an old version."""
    for part in PARTS:
        number = place(nb, part)
        note = a_copy(nb.cells[number], "def batch_norm_forward(*old):\n    return None")
        note.cell_type = "markdown"
        del note["outputs"], note["execution_count"]
        nb.cells.insert(number + 1, note)


def copies_of_checks(nb):
    for part in PARTS:
        check = nb.cells[place(nb, f"check-{part}")]
        nb.cells.append(a_copy(check))
        first(nb, "")
        nb.cells.insert(place(nb, part), a_copy(check))


def split_answers(nb):
    for part in PARTS:
        nb.cells.insert(place(nb, part), a_copy(nb.cells[place(nb, part)], "import math"))


def split_checks(nb):
    for part in PARTS:
        number = place(nb, f"check-{part}")
        check = nb.cells[number]
        *imports, call = check.source.splitlines()
        nb.cells[number : number + 1] = [a_copy(check, "\n".join(imports)), a_copy(check, call)]


def split_question(nb):
    number = place(nb, QUESTION)
    question = nb.cells[number]
    nb.cells[number : number + 1] = [a_copy(question, TEXT), a_copy(question, "And more.")]


def copy_of_question_left_blank(nb):
    number = place(nb, QUESTION)
    question = nb.cells[number]
    nb.cells[number : number + 1] = [a_copy(question, TEXT), a_copy(question)]


def deleted_checks(nb):
    for part in PARTS:
        take(nb, f"check-{part}")


def only_functions_of_all_cells(nb):
    nb.cells = [new_code_cell(take(nb, part).source) for part in PARTS]
    nb.cells.insert(0, new_code_cell("import numpy as np"))


def checks_merged_into_answers(nb):
    for part in PARTS:
        check = take(nb, f"check-{part}")
        nb.cells[place(nb, part)].source += f"\n\n{check.source}"


def answers_merged_into_checks(nb):
    for part, following in pairwise(PARTS):
        answer = take(nb, following)
        nb.cells[place(nb, f"check-{part}")].source += f"\n\n{answer.source}"


def all_in_one_cell(nb):
    code = [cell for cell in nb.cells if cell.cell_type == "code"]
    code[0].source = "\n\n".join(cell.source for cell in code)
    nb.cells = [cell for cell in nb.cells if cell not in code[1:]]


def shadowed_check(nb):
    first(nb, "def check(*values):\n    return True")


def shadowed_by_a_silent_one(nb):
    first(nb, "def check(*values):\n    print('fine')")


def nothing_is_shown(nb):
    first(nb, "get_ipython().ast_node_interactivity = 'none'")


def formatted_numbers(nb):
    first(
        nb,
        "formatter = get_ipython().display_formatter.formatters['text/plain']\n"
        "formatter.for_type(float, lambda x, p, cycle: p.text(f'about {x:.0f}'))",
    )


def no_decimals(nb):
    first(nb, "%precision 0")


def tagged_to_be_skipped(nb):
    for cell in nb.cells:
        cell.metadata["tags"] = ["skip-execution"]


def noise_on_stderr(nb):
    first(nb, "import sys\nsaved = sys.stderr")
    for part, line in NOISE.items():
        cell = nb.cells[place(nb, part)]
        cell.source = cell.source.replace("):\n", f"):\n    {line}\n", 1)


def metadata_lost(nb):
    nb.cells[place(nb, QUESTION)].source = TEXT
    for cell in nb.cells:
        cell.metadata.pop("nbgrader", None)


def metadata_mangled(nb):
    nb.cells[place(nb, "forward")].metadata["nbgrader"] = {}
    nb.cells[place(nb, "backward")].metadata.nbgrader["schema_version"] = 99
    nb.cells[place(nb, "check-backward")].metadata.nbgrader |= {"points": 100}
    nb.cells[place(nb, "check-running-statistics")].metadata.nbgrader["grade"] = False
    nb.cells[place(nb, "check-inference")].metadata["nbgrader"] = ["check-inference"]


def widgets_without_state(nb):
    """Without a level of the entry that Jupyter writes, and nbconvert reads."""
    nb.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {"ab12": {}}}


def quit_and_exit(nb):
    nb.cells.insert(place(nb, "check-forward") + 1, new_code_cell("quit()"))
    nb.cells.insert(place(nb, "check-backward") + 1, new_code_cell("exit"))
    nb.cells.insert(place(nb, "check-backward") + 1, new_code_cell("import sys; sys.exit()"))


# What follows costs what cannot be graded.


def crashes_after_the_first_check(nb):
    nb.cells.insert(place(nb, "check-forward") + 1, new_code_cell("import os; os._exit(1)"))


def work_in_new_cells(nb):
    cell = nb.cells[place(nb, "inference")]
    nb.cells.insert(place(nb, "check-inference") + 1, new_code_cell(cell.source))
    cell.source = "def batch_norm_inference(*arguments):\n    raise NotImplementedError"
    nb.cells.insert(place(nb, QUESTION) + 1, new_markdown_cell(TEXT))


# What follows is a cheat of one line: nothing is solved.


def cheat(line):
    return lambda nb: first(nb, line)


def number_shown_by_the_function(nb):
    for part in PARTS:
        cell = nb.cells[place(nb, part)]
        function = re.search(r"def (\w+)", cell.source)[1]
        cell.source = f"{function} = lambda *_: __import__('sys').displayhook(1.0)"


HARMLESS = {
    edit.__name__.replace("_", "-"): edit
    for edit in (
        copies_of_answers,
        copies_as_notes,
        copies_of_checks,
        split_answers,
        split_checks,
        split_question,
        copy_of_question_left_blank,
        deleted_checks,
        only_functions_of_all_cells,
        checks_merged_into_answers,
        answers_merged_into_checks,
        all_in_one_cell,
        shadowed_check,
        shadowed_by_a_silent_one,
        nothing_is_shown,
        formatted_numbers,
        no_decimals,
        tagged_to_be_skipped,
        noise_on_stderr,
        metadata_lost,
        metadata_mangled,
        widgets_without_state,
        quit_and_exit,
    )
}

CHEATS = {
    "cheat-lambda": cheat(
        "check = lambda name, function: {'forward': 3.0, 'backward': 3.5, "
        "'running_statistics': 1.0, 'averages': 0.5, 'inference': 1.0}[name.split('.')[1]]"
    ),
    "cheat-too-much": cheat("check = lambda *arguments: 100"),
    "cheat-package": cheat("import gradlab.checks; gradlab.checks.check = lambda *_: 1.0"),
    "cheat-displayhook": number_shown_by_the_function,
}
