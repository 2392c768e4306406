import inspect

import jupytext
import numpy as np
import pytest
from mutants import mutants
from support import ROOT

from gradlab.checks import exercise, report
from gradlab.checks.batch_normalization import EXERCISES

NAMES = [e.name for e in EXERCISES]
FORWARD, BACKWARD, RUNNING, INFERENCE = NAMES
SEEDS = [f"seed {k}" for k in range(20)]

# The function cell that answers each exercise, by nbgrader's grade_id.
CELLS = {
    FORWARD: "forward",
    BACKWARD: "backward",
    RUNNING: "running-statistics",
    INFERENCE: "inference",
}


def solution_source(name):
    notebook = jupytext.read(ROOT / "solutions" / "batch-normalization.py")
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == CELLS[name]:
            return cell.source
    raise AssertionError(name)


def function_from(source):
    scope = {"np": np}
    exec(source, scope)
    return next(v for v in scope.values() if inspect.isfunction(v))


def recognised(result):
    return {f.misconception for f in result.findings if f.misconception}


# ---- right answers


@pytest.mark.parametrize("name", NAMES)
def test_solution_earns_full_points_with_twenty_seeds(name):
    solution = function_from(solution_source(name))
    for seed in ["", *SEEDS]:
        result = report(name, solution, seed)
        assert result.earned == result.possible, result


def forward_loops(x, gamma, beta, eps):
    rows, features = len(x), len(x[0])
    out = [[0.0] * features for _ in range(rows)]
    means, variances = [], []
    for j in range(features):
        mean = sum(float(x[i][j]) for i in range(rows)) / rows
        var = sum((float(x[i][j]) - mean) ** 2 for i in range(rows)) / rows
        for i in range(rows):
            out[i][j] = float(gamma[j]) * (float(x[i][j]) - mean) / (var + eps) ** 0.5 + beta[j]
        means.append(mean)
        variances.append(var)
    return [out, means, variances]


def forward_moments(x, gamma, beta, eps):
    x = np.asarray(x, float)
    mean = np.average(x, axis=0)
    var = (x * x).mean(0) - mean * mean
    scale = gamma * (var + eps) ** -0.5
    return x * scale + (beta - mean * scale), mean, var


def forward_in_place_on_copies(x, gamma, beta, eps):
    out = x.copy()
    mean = out.mean(axis=0)
    out -= mean
    var = np.einsum("ij,ij->j", out, out) / len(out)
    out /= np.sqrt(var + eps)
    out *= gamma
    out += beta
    return out, mean, var


def backward_compact(dout, x, mean, var, gamma, eps):
    s = 1 / np.sqrt(var + eps)
    u = (x - mean) * s
    dbeta, dgamma = dout.sum(0), (u * dout).sum(0)
    return gamma * s * (dout - dbeta / len(x) - u * dgamma / len(x)), dgamma, dbeta


def backward_jacobian(dout, x, mean, var, gamma, eps):
    rows, features = x.shape
    dx = np.zeros_like(x)
    for j in range(features):
        s = (var[j] + eps) ** -0.5
        u = (x[:, j] - mean[j]) * s
        jacobian = s * (np.eye(rows) - 1 / rows - np.outer(u, u) / rows)
        dx[:, j] = jacobian.T @ (gamma[j] * dout[:, j])
    u = (x - mean) / np.sqrt(var + eps)
    return [dx, np.einsum("ij,ij->j", dout, u), np.ones(rows) @ dout]


def backward_recomputed(dout, x, mean, var, gamma, eps):
    centred = x - np.mean(x, axis=0, keepdims=True)
    std = np.sqrt(np.mean(centred**2, axis=0) + eps)
    du = dout * gamma
    dstd = np.sum(du * centred * -(std**-2), axis=0)
    dcentred = du / std + dstd * centred / (std * len(x))
    dx = dcentred - np.mean(dcentred, axis=0)
    return dx, np.sum(dout * centred / std, axis=0), np.sum(dout, axis=0)


def running_step(running_mean, running_var, batch_mean, batch_var, batch_size, momentum):
    unbiased = batch_var * (batch_size / (batch_size - 1))
    return (
        running_mean + momentum * (batch_mean - running_mean),
        running_var + momentum * (unbiased - running_var),
    )


def running_lists(running_mean, running_var, batch_mean, batch_var, batch_size, momentum):
    old, m = 1.0 - momentum, momentum
    k = batch_size / (batch_size - 1.0)
    return [
        [old * a + m * b for a, b in zip(running_mean, batch_mean, strict=True)],
        [old * a + m * b * k for a, b in zip(running_var, batch_var, strict=True)],
    ]


def inference_folded(x, gamma, beta, running_mean, running_var, eps):
    scale = gamma / (running_var + eps) ** 0.5
    return x * scale + (beta - running_mean * scale)


def inference_list(x, gamma, beta, running_mean, running_var, eps):
    columns = zip(gamma, beta, running_mean, running_var, strict=True)
    columns = list(columns)
    return [
        [float(g * (v - m) / np.sqrt(s + eps) + b) for v, (g, b, m, s) in zip(row, columns)]
        for row in x
    ]


OTHER_FORMS = [
    (FORWARD, forward_loops),
    (FORWARD, forward_moments),
    (FORWARD, forward_in_place_on_copies),
    (BACKWARD, backward_compact),
    (BACKWARD, backward_jacobian),
    (BACKWARD, backward_recomputed),
    (RUNNING, running_step),
    (RUNNING, running_lists),
    (INFERENCE, inference_folded),
    (INFERENCE, inference_list),
]


@pytest.mark.parametrize(("name", "form"), OTHER_FORMS)
def test_other_correct_forms_earn_full_points(name, form):
    for seed in ["", *SEEDS]:
        result = report(name, form, seed)
        assert result.earned == result.possible, result


# ---- answers that are none


@pytest.mark.parametrize("name", NAMES)
def test_untouched_release_earns_nothing(name):
    def stub(*arguments):
        raise NotImplementedError

    result = report(name, stub)
    assert result.earned == 0
    assert "NotImplementedError" in repr(result)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "wrong",
    [
        lambda *a: None,
        lambda *a: a[0],
        lambda *a: tuple(np.zeros_like(v) for v in a[:3]),
        lambda *a: (),
        lambda: None,
        lambda *a: "full marks",
        lambda *a: 1 / 0,
    ],
)
def test_worthless_answers_earn_no_value_criterion(name, wrong):
    result = report(name, wrong)
    assert not any(f.passed for f in result.findings if f.criterion.kind == "values")
    assert result.earned <= 0.25
    assert all(f.detail for f in result.findings if not f.passed)


@pytest.mark.parametrize("name", NAMES)
def test_the_function_itself_runs_and_not_the_reference(name):
    calls = []

    def counted(*arguments):
        calls.append(arguments)
        return function_from(solution_source(name))(*arguments)

    report(name, counted)
    assert len(calls) == len(exercise(name).cases(np.random.default_rng(0)))


# ---- misconceptions


@pytest.mark.parametrize(
    ("name", "misconception", "variant"),
    [(e.name, m.name, v) for e in EXERCISES for m in e.misconceptions for v in m.variants],
)
def test_misconception_is_recognised_by_name_with_twenty_seeds(name, misconception, variant):
    scores = set()
    for seed in ["", *SEEDS]:
        result = report(name, variant, seed)
        assert misconception in recognised(result), result
        assert result.earned < result.possible
        scores.add(result.earned)
    assert len(scores) == 1, "the same mistake earns the same, whatever the numbers"


# As students write them, not as the checker does. With the score that the weights say.


def s_forward_epsilon_outside(x, gamma, beta, eps):
    mu, var = np.mean(x, axis=0), np.var(x, axis=0)
    x_hat = (x - mu) / (np.sqrt(var) + eps)
    return gamma * x_hat + beta, mu, var


def s_forward_no_epsilon(x, gamma, beta, eps):
    mu, var = np.mean(x, axis=0), np.var(x, axis=0)
    return gamma * (x - mu) / np.sqrt(var) + beta, mu, var


def s_forward_pooled(x, gamma, beta, eps):
    n = x.shape[0]
    mu = np.sum(x, axis=0) / n
    var = np.sum((x - mu) ** 2) / x.size
    return gamma * (x - mu) / np.sqrt(var + eps) + beta, mu, var


def s_forward_layer_norm(x, gamma, beta, eps):
    mu = np.mean(x, axis=1, keepdims=True)
    var = np.var(x, axis=1, keepdims=True)
    return gamma * (x - mu) / np.sqrt(var + eps) + beta, mu, var


def s_forward_no_scale(x, gamma, beta, eps):
    mu, var = x.mean(0), x.var(0)
    return (x - mu) / np.sqrt(var + eps), mu, var


def s_forward_precedence(x, gamma, beta, eps):
    mu, var = x.mean(0), x.var(0)
    return gamma * (x - mu / np.sqrt(var + eps)) + beta, mu, var


def s_forward_rows_of_statistics(x, gamma, beta, eps):
    mu, var = x.mean(0, keepdims=True), x.var(0, keepdims=True)
    return gamma * (x - mu) / np.sqrt(var + eps) + beta, mu, var


def s_forward_writes_to_x(x, gamma, beta, eps):
    mu, var = x.mean(0), x.var(0)
    x -= mu
    return gamma * x / np.sqrt(var + eps) + beta, mu, var


def s_forward_epsilon_in_var(x, gamma, beta, eps):
    mu, var = x.mean(0), x.var(0) + eps
    return gamma * (x - mu) / np.sqrt(var) + beta, mu, var


def s_backward_one_path(dout, x, mean, var, gamma, eps):
    std = np.sqrt(var + eps)
    x_hat = (x - mean) / std
    return dout * gamma / std, np.sum(dout * x_hat, axis=0), np.sum(dout, axis=0)


def s_backward_without(missing):
    def backward(dout, x, mean, var, gamma, eps):
        n, d = x.shape
        ivar = 1.0 / np.sqrt(var + eps)
        xmu = x - mean
        dxhat = dout * gamma
        dvar = np.sum(dxhat * xmu, axis=0) * -0.5 * ivar**3
        dmu = np.sum(-dxhat * ivar, axis=0)
        if missing == "sum for the variance":
            dvar = dxhat * xmu * -0.5 * ivar**3
        if missing == "sum for the mean":
            dmu = -dxhat * ivar
        if missing == "axis":
            dvar = np.sum(dxhat * xmu) * -0.5 * ivar**3
        if missing == "root":
            ivar = 1.0 / (var + eps)
            dvar = np.sum(dxhat * xmu, axis=0) * -0.5 * ivar**3
            dmu = np.sum(-dxhat * ivar, axis=0)
            return (
                dxhat * ivar + dvar * 2 * xmu / n + dmu / n,
                np.sum(dout * xmu / np.sqrt(var + eps), axis=0),
                np.sum(dout, axis=0),
            )
        if missing == "order":
            dvar = np.sum(dxhat, axis=0) * np.sum(xmu, axis=0) * -0.5 * ivar**3
        dx = dxhat * ivar
        if missing != "variance":
            dx = dx + dvar * 2 * xmu / n
        if missing != "mean":
            dx = dx + dmu / n
        return dx, np.sum(dout * xmu / np.sqrt(var + eps), axis=0), np.sum(dout, axis=0)

    return backward


def s_backward_no_epsilon(dout, x, mean, var, gamma, eps):
    return backward_compact(dout, x, mean, var, gamma, 0.0)


def s_backward_rows(dout, x, mean, var, gamma, eps):
    dx, dgamma, dbeta = backward_compact(dout, x, mean, var, gamma, eps)
    return dx, dgamma[None, :], dbeta[None, :]


def s_running_unchanged(running_mean, running_var, batch_mean, batch_var, batch_size, momentum):
    new_mean = (1 - momentum) * running_mean + momentum * batch_mean  # noqa: F841
    return running_mean, running_var


def s_running_keras(running_mean, running_var, batch_mean, batch_var, batch_size, momentum):
    unbiased = batch_var * batch_size / (batch_size - 1)
    return (
        momentum * running_mean + (1 - momentum) * batch_mean,
        momentum * running_var + (1 - momentum) * unbiased,
    )


def s_running_biased(running_mean, running_var, batch_mean, batch_var, batch_size, momentum):
    return (
        (1 - momentum) * running_mean + momentum * batch_mean,
        (1 - momentum) * running_var + momentum * batch_var,
    )


def s_running_var_with_mean(running_mean, running_var, batch_mean, batch_var, batch_size, momentum):
    return (
        (1 - momentum) * running_mean + momentum * batch_mean,
        (1 - momentum) * running_var + momentum * batch_mean,
    )


def s_running_in_place(running_mean, running_var, batch_mean, batch_var, batch_size, momentum):
    running_mean *= 1 - momentum
    running_mean += momentum * batch_mean
    running_var *= 1 - momentum
    running_var += momentum * batch_var * batch_size / (batch_size - 1)
    return running_mean, running_var


def s_inference_no_scale(x, gamma, beta, running_mean, running_var, eps):
    return (x - running_mean) / np.sqrt(running_var + eps)


def s_inference_no_epsilon(x, gamma, beta, running_mean, running_var, eps):
    return gamma * (x - running_mean) / np.sqrt(running_var) + beta


def s_inference_by_batch(x, gamma, beta, running_mean, running_var, eps):
    return gamma * (x - x.mean(0)) / np.sqrt(x.var(0) + eps) + beta


ONE_AXIS = "an axis of length one"

STUDENTS = [
    (FORWARD, s_forward_epsilon_outside, "epsilon outside the root", 1.25),
    (FORWARD, s_forward_no_epsilon, "epsilon left out", 1.25),
    (FORWARD, s_forward_pooled, "one variance for all features", 0.0),
    (FORWARD, s_forward_layer_norm, "the statistics of each example instead of each feature", 0.0),
    (FORWARD, s_forward_no_scale, "gamma and beta forgotten", 1.25),
    (FORWARD, s_forward_precedence, "an input that is not centred", 1.25),
    (FORWARD, s_forward_rows_of_statistics, ONE_AXIS, 2.75),
    (FORWARD, s_forward_writes_to_x, "", 2.75),
    (FORWARD, s_forward_epsilon_in_var, "epsilon inside the variance that is returned", 1.75),
    (BACKWARD, s_backward_one_path, "dx without the paths through the mean and the variance", 1.25),
    (BACKWARD, s_backward_without("variance"), "the path through the variance missing", 1.25),
    (BACKWARD, s_backward_without("mean"), "the path through the mean missing", 1.25),
    (
        BACKWARD,
        s_backward_without("sum for the variance"),
        "no sum over the batch in the gradient for the variance",
        1.25,
    ),
    (
        BACKWARD,
        s_backward_without("sum for the mean"),
        "no sum over the batch in the gradient for the mean",
        1.25,
    ),
    (
        BACKWARD,
        s_backward_without("axis"),
        "the gradient for the variance summed over all features",
        1.25,
    ),
    (BACKWARD, s_backward_without("order"), "the path through the variance missing", 1.25),
    (BACKWARD, s_backward_without("root"), "1 / var in place of 1 / std", 1.25),
    (BACKWARD, s_backward_no_epsilon, "epsilon left out of the backward pass", 0.25),
    (BACKWARD, s_backward_rows, ONE_AXIS, 3.25),
    (RUNNING, s_running_unchanged, "running statistics that never move", 0.0),
    (RUNNING, s_running_keras, "Keras's momentum", 0.0),
    (RUNNING, s_running_biased, "the variance without B / (B - 1)", 0.75),
    (RUNNING, s_running_var_with_mean, "the running variance updated with the mean", 0.75),
    (RUNNING, s_running_in_place, "", 1.25),
    (INFERENCE, s_inference_no_scale, "gamma and beta forgotten", 0.125),
    (INFERENCE, s_inference_no_epsilon, "epsilon left out", 0.125),
    (INFERENCE, s_inference_by_batch, "the statistics of the test batch", 0.125),
]


@pytest.mark.parametrize(("name", "student", "misconception", "points"), STUDENTS)
def test_what_students_write_gets_what_the_weights_say(name, student, misconception, points):
    for seed in ["", *SEEDS]:
        result = report(name, student, seed)
        assert result.earned == points, result
        if misconception:
            assert misconception in recognised(result), result


# ---- mutants

# (exercise, description): why no result can tell it from the solution.
EQUIVALENT = {}


@pytest.mark.parametrize("name", NAMES)
def test_mutants_of_the_solution_are_caught(name):
    alive, killed = [], 0
    for description, source in mutants(solution_source(name)):
        result = report(name, function_from(source))
        if result.earned < result.possible:
            killed += 1
        elif (name, description) not in EQUIVALENT:
            alive.append(description)
    print(f"{name}: {killed} of {killed + len(alive)} mutants killed")
    assert killed > 10
    assert not alive
