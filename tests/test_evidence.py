import json
import subprocess
import sys

import numpy as np
import pytest

from gradlab import evidence


def test_what_holds_with_every_seed_passes():
    evidence.each("it holds", np.ones((5, 3), dtype=bool))


def test_the_seeds_at_which_it_fails_are_named():
    holds = np.ones((6, 2), dtype=bool)
    holds[[1, 4], 1] = False
    with pytest.raises(AssertionError, match="it holds: does not hold with 2 of 6 seeds: 1, 4"):
        evidence.each("it holds", holds)


@pytest.mark.parametrize("claim", [evidence.each, evidence.mean])
@pytest.mark.parametrize("values", [True, [True] * 4, np.ones((5, 0), dtype=bool)])
def test_fewer_than_five_seeds_are_refused(claim, values):
    with pytest.raises(ValueError, match="5 seeds or more"):
        claim("too few", values)


def test_what_is_no_truth_value_is_refused():
    with pytest.raises(ValueError, match="holds must have the dtype bool"):
        evidence.each("an accuracy", [0.9] * 5)


def test_a_mean_must_exceed_the_bound_by_two_standard_errors():
    differences = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    error = np.std(differences, ddof=1) / np.sqrt(5)
    evidence.mean("longer", differences, least=3 - 2 * error - 1e-9)
    with pytest.raises(AssertionError, match=r"longer: 3 ± 0.71, which is not above"):
        evidence.mean("longer", differences, least=3 - 2 * error + 1e-9)


def test_a_mean_is_not_a_number():
    with pytest.raises(AssertionError):
        evidence.mean("longer", [1.0, 1.0, 1.0, 1.0, np.nan])
    with pytest.raises(ValueError, match="1 dimension"):
        evidence.mean("longer", np.ones((5, 2)))


def test_what_is_exact_needs_no_seeds():
    evidence.exact("two is more than one", 2 > 1)
    with pytest.raises(AssertionError, match="two is more than three"):
        evidence.exact("two is more than three", [True, 2 > 3])


def test_a_claim_is_left_among_the_outputs_of_the_cell():
    code = (
        "from IPython.core.interactiveshell import InteractiveShell as S\n"
        "shell, shown = S.instance(), []\n"
        "shell.display_pub.publish = lambda data, **_: shown.append(data)\n"
        "from gradlab import evidence\n"
        "evidence.each('it holds', [True] * 5)\n"
        "import json; print(json.dumps(shown))"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    (data,) = json.loads(printed.stdout.splitlines()[-1])
    assert data[evidence.MIME] == {
        "sentence": "it holds",
        "seeds": 5,
        "result": "holds with each of them",
    }
