"""The estimators against scikit-learn's own checks, and in what they are made for."""

import pickle
import subprocess
import sys
from functools import partial

import numba
import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is missing: pip install gradlab[sklearn]")

from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from gradlab.activations import softmax
from gradlab.datasets import load_digits
from gradlab.estimator import NetworkClassifier, NetworkRegressor
from gradlab.layers import Activation, BatchNorm, Dense, Dropout, LayerNorm
from gradlab.optimizers import SGD, Adam, Momentum
from gradlab.training import evaluate

pytestmark = pytest.mark.skipif(
    numba.config.DISABLE_JIT, reason="hundreds of networks are trained, too many for plain Python"
)
BOTH = [NetworkClassifier, NetworkRegressor]
FAST = {"hidden_layer_sizes": (16,), "learning_rate": 0.01, "epochs": 30}


def points(count=60):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(count, 3))
    return x, (x[:, 0] > x[:, 1]).astype(int)


@parametrize_with_checks(
    [
        estimator(**FAST, **more)
        for estimator in BOTH
        for more in ({}, {"patience": 5}, {"normalization": "batch", "dropout": 0.1})
    ]
)
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


# ---- in what scikit-learn has


def test_in_a_pipeline_a_search_and_a_cross_validation():
    digits = load_digits()
    x, y = digits.x_train[:400], digits.y_train[:400]
    model = make_pipeline(StandardScaler(), NetworkClassifier(**FAST, random_state=0))
    assert cross_val_score(model, x, y, cv=3).min() > 0.8
    grid = {
        "networkclassifier__learning_rate": [1e-9, 0.01],
        "networkclassifier__optimizer": [Adam, partial(Momentum, momentum=0.5)],
    }
    search = GridSearchCV(model, grid, cv=2).fit(x, y)
    assert search.best_params_["networkclassifier__learning_rate"] == 0.01
    assert search.score(digits.x_test, digits.y_test) > 0.85
    assert len(set(search.cv_results_["mean_test_score"])) > 2


@pytest.mark.parametrize("outputs", [(), (1,), (2,)])
def test_a_regression_has_the_form_of_its_targets(outputs):
    x, _ = points(100)
    y = 300 + 50 * np.abs(x[:, 0])
    y = np.broadcast_to(y.reshape(-1, *(1 for _ in outputs)), (100, *outputs))
    regressor = NetworkRegressor(**FAST | {"epochs": 100}, random_state=0)
    predicted = regressor.fit(x, (y - 340) / 30).predict(x)
    assert predicted.shape == (100, *outputs)
    assert regressor.score(x, (y - 340) / 30) > 0.9
    model = TransformedTargetRegressor(clone(regressor), transformer=StandardScaler())
    if outputs != (1,):
        assert model.fit(x, y).score(x, y) > 0.9


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.float16, np.float32, object])
def test_targets_of_any_type(dtype):
    x, y = points()
    model = NetworkRegressor(**FAST, random_state=0).fit(x, y.astype(dtype))
    expected = NetworkRegressor(**FAST, random_state=0).fit(x, y.astype(float))
    np.testing.assert_array_equal(model.predict(x), expected.predict(x))


@pytest.mark.parametrize("estimator", BOTH)
def test_a_pickle_and_a_clone(estimator):
    x, y = points()
    model = estimator(**FAST, dropout=0.2, random_state=3).fit(x, y)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(x), model.predict(x))
    fresh = clone(model)
    with pytest.raises(NotFittedError):
        fresh.predict(x)
    np.testing.assert_array_equal(fresh.fit(x, y).predict(x), model.predict(x))


# ---- classes


@pytest.mark.parametrize("labels", [["no", "yes"], [True, False], [-3, 7], [0.0, 1.0], ["b", "a"]])
def test_any_two_labels(labels):
    x, y = points()
    given = np.array(labels)[y]
    model = NetworkClassifier(**FAST, random_state=0).fit(x, given)
    np.testing.assert_array_equal(model.classes_, sorted(labels))
    probability = model.predict_proba(x)
    assert probability.shape == (len(x), 2)
    np.testing.assert_allclose(probability, softmax(model.network_(x)))
    predicted = model.predict(x)
    assert predicted.dtype == given.dtype
    np.testing.assert_array_equal(predicted, model.classes_[probability.argmax(axis=1)])
    assert model.score(x, given) > 0.9
    assert model.score(x, given) == evaluate(model.network_, x, given == max(labels))[1]


def test_examples_are_judged_each_by_itself():
    x, y = points()
    model = NetworkClassifier(**FAST, normalization="batch", random_state=0).fit(x, y)
    order = np.random.default_rng(1).permutation(len(x))
    np.testing.assert_allclose(model.predict_proba(x[order]), model.predict_proba(x)[order])
    np.testing.assert_allclose(model.predict_proba(x[3:4]), model.predict_proba(x)[3:4])


# ---- the parameters


@pytest.mark.parametrize(
    ("settings", "kinds"),
    [
        ({}, [Dense, Activation, Dropout, Dense]),
        ({"hidden_layer_sizes": ()}, [Dense]),
        ({"hidden_layer_sizes": np.array([4])}, [Dense, Activation, Dropout, Dense]),
        ({"normalization": "batch"}, [Dense, BatchNorm, Activation, Dropout, Dense]),
        ({"normalization": "layer"}, [Dense, LayerNorm, Activation, Dropout, Dense]),
    ],
)
def test_the_network_is_as_its_parameters_say(settings, kinds):
    x, y = points()
    settings = {"hidden_layer_sizes": (5,), "activation": "tanh", "dropout": 0.3} | settings
    model = NetworkClassifier(**settings, epochs=1, random_state=0).fit(x, y)
    layers = model.network_.layers
    assert [type(layer) for layer in layers] == kinds
    width = [*settings["hidden_layer_sizes"]]
    widths = [layer.weight.shape for layer in layers if isinstance(layer, Dense)]
    assert widths == list(zip([3, *width], [*width, 2], strict=True))
    for layer in layers:
        if isinstance(layer, Dense):
            batch = settings.get("normalization") == "batch" and layer is not layers[-1]
            assert (layer.bias is None) == batch
        if isinstance(layer, Activation):
            assert layer.name == "tanh"
        if isinstance(layer, Dropout):
            assert layer.rate == 0.3
    assert len(model.history_.train_loss) == 1
    assert len(model.history_.step_loss) == 2


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("estimator", BOTH)
def test_float32_stays(estimator, dtype):
    x, y = points()
    model = estimator(**FAST, normalization="layer").fit(x.astype(dtype), y)
    assert {array.dtype for array in model.network_.arrays()} == {np.dtype(dtype)}
    predict = model.predict_proba if estimator is NetworkClassifier else model.predict
    assert predict(x.astype(dtype)).dtype == dtype


@pytest.mark.parametrize("estimator", BOTH)
def test_patience_holds_out_examples_and_keeps_the_best_epoch(estimator):
    x, _ = points()
    y = np.random.default_rng(1).integers(0, 2, len(x))
    settings = {"patience": 3, "validation_fraction": 0.25, "random_state": 0, "batch_size": 16}
    model = estimator(**FAST | {"epochs": 300}, **settings).fit(x, y)
    loss = model.history_.validation_loss
    assert 4 <= len(loss) < 300
    assert "no improvement" in model.history_.stopped
    # 45 examples to train on make 3 batches.
    assert len(model.history_.step_loss) == 3 * len(loss)
    assert min(loss) < loss[-1]
    # The examples that were held out are the first of the permutation that the seed begins with.
    seeds = np.random.RandomState(0).randint(2**31 - 1, size=4)
    held_out = np.random.default_rng(seeds).permutation(len(x))[:15]
    if estimator is NetworkClassifier:
        got = evaluate(model.network_, x[held_out], y[held_out])[0]
    else:
        got = evaluate(model.network_, x[held_out], y[held_out, np.newaxis], "squared_error")[0]
    assert got == pytest.approx(min(loss))


@pytest.mark.parametrize("estimator", BOTH)
def test_random_state(estimator):
    x, y = points()

    def weights(state):
        return estimator(**FAST | {"epochs": 1}, random_state=state).fit(x, y).network_.arrays()[0]

    np.testing.assert_array_equal(weights(0), weights(0))
    assert (weights(0) != weights(1)).any()
    assert (weights(None) != weights(None)).any()
    state = np.random.RandomState(0)
    assert (weights(state) != weights(state)).any()


@pytest.mark.parametrize(
    ("name", "bad", "error"),
    [
        ("hidden_layer_sizes", 5, TypeError),
        ("hidden_layer_sizes", iter([5]), TypeError),
        ("hidden_layer_sizes", (5, 0), ValueError),
        ("hidden_layer_sizes", (5.0,), TypeError),
        ("activation", "swish", ValueError),
        ("activation", "maxout", TypeError),
        ("normalization", "group", ValueError),
        ("normalization", ["batch"], ValueError),
        ("dropout", 1.0, ValueError),
        ("dropout", "0.1", TypeError),
        ("optimizer", "adam", TypeError),
        ("optimizer", Adam(0.1), TypeError),
        ("learning_rate", -1.0, ValueError),
        ("epochs", -1, ValueError),
        ("batch_size", 0, ValueError),
        ("patience", -1, ValueError),
        ("validation_fraction", 0.0, ValueError),
        ("validation_fraction", 1.0, ValueError),
        ("validation_fraction", 2, ValueError),
        ("random_state", "0", ValueError),
    ],
)
@pytest.mark.parametrize("estimator", BOTH)
def test_a_parameter_is_refused_by_name(estimator, name, bad, error):
    x, y = points()
    settings = {"patience": 2} | {name: bad}
    # The seed is read by scikit-learn.
    start = "seed" if name == "random_state" else rf"^{name}(\[\d\])? must"
    with pytest.raises(error, match=start):
        estimator(**settings).fit(x, y)


@pytest.mark.parametrize("estimator", BOTH)
def test_a_mask_is_not_lost(estimator):
    x, y = points()
    hidden = np.ma.masked_less(x, 0)
    model = estimator(epochs=1)
    with pytest.raises(TypeError, match=r"^X must not be masked"):
        model.fit(hidden, y)
    with pytest.raises(TypeError, match=r"^y must not be masked"):
        model.fit(x, np.ma.array(y, mask=y == y[0]))
    with pytest.raises(TypeError, match=r"^X must not be masked"):
        model.fit(np.ma.array(x), y).predict(hidden)


def test_a_training_that_diverges_is_an_error():
    x, y = points()
    with pytest.raises(ValueError, match=r"^training diverged, .* in epoch .*scale X and y"):
        NetworkRegressor(optimizer=SGD, learning_rate=1.0).fit(1e3 * x, 1e3 * y)


# ---- without scikit-learn


def test_no_other_module_needs_scikit_learn():
    code = """
import importlib, pkgutil, sys
sys.modules["sklearn"] = None
import gradlab
for module in pkgutil.walk_packages(gradlab.__path__, "gradlab."):
    if module.name != "gradlab.estimator":
        importlib.import_module(module.name)
try:
    import gradlab.estimator
except ImportError as error:
    assert "pip install gradlab[sklearn]" in str(error), error
else:
    raise AssertionError("no error")
"""
    subprocess.run([sys.executable, "-c", code], check=True)
