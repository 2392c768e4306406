"""Networks as estimators of scikit-learn, for its pipelines, searches and scores.

It needs scikit-learn, which no other module of the package does: ``pip install gradlab[sklearn]``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from gradlab._examples import outputs
from gradlab._validate import FloatArray, as_integer, as_list, as_real
from gradlab.activations import softmax
from gradlab.early_stopping import EarlyStopping
from gradlab.layers import Activation, BatchNorm, Dense, Dropout, LayerNorm
from gradlab.network import Network
from gradlab.optimizers import Adam
from gradlab.training import History, OptimizerLike, fit

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError as error:
    raise ImportError(
        "gradlab.estimator needs scikit-learn 1.6 or newer: pip install gradlab[sklearn]"
    ) from error

__all__ = ["NetworkClassifier", "NetworkRegressor"]

_FLOATS = (np.float64, np.float32)
_NORMALIZATIONS: dict[str | None, Any] = {None: None, "batch": BatchNorm, "layer": LayerNorm}


class _NetworkEstimator(BaseEstimator):
    """What the classifier and the regressor share: the settings, and a run by them."""

    network_: Network
    history_: History

    def __init__(
        self,
        hidden_layer_sizes: Sequence[int] = (64,),
        activation: str = "relu",
        *,
        normalization: str | None = None,
        dropout: float = 0.0,
        optimizer: Callable[..., OptimizerLike] = Adam,
        learning_rate: float = 0.001,
        epochs: int = 100,
        batch_size: int = 32,
        patience: int | None = None,
        validation_fraction: float = 0.1,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.normalization = normalization
        self.dropout = dropout
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.random_state = random_state

    def _examples(self, X: ArrayLike, y: ArrayLike, **kinds: bool) -> Any:
        """Return X and y as arrays."""
        _refuse_masks(X=X, y=y)
        fewest = 2 if self.normalization == "batch" else 1
        return validate_data(self, X, y, dtype=_FLOATS, ensure_min_samples=fewest, **kinds)

    def _train(self, x: FloatArray, target: NDArray[Any], width: int, loss: str) -> None:
        """Fit a new network whose output has this width."""
        seeds = check_random_state(self.random_state).randint(2**31 - 1, size=4)
        rng = np.random.default_rng(seeds)
        train, validation, stopping = (x, target), None, None
        if self.patience is not None:
            held_out, rest = self._split(len(x), rng)
            train, validation = (x[rest], target[rest]), (x[held_out], target[held_out])
            stopping = EarlyStopping(self.patience)
        self.network_ = self._network(x.shape[1], width, x.dtype, rng)
        self.history_ = fit(
            self.network_,
            train,
            validation,
            self._optimizer(),
            epochs=self.epochs,
            batch_size=self.batch_size,
            early_stopping=stopping,
            progress=False,
            loss=loss,
            rng=rng,
        )
        if "not finite" in self.history_.stopped:
            raise ValueError(
                f"training diverged, {self.history_.stopped}: scale X and y, or lower "
                f"learning_rate, which is {self.learning_rate}"
            )

    def _split(self, count: int, rng: np.random.Generator) -> tuple[Any, Any]:
        """Return the indices of the examples to validate with, and of the others."""
        fraction = as_real("validation_fraction", self.validation_fraction, low=0.0, high=1.0)
        size = math.ceil(fraction * count)
        if not 0 < size < count:
            raise ValueError(
                "validation_fraction must leave examples to train and to validate with, got "
                f"{fraction} of n_samples={count}"
            )
        order = rng.permutation(count)
        return order[:size], order[size:]

    def _network(
        self, features: int, width: int, dtype: DTypeLike, rng: np.random.Generator
    ) -> Network:
        known = list(_NORMALIZATIONS)
        # A list of them, because what is no key of a dict is refused too.
        if self.normalization not in known:
            raise ValueError(f"normalization must be one of {known}, got {self.normalization!r}")
        normalization = _NORMALIZATIONS[self.normalization]
        rate = as_real("dropout", self.dropout, low=0.0, high=1.0, high_open=True)
        if isinstance(self.hidden_layer_sizes, Iterator):
            raise TypeError(
                "hidden_layer_sizes must be a sequence, got an iterator, which the next fit would "
                "find empty"
            )
        layers: list[Any] = []
        for k, size in enumerate(as_list("hidden_layer_sizes", self.hidden_layer_sizes)):
            size = as_integer(f"hidden_layer_sizes[{k}]", size, low=1)
            # Batch normalization would subtract a bias again.
            layers.append(Dense(features, size, rng, dtype=dtype, bias=normalization != BatchNorm))
            if normalization is not None:
                layers.append(normalization(size, dtype=dtype))
            layers += [self._activation(), Dropout(rate, rng)]
            features = size
        return Network([*layers, Dense(features, width, rng, dtype=dtype)])

    def _activation(self) -> Activation:
        try:
            return Activation(self.activation)
        except (TypeError, ValueError) as error:
            raise type(error)(f"activation must be one without settings: {error}") from None

    def _optimizer(self) -> OptimizerLike:
        if not callable(self.optimizer):
            raise TypeError(
                "optimizer must be a class or function that makes an optimizer of a "
                f"learning_rate, such as Adam, got {self.optimizer!r}"
            )
        return self.optimizer(learning_rate=self.learning_rate)

    def _output(self, X: ArrayLike) -> FloatArray:
        check_is_fitted(self)
        _refuse_masks(X=X)
        return outputs(self.network_, validate_data(self, X, dtype=_FLOATS, reset=False))


def _refuse_masks(**arrays: Any) -> None:
    """Refuse what scikit-learn would take without its mask."""
    for name, array in arrays.items():
        if np.ma.is_masked(array):
            raise TypeError(f"{name} must not be masked: fill the masked entries or leave them out")


class NetworkClassifier(ClassifierMixin, _NetworkEstimator):
    """Classifier by a network of dense layers, trained with softmax cross-entropy.

    Parameters
    ----------
    hidden_layer_sizes : sequence of int, default (64,)
        The width of each hidden layer. Without any, the classifier is logistic regression.
    activation : str, default "relu"
        Of the hidden layers, by its name in `gradlab.layers.Activation`.
    normalization : {None, "batch", "layer"}, default None
        Before each activation.
    dropout : float in [0, 1), default 0
        The probability to drop a hidden unit in training.
    optimizer : callable, default `gradlab.optimizers.Adam`
        A class of `gradlab.optimizers`, or another callable that makes an optimizer when called
        with ``learning_rate=``, such as ``functools.partial(Momentum, momentum=0.95)``.
    learning_rate : float, default 0.001
    epochs : int, default 100
        Passes over the training set.
    batch_size : int, default 32
    patience : int, optional
        Holds examples out, ends training after so many epochs without a smaller loss on them, and
        keeps the network of the best epoch (`gradlab.early_stopping.EarlyStopping`). Left out, all
        examples are trained on, for all epochs.
    validation_fraction : float, default 0.1
        The part that `patience` holds out, drawn at random.
    random_state : int, numpy.random.RandomState or None, default None
        Draws weights, mini-batches, dropout and the validation set. An int makes a run repeatable.

    Attributes
    ----------
    classes_ : array (classes,)
        The labels, sorted.
    n_features_in_ : int
    feature_names_in_ : array of str
        Where X was a data frame whose columns have names.
    network_ : Network
    history_ : History
        What `gradlab.training.fit` recorded.

    Notes
    -----
    Any labels will do, strings too. Inputs should be of similar scale: put a ``StandardScaler``
    before it, in a pipeline. float32 inputs make a network in float32.

    Examples
    --------
    >>> from sklearn.model_selection import cross_val_score
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from gradlab.datasets import load_digits
    >>> digits = load_digits()
    >>> classifier = NetworkClassifier((32,), learning_rate=0.01, epochs=10, random_state=0)
    >>> model = make_pipeline(StandardScaler(), classifier)
    >>> scores = cross_val_score(model, digits.x_train, digits.y_train, cv=3)
    >>> scores.mean() > 0.9
    np.True_
    """

    classes_: NDArray[Any]

    def fit(self, X: ArrayLike, y: ArrayLike) -> NetworkClassifier:
        """Train a new network on examples X (examples, features) and their labels y (examples,).

        Raises
        ------
        ValueError
            If X or y is not finite, y is continuous, a parameter is outside its range, or the
            training diverges.
        TypeError
            If a parameter is not of its type.
        """
        x, given = self._examples(X, y)
        check_classification_targets(given)
        self.classes_, labels = np.unique(given, return_inverse=True)
        self._train(x, labels, len(self.classes_), "softmax_cross_entropy")
        return self

    def predict_proba(self, X: ArrayLike) -> FloatArray:
        """Return the probability of each class, (examples, classes), in the order of `classes_`."""
        return softmax(self._output(X))

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the most probable label of each example."""
        best = self._output(X).argmax(axis=1)
        return self.classes_[best]


class NetworkRegressor(RegressorMixin, _NetworkEstimator):
    """Regressor by a network of dense layers, trained with squared error.

    Parameters
    ----------
    hidden_layer_sizes, activation, normalization, dropout, optimizer, learning_rate
        As in `NetworkClassifier`, as are the others; without hidden layers, the regressor is linear
        regression.
    epochs, batch_size, patience, validation_fraction, random_state
        As in `NetworkClassifier`.

    Attributes
    ----------
    n_features_in_ : int
    feature_names_in_ : array of str
        Where X was a data frame whose columns have names.
    network_ : Network
    history_ : History
        What `gradlab.training.fit` recorded.

    Notes
    -----
    Inputs and targets should be of a scale near 1: put a ``StandardScaler`` before it, and targets
    that are far from it into a ``TransformedTargetRegressor``.

    Examples
    --------
    >>> from sklearn.compose import TransformedTargetRegressor
    >>> from sklearn.preprocessing import StandardScaler
    >>> x = np.random.default_rng(0).normal(size=(200, 2))
    >>> y = 300 + 50 * np.abs(x[:, 0]) - 20 * x[:, 1]
    >>> regressor = NetworkRegressor((32,), learning_rate=0.01, random_state=0)
    >>> model = TransformedTargetRegressor(regressor, transformer=StandardScaler())
    >>> model.fit(x[:100], y[:100]).score(x[100:], y[100:]) > 0.9
    True
    """

    def fit(self, X: ArrayLike, y: ArrayLike) -> NetworkRegressor:
        """Train a new network on X (examples, features) and y, (examples,) or (examples, outputs).

        Raises
        ------
        ValueError
            If X or y is not finite, a parameter is outside its range, or the training diverges.
        TypeError
            If a parameter is not of its type.
        """
        x, given = self._examples(X, y, multi_output=True, y_numeric=True)
        self._output_shape = given.shape[1:]
        target = given.reshape(len(given), -1).astype(x.dtype)
        self._train(x, target, target.shape[1], "squared_error")
        return self

    def predict(self, X: ArrayLike) -> FloatArray:
        """Return the output for each example, in the form of the targets."""
        output = self._output(X)
        return output.reshape(len(output), *self._output_shape)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
