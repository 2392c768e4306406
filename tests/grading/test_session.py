"""A submission that runs apart from its checks: honest ones score as before, hostile ones nothing.

The session, the worker and the sandbox are the real ones.
"""

import contextlib
import resource
import sys
import time
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from checking import answers

from gradlab.checks import SECRET, _judge, exercise, report
from gradlab.checks._limits import GoneError
from gradlab.checks._run import NotDataError
from gradlab.grading.graded import CANNOT_BE_GRADED, GradedCells
from gradlab.grading.inside import Inside
from gradlab.grading.sandbox import Limits, open_sandbox, open_unprotected
from gradlab.grading.session import Session

FORWARD = "batch_normalization.forward"
ANSWER = answers("batch-normalization")[FORWARD]
CHECK = f'from gradlab.checks import check\ncheck("{FORWARD}", batch_norm_forward)'
POINTS = exercise(FORWARD).points
LIMITS = replace(Limits(), cell_seconds=20.0, submission_seconds=120.0)


@pytest.fixture(scope="module")
def inside():
    with contextlib.closing(Inside(["datasets"], "batch_normalization")) as made:
        yield made


@pytest.fixture
def start(inside):
    """Return a function that runs cells: a session, and the errors that they showed."""
    with contextlib.ExitStack() as stack:

        def started(*cells, opened=open_sandbox, **limits):
            chosen = replace(LIMITS, **limits)
            program = [sys.executable, "-I", "-B", str(inside.worker)]
            opens = partial(opened, program, None, [inside.path], chosen)
            session = stack.enter_context(Session(opens, chosen))
            for cell in cells:
                session.run(cell)
            return session

        yield started


def function(session, name="f"):
    """What stands for a function of the submission, as in a graded cell."""
    return session.names([name])[name]


def shown(session, cell):
    """What a cell shows, as text."""
    outputs, _ = session.run(cell)
    return "".join(
        str(o.get("text", o.get("evalue", o.get("data", {}).get("text/plain")))) for o in outputs
    )


def graded(session, source=CHECK, points=POINTS, asked=("batch_norm_forward", "f")):
    return GradedCells(session, frozenset(asked)).run(source, points)


def said(verdict):
    """All that a graded cell shows, in one line."""
    texts = [
        o.get("text") or o.get("data", {}).get("text/plain") or "\n".join(o.get("traceback", []))
        for o in verdict.outputs
    ]
    return " ".join(" ".join(texts).split())


# ---- honest work


def test_a_right_answer_earns_its_points_and_a_wrong_one_its_report(start):
    session = start("import numpy as np", ANSWER.source)
    assert graded(session).earned == POINTS
    wrong = ANSWER.source.replace("var + eps", "var")
    session.run(wrong)
    verdict = graded(session)
    expected = report(FORWARD, ANSWER.run(wrong))
    assert verdict.earned == expected.earned < POINTS
    assert said(verdict) == " ".join(repr(expected).split())


def test_what_is_written_in_place_is_written_here(start):
    session = start(
        "def f(x, parts, table): x += 1; parts[0] *= 2; parts.append(7); table['a'] = x"
    )
    x, parts, table = np.zeros(3), [np.ones(2), 5], {"b": 1}
    first = parts[0]
    assert function(session)(x, parts, table) is None
    assert (x == 1).all()
    assert parts[0] is first
    assert (first == 2).all()
    assert parts[2] == 7
    assert table["a"] is x


def test_a_list_that_is_put_into_an_argument_twice_is_one(start):
    session = start("def f(parts, table): new = [1]; parts[:] = [new, new]; table['a'] = new")
    parts, table = [], {}
    function(session)(parts, table)
    assert parts == [[1], [1]]
    assert parts[0] is parts[1] is table["a"]


def test_an_argument_that_is_returned_is_the_argument(start):
    session = start("def f(x, parts): x -= 1; return parts, x")
    x, parts = np.ones(3), [1]
    result = function(session)(x, parts)
    assert result[0] is parts
    assert result[1] is x


def test_a_generator_goes_on_where_the_function_left_it(start):
    session = start("def f(rng): return rng.normal(size=4)")
    mine, twin = np.random.default_rng(5), np.random.default_rng(5)
    assert (function(session)(mine) == twin.normal(size=4)).all()
    assert mine.random() == twin.random()


def test_functions_are_called_back_with_arrays_and_lists(start):
    session = start("def f(g, x): return [g(x, [x, 2]), g(x, scale=3)]")
    seen = []

    def g(x, parts=(), scale=1):
        seen.append((x, list(parts)))
        x *= scale
        return x

    x = np.ones(2)
    result = function(session)(g, x)
    assert all(one is x for one in result)
    assert seen[0][0] is x
    assert seen[0][1][0] is x
    assert (x == 3).all()


def test_a_function_that_is_returned_can_be_called(start):
    session = start("def f(a):\n    def g(x): return a * x\n    return [g, np.tanh]")
    session.run("import numpy as np")
    with session.graded_cell():
        double, tanh = function(session)(2)
        assert double(4) == 8
        assert tanh(0.5) == pytest.approx(np.tanh(0.5))


class Network:
    def __init__(self):
        self.arrays = [np.zeros(3), np.ones(2)]

    def parameters(self):
        return list(self.arrays)

    def train(self):
        for array in self.arrays:
            array += 1


def test_an_object_is_used_by_its_methods_and_its_arrays_change_at_both_ends(start):
    session = start(
        "def f(network):\n"
        "    kept = network.parameters()\n"
        "    copies = [a.copy() for a in kept]\n"
        "    network.train()\n"
        "    seen = [a.sum() for a in kept]\n"
        "    kept[0][...] = 9\n"
        "    return seen, copies, network.parameters()[0] is kept[0]"
    )
    network = Network()
    seen, copies, one = function(session)(network)
    assert seen == [3, 4]
    assert (copies[0] == 0).all()
    assert one
    assert (network.arrays[0] == 9).all()


def test_many_calls_back_do_not_pile_up(start):
    session = start("def f(g):\n    x = 0.0\n    for k in range(2000): x = g(x + 1)\n    return x")
    assert (function(session)(lambda x: np.asarray(x).copy()) == 2000).all()
    assert len(session._shared.all()) < 10


def test_an_exception_is_raised_here_with_the_students_line(start):
    session = start("def f(x):\n    if x:\n        raise ValueError(f'not {x}')\n    g(x)")
    with pytest.raises(ValueError, match="not 3") as caught:
        function(session)(3)
    assert caught.value.elsewhere == (("", 3, "raise ValueError(f'not {x}')"),)
    with pytest.raises(NameError, match="'g' is not defined"):
        function(session)(0)


def test_an_exception_of_a_function_of_ours_passes_through(start):
    session = start("def f(g):\n    try:\n        g(1)\n    except KeyError:\n        return g(2)")

    def g(x):
        raise KeyError("one") if x == 1 else ZeroDivisionError("two")

    with pytest.raises(ZeroDivisionError, match="two"):
        function(session)(g)


def test_prints_plots_and_warnings_cost_nothing(start):
    session = start(
        "import numpy as np, warnings, logging, sys, os",
        ANSWER.source.replace(
            "    mean =",
            "    warnings.warn('careful'); print('!'); logging.warning('!')\n"
            "    os.system('echo ! >&2')\n    print('!', file=sys.stderr)\n    mean =",
        ),
    )
    verdict = graded(session)
    assert verdict.earned == POINTS
    assert "gave a warning, which costs nothing: UserWarning: careful" in said(verdict)
    assert not any(o.get("name") == "stderr" for o in verdict.outputs)


def test_cells_show_what_a_notebook_shows(start):
    session = start()
    outputs, count = session.run("print('text')\n1 + 1")
    assert [o["output_type"] for o in outputs] == ["stream", "execute_result"]
    assert count == 1
    outputs, _ = session.run(
        "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()\n1 / 0\nprint('never')"
    )
    assert "image/png" in outputs[0]["data"]
    assert (outputs[1]["ename"], outputs[1]["evalue"]) == ("ZeroDivisionError", "division by zero")
    assert shown(session, "%%time\nx = 1").startswith("CPU times")
    assert shown(session, "import asyncio\nawait asyncio.sleep(0, 'awaited')") == "'awaited'"
    assert "display" in shown(session, "display('display')")
    assert shown(session, "quit()\nexit()") == ""
    assert shown(session, "f'{6 * 7}'") == "'42'"


def test_cells_are_counted_as_in_a_notebook(start):
    session = start("1")
    graded(session, "import math\n1", 1)
    assert session.run("2")[1] == 2


def test_a_compiled_function_is_a_function(start):
    session = start("from numba import njit\n@njit\ndef f(x): return x + 1")
    assert (function(session)(np.arange(3)) == [1, 2, 3]).all()


def test_settings_of_a_notebook_do_not_outlive_a_graded_cell(start):
    session = start(
        "import numpy as np, random\nnp.random.seed(1)\nnp.seterr(all='raise')",
        "def f(): return np.random.random(), np.log(np.zeros(1))[0]",
    )
    draws = []
    for _ in range(2):
        with session.graded_cell(), pytest.warns(RuntimeWarning, match="divide by zero"):
            draws.append(function(session)())
    assert draws[0] == draws[1]
    assert draws[0][1] == -np.inf


# ---- what is inside


def test_nothing_inside_tells_the_answers(start, monkeypatch):
    monkeypatch.setenv(SECRET, "the secret")
    session = start("import os, sys, gradlab.checks, gradlab.datasets")
    assert "SECRET" not in shown(session, "print(dict(os.environ))")
    for line in (
        "from gradlab.batch_normalization import batch_norm_forward",
        "import gradlab.checks.batch_normalization",
        "from gradlab.checks import report",
        "import gradlab.grading",
        "from gradlab.optimizers import SGD",
    ):
        outputs, _ = session.run(line)
        assert outputs[-1]["ename"] in ("ImportError", "ModuleNotFoundError"), line
    found = shown(
        session,
        "print(sum('_reference_' in open(os.path.join(d, n), errors='replace').read()\n"
        "          for top in sys.path if 'gradlab' in top for d, _, ns in os.walk(top)"
        " for n in ns))",
    )
    assert found == "0\n"
    assert "load_digits" in shown(session, "gradlab.datasets.load_digits")


def test_a_check_in_a_cell_of_ones_own_says_where_it_is_graded(start):
    session = start("import numpy as np", ANSWER.source)
    assert "checked where it is graded" in shown(session, CHECK)


# ---- ordinary tests


@pytest.mark.parametrize(
    ("source", "earned"),
    [
        ("assert f(2) == 4", 2),
        ("assert f(2) == 5", 0),
        ("assert f([1])[1] == 1\nassert f(x=1.5) == 3.0", 2),
        ("import numpy as np\nnp.testing.assert_allclose(f(np.ones(2)), 2)", 2),
        ("np.testing.assert_allclose(f(np.ones(2)), 2)", 2),
        ("np.testing.assert_allclose(f(np.ones(2)), 3)", 0),
        ("0.5 if f(1) == 2 else 0", 0.5),
        ("f(100)", 2),
        ("-1", 0),
        ("float('nan')", 0),
        ("True", 2),
        ("for x in range(3):\n    assert f(x) == 2 * x\nassert answer == 42", 2),
        ("assert undefined == 1", 0),
        ("import inspect\nassert list(inspect.signature(f).parameters) == ['x', 'y']", 2),
        ("assert f.__doc__ == 'Twice.'", 2),
        ("try:\n    f({})\nexcept TypeError as e:\n    assert 'unsupported' in str(e)", 2),
        ("raise SystemExit", 0),
        ("def twice(g, x):\n    return g(g(x))\nassert twice(f, 2) == 8", 2),
    ],
)
def test_an_ordinary_test_is_graded(session_of_f, source, earned):
    assert graded(session_of_f, source, 2).earned == earned


@pytest.fixture(scope="module")
def session_of_f(inside):
    program = [sys.executable, "-I", "-B", str(inside.worker)]
    with Session(partial(open_sandbox, program, None, [inside.path], LIMITS), LIMITS) as session:
        session.run(
            "import numpy as np\nanswer = 42\ndef f(x, y=0):\n    'Twice.'\n    return x * 2"
        )
        yield session


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("f({1, 2})", "cannot be handed an object of type set"),
        ("f(object())", "cannot be handed an object of type object"),
        ("%timeit f(1)", "line 1 of this test is no Python"),
    ],
)
def test_what_cannot_cross_is_said_to_the_author(session_of_f, source, message):
    verdict = graded(session_of_f, source, 2)
    assert message in verdict.look
    assert verdict.outputs[-1]["ename"] == CANNOT_BE_GRADED
    assert verdict.earned == 0


def test_an_object_of_the_students_is_told_by_its_type(start):
    session = start("class Layer:\n    def forward(self): return 1\ndef f(): return Layer()")
    assert graded(session, "assert f().forward() == 1", 1).earned == 0
    assert "type Layer stays in the submission's process" in said(
        graded(session, "assert f().forward() == 1", 1)
    )


def test_hidden_tests_stay_hidden(start):
    session = start("def f(x): return x")
    hidden = "assert f(1) == 1\n### BEGIN HIDDEN TESTS\nassert f(2) == 3, 'f(2) is 3'\n"
    text = said(graded(session, f"{hidden}### END HIDDEN TESTS", 1))
    assert "f(2)" not in text
    assert "in a test that is not shown" in text
    assert "assert f(3) == 4" in said(graded(session, "x = 1\nassert f(3) == 4", 1))


def test_names_of_the_tests_stay_the_tests(start):
    session = start("def f(x): return x\ndef close(a, b): return True")
    tests = GradedCells(session, frozenset(["f"]))
    assert tests.run("def close(a, b):\n    assert a == b\nclose(f(1), 1)", 1).earned == 1
    session.run("def close(a, b): return True")
    assert tests.run("close(f(1), 2)", 1).earned == 0
    assert tests.run("for f in (1, 2): pass", 1).earned == 1
    assert tests.run("assert f(7) == 7", 1).earned == 1


def test_what_the_instructor_defines_is_the_instructors(start):
    session = start("def f(x): return x")
    cells = GradedCells(session, frozenset(["f"]))
    cells.define("import math\nright = [2.0]\nfor k in range(2): right.append(math.sqrt(k))")
    cells.define("def close(a): assert f(a) == right[0], a\nprint(f(1))\nlast = f(3)")
    session.run("def close(a): pass\nright = [1, 2]\nmath = None\nlast = 3")
    assert cells.run("assert right == [2, 0, 1]", 1).earned == 1
    assert cells.run("close(2)", 1).earned == 1
    assert cells.run("close(1)", 1).earned == 0
    # What the cell made of a function of the student's is the student's.
    assert cells.run("assert last == 3", 1).earned == 1


def test_a_function_with_the_name_of_a_built_in_one_is_the_students(start):
    session = start("def round(x): return 7")
    assert graded(session, "assert round(1) == 7", 1, asked=["round"]).earned == 1
    assert graded(session, "assert round(1) == 1", 1, asked=[]).earned == 1


def test_a_check_ends_a_function_that_does_not_end(start, monkeypatch):
    monkeypatch.setattr(_judge, "SECONDS", 1.0)
    session = start("import numpy as np", ANSWER.source.replace("batch_norm_forward", "right"))
    session.run("def batch_norm_forward(*_):\n    while True:\n        pass")
    verdict = graded(session)
    assert verdict.earned == 0
    assert "Your function ran for 1 seconds: does your loop end?" in said(verdict)
    session.run("batch_norm_forward = right")
    assert graded(session).earned == POINTS


# ---- hostile work

WRONG = "def batch_norm_forward(x, gamma, beta, eps): return x, x.mean(0), x.var(0)"


@pytest.mark.parametrize(
    "cell",
    [
        "import builtins; builtins.all = lambda *_: True; builtins.abs = lambda _: 0",
        "import numpy as np; np.allclose = np.array_equal = lambda *_, **__: True",
        "import gradlab.checks; gradlab.checks.check = lambda *_: 100.0",
        "check = report = lambda *_: 100.0",
        "get_ipython().ast_node_interactivity = 'none'",
        "get_ipython().input_transformers_cleanup.append(lambda lines: [])",
        "class Right(np.ndarray):\n    def __eq__(self, _): return True\n"
        "def batch_norm_forward(x, *_): return tuple(x.view(Right) for _ in range(3))",
        "class Right:\n    __array__ = lambda *_: 0\n    __eq__ = lambda *_: True\n"
        "    __getattr__ = lambda self, _: self\n    __call__ = lambda self, *_: self\n"
        "batch_norm_forward = Right()",
    ],
)
def test_no_patch_earns_a_point(start, cell):
    session = start("import numpy as np", WRONG)
    honest = graded(session).earned
    session.run(cell)
    assert graded(session).earned <= honest < POINTS


PIPE = """
import json, os, struct, sys
def frames(*headers):
    for header in headers:
        text = json.dumps(header).encode()
        yield struct.pack("<4sII", b"GLW1", len(text), 0) + text
def pipe():
    for number in range(3, 64):
        try:
            if not os.isatty(number) and os.readlink(f"/proc/self/fd/{number}").startswith("pipe"):
                yield number
        except OSError:
            pass
def say(*what):
    for number in pipe():
        for one in what:
            try:
                os.write(number, one)
            except OSError:
                pass
"""


@pytest.mark.parametrize(
    "lie",
    [
        "say(b'garbage' * 100)",
        "say(b'GLW1' + b'\\xff' * 8)",
        "say(*frames({'op': 'value', 'value': 1, 'changed': []}))",
        "say(*frames({'op': 'done'}, {'op': 'done', 'earned': 3, 'points': 3, 'score': 3}))",
        "say(*frames({'op': 'call', 'function': 1, 'args': [], 'kwargs': []}))",
        "say(*frames({'op': 'call', 'function': '__import__', 'args': ['os'], 'kwargs': []}))",
        "say(*frames({'op': 'value', 'value': ['g', 10**9]}, {'op': 'value', 'value': ['f', 1]}))",
        "say(*frames({'op': 'error', 'types': ['SystemExit'], 'message': 3}))",
        "say(*frames({'op': 'error', 'types': [], 'message': '', 'frames': [[1]]}))",
        "say(*frames({'op': 'value', 'value': 0, 'warnings': [{'types': ['Warning']}]}))",
        "say(*frames({'op': 'output', 'outputs': [{'output_type': 'execute_result',"
        " 'data': {'text/plain': '3.0'}}]}))",
    ],
)
def test_lies_on_the_pipe_earn_nothing_and_stop_nothing(start, lie):
    session = start(
        PIPE, "import numpy as np", ANSWER.source.replace("batch_norm_forward", "right")
    )
    session.run(f"def batch_norm_forward(*arguments):\n    {lie}\n    return 1.0")
    verdict = graded(session)
    assert verdict.earned == 0
    assert all(o["output_type"] in ("display_data", "error", "stream") for o in verdict.outputs)
    # What does not lie is graded, by another process.
    session.run("batch_norm_forward = right")
    assert graded(session).earned == POINTS


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("import os; os._exit(0)", "it ended Python"),
        ("import ctypes; ctypes.string_at(0)", "it ended Python"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "it ended Python"),
        ("x = []; x.append(x); return x", "holds itself"),
        ("x = []\n    for _ in range(10**5): x = [x]\n    return x", "nested more than"),
        ("return [0] * 10**7", "more than 1000000 entries"),
        ("return np.zeros(10**8, np.int8)", "an array of 95 MB"),
        ("return 'x' * 10**7", "MB in one piece"),
        ("return batch_norm_forward(x, gamma, beta, eps)", "RecursionError"),
        ("return np.ones(10**9)", "MemoryError"),
        ("return (_ for _ in iter(int, 1))", "type generator"),
        ("return {k: k for k in range(10**5)}", "a dictionary of more than"),
        ("raise SystemExit", "SystemExit"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("import sys; sys.setprofile(None); sys.exit(3)", "SystemExit: 3"),
        ("x.resize((99, 99), refcheck=False)", "another size in place"),
    ],
)
def test_what_a_function_does_costs_its_own_points(start, body, message):
    session = start(
        "import numpy as np",
        ANSWER.source.replace("batch_norm_forward", "right"),
        f"def batch_norm_forward(x, gamma, beta, eps):\n    {body}",
    )
    verdict = graded(session)
    assert verdict.earned == 0
    assert message in said(verdict)
    session.run("batch_norm_forward = right")
    assert graded(session).earned == POINTS


def test_a_function_that_does_not_end_costs_its_own_points(start):
    session = start(
        "import numpy as np, signal",
        ANSWER.source,
        "def f(x):\n    signal.signal(signal.SIGINT, signal.SIG_IGN)\n    while True: pass",
        cell_seconds=2.0,
    )
    verdict = graded(session, "assert f(1) == 1", 1)
    assert verdict.earned == 0
    assert "did not come back within 2 seconds" in said(verdict)
    assert graded(session).earned == POINTS


@pytest.mark.parametrize(
    "cell",
    [
        "import os; os._exit(1)",
        "import os, signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass",
        # Compiled code hears no interrupt.
        "sum(range(10**14))",
        "'long'" + "#" * 5_000_000,
        f"{PIPE}\nsay(b'garbage' * 100)\nsay(b'more')",
    ],
)
def test_a_cell_that_ends_the_process_costs_itself_alone(start, cell):
    session = start("import numpy as np", ANSWER.source, cell_seconds=2.0)
    outputs, _ = session.run(cell)
    assert outputs[-1]["ename"] == "Stopped"
    session.run("z = 1")
    assert graded(session).earned == POINTS


def test_a_cell_that_does_not_end_is_interrupted_and_its_names_stay(start):
    session = start(cell_seconds=1.0)
    outputs, _ = session.run("kept = 5\nwhile True: pass")
    assert outputs[-1]["ename"] == "KeyboardInterrupt"
    assert shown(session, "kept") == "5"


def test_output_without_end_is_cut(start):
    session = start(output=50_000, cell_seconds=2.0)
    outputs, _ = session.run("while True: print('x' * 1000)")
    assert sum(len(str(o)) for o in outputs) < 60_000
    assert any("is left out" in o.get("text", "") for o in outputs)
    outputs, _ = session.run("for k in range(10**4): display(k)")
    assert not outputs
    session.run("def f(): print('y' * 10**8); return 1")
    assert len(said(graded(session, "assert f() == 1", 1))) < 60_000


def test_calls_back_without_end_are_cut(start):
    session = start(
        "import numpy as np\ndef f(g):\n    while True: g(np.zeros(10**6))", cell_seconds=20.0
    )
    with session.graded_cell(), pytest.raises(GoneError, match="more than 4 MB"):
        function(session)(lambda x: x)


def test_what_is_handed_over_is_counted(start):
    session = start("import numpy as np\ndef f(): return np.zeros(10**6)")
    with session.graded_cell():
        f = function(session)
        with pytest.raises(GoneError, match="more than 64 MB"):
            sum(f()[0] for _ in range(20))


def test_the_time_of_a_submission_ends(start):
    session = start(
        "def f(): import time; time.sleep(1); return 1", submission_seconds=3.0, cell_seconds=20.0
    )
    begun = time.monotonic()
    verdict = graded(session, "for _ in range(100): f()", 1)
    assert verdict.earned == 0
    assert time.monotonic() - begun < 10
    assert "3 seconds" in said(verdict)
    assert session.run("1")[0][-1]["ename"] == "Stopped"


def test_what_cannot_be_graded_is_no_data(start):
    session = start("def f(): return [0] * 10**7")
    with pytest.raises(NotDataError, match="more than 1000000 entries"):
        function(session)()


def test_without_a_sandbox_it_is_the_same(start):
    session = start("import numpy as np", ANSWER.source, opened=open_unprotected)
    assert graded(session).earned == POINTS


# ---- tests of the instructor's own, and what a submission makes of them


def test_a_name_of_the_students_is_looked_up_anew_in_each_test(start):
    session = start("y = 1")
    tests = GradedCells(session, frozenset())
    assert tests.run("assert y == 1", 1.0).earned == 1
    session.run("y = 2")
    assert tests.run("assert y == 2", 1.0).earned == 1
    assert tests.run("y = 5\nassert y == 5", 1.0).earned == 1
    assert tests.run("assert y == 5", 1.0).earned == 1


@pytest.mark.parametrize(
    "answer", ["np.zeros(2)", "np.zeros(1)", "1j", "np.complex128(1)", "{1}", "2 ** 3000", "print"]
)
def test_what_is_no_number_makes_no_points(start, answer):
    session = start(f"import numpy as np\ndef f(x): return {answer}")
    verdict = graded(session, "f(1)", points=3.0)
    assert verdict.earned == 0
    assert CANNOT_BE_GRADED in said(verdict)


def test_an_integer_beyond_all_floats_makes_no_points(start):
    assert graded(start("def f(x): return 10 ** 900"), "f(1)", points=3.0).earned == 0


def test_text_of_numpys_is_text(start):
    session = start("import numpy as np\ndef f(x): return np.array(['cat', 'dog'])[x]")
    assert graded(session, "assert f(1) == 'dog'", points=1.0).earned == 1


def test_an_answer_of_another_shape_takes_little_memory_here(start):
    session = start("import numpy as np\ndef f(x): return np.ones((1_000_000, 1))")
    before = resource.getrlimit(resource.RLIMIT_DATA)
    verdict = graded(session, "import numpy as np\nassert np.allclose(f(1), np.ones(200))", 1.0)
    assert verdict.earned == 0
    assert "MemoryError" in said(verdict)
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


def test_what_functions_of_ours_are_handed_takes_little_memory(start):
    session = start(
        "import numpy as np\ndef f(predict, h, rate): "
        "predict(np.ones((4_000_000 // len(h), len(h))))"
    )
    code = 'from gradlab.checks import check\ncheck("dropout.average", f)'
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    verdict = graded(session, code, exercise("dropout.average").points)
    assert verdict.earned == 0
    assert "with more than 4 MB" in said(verdict)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < peak + 150_000
