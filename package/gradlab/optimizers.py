"""Optimizers: update a list of parameter arrays in place, from the gradients of the loss.

Momentum lets a velocity remember earlier gradients; the adaptive methods divide each gradient by a
measure of its own recent size; Adam does both. All of them keep their memory in arrays of the
shapes of the parameters, which `Optimizer.state` saves and restores.

Chapter: ``book/optimizers.md``.
Decks: L "The Momentum Method", "Separate, Adaptive Learning Rates" and "Better Adaptation:
RMSProp", C "Momentum and incremental updates", "Nestorov's Accelerated Gradient", "RMS Prop" and
"ADAM: RMSprop with momentum".
Papers: B. T. Polyak, Some Methods of Speeding up the Convergence of Iteration Methods, 1964. Y.
Nesterov, A Method of Solving a Convex Programming Problem with Convergence Rate O(1/k^2), 1983. I.
Sutskever, J. Martens, G. Dahl and G. Hinton, On the Importance of Initialization and Momentum in
Deep Learning, ICML 2013. M. Riedmiller and H. Braun, A Direct Adaptive Method for Faster
Backpropagation Learning: The RPROP Algorithm, ICNN 1993. J. Duchi, E. Hazan and Y. Singer, Adaptive
Subgradient Methods for Online Learning and Stochastic Optimization, JMLR 12, 2011. M. D. Zeiler,
ADADELTA: An Adaptive Learning Rate Method, arXiv:1212.5701, 2012. D. P. Kingma and J. Ba, Adam: A
Method for Stochastic Optimization, ICLR 2015. I. Loshchilov and F. Hutter, Decoupled Weight Decay
Regularization, ICLR 2019.
"""

from __future__ import annotations

import inspect
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from gradlab._jit import njit
from gradlab._memory import full
from gradlab._owner import Owner
from gradlab._settings import shown
from gradlab._threads import each_by_rows
from gradlab._validate import (
    FloatArray,
    as_array,
    as_flag,
    as_float_array,
    as_fraction,
    as_integer,
    as_list,
    as_positive,
    as_real,
    as_shaped,
)

__all__ = [
    "SGD",
    "AdaDelta",
    "AdaGrad",
    "AdaMax",
    "Adam",
    "AdamW",
    "LocalGains",
    "Momentum",
    "Nesterov",
    "Optimizer",
    "RMSProp",
    "RProp",
    "optimal_momentum",
]


# Float32 holds these exactly, and arithmetic with float32 stays in float32, which a plain 0.5 would
# make float64.
_ZERO, _HALF = np.array([0, 0.5], np.float32)

_DTYPES = np.dtype(np.float32), np.dtype(np.float64)

# A kernel gets its settings in the precision of the weights. A running mean gets 1 - beta alone,
# because beta and 1 - beta, each rounded to float32, would no longer add up to 1: a mean square
# with beta = 0.999 would be off by 1e-5 for good.


@njit
def _decayed(w, g, shrink, l2):
    """Equations wd-update and wd-decoupled; one at a time does anything.

    The kernels call it for each weight and its gradient.
    """
    # (wd-decoupled)  w <- (1 - eta lambda) w
    w = shrink * w
    # (wd-update)     g <- g + lambda w
    return w, g + l2 * w


@njit
def _squarable(g, largest):
    """Return a finite gradient as one whose square is less than the largest number of its dtype.

    A square that is infinite would stay so, and divide every later gradient to 0.
    """
    bound = _HALF * np.sqrt(largest)
    # What is infinite or no number stays no number: g - g is 0 for all others.
    return max(-bound, min(bound, g)) + (g - g)


def _as_not_negative(name: str, value: Any) -> float:
    return as_real(name, value, low=0.0)


def _as_at_least_one(name: str, value: Any) -> float:
    return as_real(name, value, low=1.0)


def _as_shrinking(name: str, value: Any) -> float:
    return as_real(name, value, low=0.0, high=1.0, low_open=True)


Checks = dict[str, Callable[[str, Any], Any]]

Kind = tuple[tuple[int, ...], np.dtype[Any]]
"""Shape and dtype of a parameter."""


_DECAY_AS_ABOVE = "weight_decay, decoupled, decay_biases : as in `Optimizer`"
"""Stands in the docstrings of the optimizers."""


class _Vectors:
    """The arrays of a step as vectors, which serve the next one too if it is on the same arrays.

    Copies and what is read from a pickle have other arrays, and begin without.
    """

    def __init__(
        self,
        params: Sequence[Any] = (),
        grads: Sequence[Any] = (),
        lists: Sequence[Any] = (),
        decay_biases: bool = True,
    ) -> None:
        self._given = [*params, *grads]
        self._weights: list[FloatArray] = lists[0] if lists else []
        # Where memory has gaps or another order, or is none yet, a vector is a copy.
        self._lasting = all(
            type(array) is np.ndarray and array.flags.c_contiguous for array in self._given
        )
        self._rows = [[array.ravel() for array in row] for row in zip(*lists, strict=True)]
        self.groups: dict[tuple[np.dtype[Any], bool], list[list[FloatArray]]] = {}
        """By what the settings depend on: the dtype, and whether the weights decay."""
        for w, row in zip(self._weights, self._rows, strict=True):
            self.groups.setdefault((w.dtype, decay_biases or w.ndim > 1), []).append(row)

    def are_of(self, params: Any, grads: Any) -> bool:
        """Tell whether they are, and remain, those of these arrays."""
        return (
            self._lasting
            and type(params) is list is type(grads)
            and len(params) == len(self._weights) == len(grads)
            and all(map(operator.is_, params + grads, self._given))
            and all(w.flags.writeable for w in params)
        )

    def write_back(self) -> None:
        """Update the parameters of which they are copies."""
        if not self._lasting:
            for w, row in zip(self._weights, self._rows, strict=True):
                if not w.flags.c_contiguous:
                    w[...] = row[0].reshape(w.shape)

    def __reduce__(self) -> tuple[type[_Vectors], tuple[()]]:
        return _Vectors, ()


class Optimizer:
    r"""What the optimizers share: learning rate, weight decay, state and checks.

    A base class: use one of its subclasses. All but `SGD` remember the gradients of the arrays
    that they update, so each network needs an optimizer of its own; `gradlab.training.fit` refuses
    one that has a memory of another network. Setting `state` makes it anybody's again.

    The parameters of the constructor are attributes, which may be set between steps and are checked
    then as in the constructor. A setting that the memory starts from, such as AdaGrad's
    ``initial_sum``, is fixed from the first step on.

    The methods that square a gradient take a finite one whose square the dtype cannot hold, from
    9e18 on in float32, as the largest that it can. In PyTorch the square is infinite, the step 0 or
    not a number, and the weight never moves again.

    Parameters
    ----------
    learning_rate : float
        :math:`\eta`, not negative.
    weight_decay : float, default 0
        :math:`\lambda`, not negative.
    decoupled : bool, default False
        False adds :math:`\lambda w` to the gradient before anything else happens to it. True leaves
        the gradient alone and multiplies the weights by :math:`1 - \eta \lambda` in each step.
    decay_biases : bool, default True
        False spares the arrays of fewer than two dimensions: biases, scales and shifts.
    **starts : float or str
        From a subclass: the arrays that it remembers for each parameter, by name, and the value
        that they start from, or the name of the setting that holds it.

    Notes
    -----
    The optimizer is the one place where weights decay. In the gradient: deck C, PyTorch, and optax
    with ``add_decayed_weights`` first in the chain. Decoupled: `AdamW`, and Keras's
    ``weight_decay`` in every optimizer. For `SGD` the two are the same. The libraries decay every
    array unless told otherwise; deck S "Weight Decay" leaves the biases out.
    """

    _checks: ClassVar[Checks] = {
        "learning_rate": _as_not_negative,
        "weight_decay": _as_not_negative,
        "decoupled": as_flag,
        "decay_biases": as_flag,
    }
    """How each setting is checked whenever it is set."""

    def __init__(
        self,
        learning_rate: float,
        weight_decay: float = 0.0,
        decoupled: bool = False,
        decay_biases: bool = True,
        **starts: float | str,
    ) -> None:
        self._t = 0
        self._starts = starts
        self._arrays: dict[str, list[FloatArray]] = {name: [] for name in starts}
        # Those of the last step's parameters, which `_arrays` fit.
        self._kinds: list[Kind] | None = None
        self._ready = _Vectors()
        self._owner = Owner()
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.decoupled = decoupled
        self.decay_biases = decay_biases

    def __init_subclass__(cls) -> None:
        # What is said on decay above is in the `help` of each optimizer too. No docstrings: -OO.
        if cls.__doc__ and Optimizer.__doc__:
            shared = inspect.cleandoc(Optimizer.__doc__)
            entries = shared[shared.index("weight_decay : ") : shared.index("**starts")].rstrip()
            cls.__doc__ = inspect.cleandoc(cls.__doc__).replace(_DECAY_AS_ABOVE, entries)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self._checks:
            value = self._checks[name](name, value)
            self._check_together({**vars(self), name: value})
            if self._t and name in self._starts.values() and value != getattr(self, name):
                raise ValueError(
                    f"{name} must stay {getattr(self, name)} after the first step, since the "
                    f"memory started from it, got {value}"
                )
        super().__setattr__(name, value)
        if name == "decay_biases":
            self._ready = _Vectors()

    def _check_together(self, settings: Mapping[str, Any]) -> None:
        """Refuse settings that contradict each other; `settings` may lack some yet."""

    def __repr__(self) -> str:
        return shown(self)

    def _is_used(self) -> bool:
        return any(self._arrays.values())

    @property
    def state(self) -> dict[str, Any]:
        """What the steps so far have left behind, as a copy; setting it goes back to it.

        A dict with ``t``, the number of steps, ``learning_rate``, and for each kind of array that
        the method keeps a list with one array for each parameter; the lists are empty before the
        first step. The other settings are not part of it.

        Setting raises ValueError, and changes nothing, if an entry is missing or unknown, or an
        array has another shape than those of the other lists or of the steps taken before.
        """
        arrays = {name: [a.copy() for a in kept] for name, kept in self._arrays.items()}
        return {"t": self._t, "learning_rate": self.learning_rate, **arrays}

    @state.setter
    def state(self, value: Mapping[str, Any]) -> None:
        names = ["t", "learning_rate", *self._arrays]
        if not isinstance(value, Mapping):
            raise TypeError(f"state must be a dict, got {type(value).__name__}")
        if set(value) != set(names):
            raise ValueError(f"state must have the entries {names}, got {list(value)}")
        t = as_integer("state['t']", value["t"], low=0)
        rate = self._checks["learning_rate"]("state['learning_rate']", value["learning_rate"])
        arrays = {name: _copied(f"state[{name!r}]", value[name]) for name in self._arrays}
        expected = next(iter((self._arrays if self._t and t else arrays).values()), [])
        shapes = [array.shape for array in expected] if t else []
        for name, kept in arrays.items():
            if [array.shape for array in kept] != shapes:
                raise ValueError(
                    f"state[{name!r}] must have arrays of shapes {shapes}, "
                    f"got {[array.shape for array in kept]}"
                )
        # As before the first step, where every setting may change.
        self._t = 0
        self.learning_rate = rate
        self._t, self._arrays, self._kinds, self._ready = t, arrays, None, _Vectors()
        self._owner = Owner()

    def step(self, params: Sequence[FloatArray], grads: Sequence[ArrayLike]) -> None:
        """Update every array of `params` in place.

        Parameters
        ----------
        params : sequence of float32 or float64 arrays
            The same ones, in the same order, at every step.
        grads : sequence of arrays
            The gradient of the loss with respect to each of them, of its shape.

        Raises
        ------
        ValueError
            If the lists differ in length, a gradient in shape from its parameter, or the
            parameters from those of earlier steps; nothing has changed then.
        TypeError
            If a parameter is not an array that can be updated in place, or a gradient does not
            hold real numbers; nothing has changed then.

        Notes
        -----
        The optimizer keeps hold of the arrays until the next step, which need not look at them
        again if it gets lists of the same ones: loops that write gradients into the same arrays are
        faster.
        """
        if not self._ready.are_of(params, grads):
            self._prepare(as_list("params", params), as_list("grads", grads))
        self._t += 1
        for (dtype, decays), group in self._ready.groups.items():
            settings = self._settings_of(dtype, decays)
            each_by_rows(self._kernel, group, *settings)
        self._ready.write_back()

    def _prepare(self, params: list[Any], grads: list[Any]) -> None:
        """Check the arrays of a step, and keep them as vectors, with the memory that fits them."""
        weights = [
            w if _is_parameter(w) else _as_parameter(f"params[{k}]", w)
            for k, w in enumerate(params)
        ]
        if len(weights) != len(grads):
            raise ValueError(f"grads must have {len(weights)} arrays, as params, got {len(grads)}")
        kinds = [(w.shape, w.dtype) for w in weights]
        slopes = [
            g if _is_gradient(g, kind) else as_shaped(f"grads[{k}]", g, *kind)
            for k, (g, kind) in enumerate(zip(grads, kinds, strict=True))
        ]
        if kinds != self._kinds:
            self._arrays, self._kinds = self._arrays_for(weights), kinds
        lists = [weights, slopes, *self._arrays.values()]
        self._ready = _Vectors(params, grads, lists, self.decay_biases)

    def _arrays_for(self, weights: list[FloatArray]) -> dict[str, list[FloatArray]]:
        if self._t == 0:
            starts = {
                name: getattr(self, start) if isinstance(start, str) else start
                for name, start in self._starts.items()
            }
            return {
                name: [full(w.shape, start, w.dtype) for w in weights]
                for name, start in starts.items()
            }
        for kept in self._arrays.values():
            got, expected = [w.shape for w in weights], [array.shape for array in kept]
            if got != expected:
                raise ValueError(f"params must have shapes {expected}, as before, got {got}")
        return {
            name: [a.astype(w.dtype, copy=False) for a, w in zip(kept, weights, strict=True)]
            for name, kept in self._arrays.items()
        }

    def _settings_of(self, dtype: np.dtype[Any], decays: bool) -> tuple[Any, ...]:
        """Return what the kernel takes after its arrays: `shrink`, `l2`, and its own settings."""
        decay = self.weight_decay if decays else 0.0
        shrunk = (1.0 - self.learning_rate * decay, 0.0) if self.decoupled else (1.0, decay)
        settings = (*shrunk, *self._settings())
        return settings if dtype.itemsize == 8 else _singles(settings)

    _kernel: ClassVar[Callable[..., None]]
    """Updates weights in place, from ``(w, g, *memory, shrink, l2, *settings)``, all vectors."""

    def _settings(self) -> tuple[float, ...]:
        """Return the settings that the kernel takes in this step, in its order."""
        raise NotImplementedError(
            f"{type(self).__name__} has no step of its own: Optimizer is a base class; use one of "
            "its subclasses, or an object of your own with a method step(params, grads)"
        )


@lru_cache(maxsize=1024)
def _singles(settings: tuple[float, ...]) -> tuple[np.float32, ...]:
    """Return settings in float32, which stay finite, and 0 only if they were 0."""
    low, high = float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max)
    sizes = [min(max(abs(value), low), high) if value else 0.0 for value in settings]
    return tuple(np.float32(math.copysign(*pair)) for pair in zip(sizes, settings, strict=True))


def _is_parameter(value: Any) -> bool:
    """Whether `_as_parameter` would return it as it is: nearly always, and quicker to tell."""
    return type(value) is np.ndarray and value.dtype in _DTYPES and value.flags.writeable


def _is_gradient(value: Any, kind: Kind) -> bool:
    """Whether it is a gradient of such a parameter, as a kernel takes it."""
    return (
        type(value) is np.ndarray
        and (value.shape, value.dtype) == kind
        and value.flags.c_contiguous
    )


def _as_parameter(name: str, value: Any) -> FloatArray:
    if not isinstance(value, np.ndarray):
        raise TypeError(
            f"{name} must be a NumPy array, to be updated in place, got {type(value).__name__}"
        )
    if value.dtype not in _DTYPES:
        raise TypeError(f"{name} must hold float32 or float64 numbers, got dtype {value.dtype}")
    if not value.flags.writeable:
        raise ValueError(f"{name} must be writeable, to be updated in place")
    return as_array(name, value)


def _copied(name: str, values: Any) -> list[FloatArray]:
    if not isinstance(values, (list, tuple)):
        raise TypeError(f"{name} must be a list of arrays, got {type(values).__name__}")
    return [as_float_array(f"{name}[{k}]", a).copy() for k, a in enumerate(values)]


@njit
def _sgd_kernel(w, g, shrink, l2, rate):
    """Equation opt-sgd."""
    # (opt-sgd)  w <- w - eta g
    for i in range(w.size):
        wi, gi = _decayed(w[i], g[i], shrink, l2)
        w[i] = wi - rate * gi


class SGD(Optimizer):
    r"""Stochastic gradient descent, :math:`w \leftarrow w - \eta \, (g + \lambda w)`.

    Parameters
    ----------
    learning_rate : float
        :math:`\eta`, not negative.
    weight_decay : float, default 0
        :math:`\lambda`, not negative.
    decay_biases : bool, default True
        False spares the arrays of fewer than two dimensions: biases, scales and shifts.

    Notes
    -----
    Deck C "Mini-batch update" and, for the decay, "Regularizing the weights".

    Examples
    --------
    >>> weight = np.array([1.0, 2.0])
    >>> SGD(learning_rate=0.1).step([weight], [np.array([1.0, -1.0])])
    >>> weight
    array([0.9, 2.1])
    """

    def __init__(
        self, learning_rate: float, weight_decay: float = 0.0, *, decay_biases: bool = True
    ) -> None:
        super().__init__(learning_rate, weight_decay, decay_biases=decay_biases)

    _kernel = staticmethod(_sgd_kernel)

    def _settings(self) -> tuple[float, ...]:
        return (self.learning_rate,)


@njit
def _momentum_kernel(w, g, v, shrink, l2, momentum, inflow, outflow):
    """Equations opt-momentum-velocity and opt-momentum-step.

    `inflow` and `outflow` are -eta and 1 where the velocity holds the
    learning rate, 1 and -eta where it does not.
    """
    for i in range(w.size):
        wi, gi = _decayed(w[i], g[i], shrink, l2)
        # (opt-momentum-velocity)  v <- beta v - eta g
        vi = momentum * v[i] + inflow * gi
        v[i] = vi
        # (opt-momentum-step)      w <- w + v
        w[i] = wi + outflow * vi


class Momentum(Optimizer):
    r"""Gradient descent with momentum: the gradient changes the velocity of the weights.

    .. math:: v \leftarrow \beta \, v - \eta \, g, \qquad w \leftarrow w + v

    Under a constant gradient the velocity tends to :math:`-\eta g / (1 - \beta)` (equation
    opt-terminal-velocity).

    Parameters
    ----------
    learning_rate : float
        :math:`\eta`, not negative.
    momentum : float in [0, 1), default 0.9
        :math:`\beta`, called :math:`\alpha` in deck L. Deck L advises to
        start at 0.5 and to raise it to 0.9 or 0.99 when the large gradients are gone.
    velocity_holds_rate : bool, default True
        True: the formula above (decks L and C, Keras); a new learning rate acts on new gradients
        only. False: :math:`v \leftarrow \beta v + g` and :math:`w \leftarrow w - \eta v`
        (PyTorch, and optax's ``sgd``); a new rate acts at once on all that the velocity
        remembers. While the rate is constant the weights are the same.
    weight_decay, decoupled, decay_biases : as in `Optimizer`

    Notes
    -----
    ``state["velocity"]`` is v. Written as a running average, :math:`v \leftarrow \beta v +
    (1 - \beta) g`, momentum is the same method with a rate that is larger by
    :math:`1 / (1 - \beta)`.

    Decks L "The Momentum Method: Implementation" and C "Momentum and incremental updates"; Polyak
    (1964).

    Examples
    --------
    >>> weight, optimizer = np.array([1.0]), Momentum(learning_rate=0.1, momentum=0.5)
    >>> for _ in range(2):
    ...     optimizer.step([weight], [np.array([1.0])])
    >>> weight, optimizer.state["velocity"]
    (array([0.75]), [array([-0.15])])
    """

    _checks: ClassVar[Checks] = {
        **Optimizer._checks,
        "momentum": as_fraction,
        "velocity_holds_rate": as_flag,
    }

    def __init__(
        self,
        learning_rate: float,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        *,
        velocity_holds_rate: bool = True,
        decoupled: bool = False,
        decay_biases: bool = True,
    ) -> None:
        super().__init__(learning_rate, weight_decay, decoupled, decay_biases, velocity=0.0)
        self.momentum = momentum
        self.velocity_holds_rate = velocity_holds_rate

    def _flows(self) -> tuple[float, float]:
        """Return the kernels' `inflow` and `outflow`."""
        rate = self.learning_rate
        return (-rate, 1.0) if self.velocity_holds_rate else (1.0, -rate)

    _kernel = staticmethod(_momentum_kernel)

    def _settings(self) -> tuple[float, ...]:
        return (self.momentum, *self._flows())


@njit
def _optimal_momentum_kernel(condition_number):
    """Equations opt-best-momentum and opt-best-momentum-rate."""
    root = math.sqrt(condition_number)
    # (opt-best-momentum)       beta = ((sqrt(kappa) - 1) / (sqrt(kappa) + 1))^2
    # (opt-best-momentum-rate)  eta h_max = (2 sqrt(kappa) / (sqrt(kappa) + 1))^2
    return (2.0 * root / (root + 1.0)) ** 2, ((root - 1.0) / (root + 1.0)) ** 2


def optimal_momentum(condition_number: float) -> tuple[float, float]:
    r"""Return the learning rate and the momentum that are best on a bowl of this condition number.

    .. math:: \eta \, h_{\max} = \left( \frac{2 \sqrt\kappa}{\sqrt\kappa + 1} \right)^2, \qquad
              \beta = \left( \frac{\sqrt\kappa - 1}{\sqrt\kappa + 1} \right)^2

    Parameters
    ----------
    condition_number : float
        :math:`\kappa = h_{\max} / h_{\min}`, the largest curvature over the smallest, at least 1,
        as `gradlab.gradient_descent.condition_number` computes it.

    Returns
    -------
    rate_times_curvature : float
        :math:`\eta \, h_{\max}`; divide it by the largest curvature. From 1, for a round bowl, up
        to almost 4.
    momentum : float
        :math:`\beta`, for `Momentum`.

    Notes
    -----
    In the long run each step shrinks the distance to the minimum, in every direction, by the factor
    :math:`\sqrt\beta = (\sqrt\kappa - 1) / (\sqrt\kappa + 1)`, and no other pair does better.
    The best that gradient descent can do is :math:`(\kappa - 1) / (\kappa + 1)`
    (`gradlab.gradient_descent.optimal_learning_rate`).

    Polyak (1964). Beyond the decks.

    Examples
    --------
    >>> optimal_momentum(9.0)
    (2.25, 0.25)
    """
    kappa = as_real("condition_number", condition_number, low=1.0)
    rate, momentum = _optimal_momentum_kernel(kappa)
    return float(rate), float(momentum)


@njit
def _nesterov_kernel(w, g, v, shrink, l2, momentum, inflow, outflow):
    """Equations opt-nesterov-velocity and opt-nesterov-step; `inflow` as in `_momentum_kernel`."""
    for i in range(w.size):
        wi, gi = _decayed(w[i], g[i], shrink, l2)
        # (opt-nesterov-velocity)  v <- beta v - eta g
        vi = momentum * v[i] + inflow * gi
        v[i] = vi
        # (opt-nesterov-step)      w <- w + beta v - eta g
        w[i] = wi + outflow * (momentum * vi + inflow * gi)


class Nesterov(Momentum):
    r"""Nesterov's accelerated gradient: the gradient is taken where the velocity leads.

    .. math:: v \leftarrow \beta \, v - \eta \, g, \qquad w \leftarrow w + \beta \, v - \eta \, g

    Parameters
    ----------
    learning_rate : float
        :math:`\eta`, not negative.
    momentum : float in [0, 1), default 0.9
        :math:`\beta`.
    velocity_holds_rate : bool, default True
        True: the formula above (deck C, Keras). False: PyTorch and optax. As in `Momentum`.
    weight_decay, decoupled, decay_biases : as in `Optimizer`

    Notes
    -----
    Deck C keeps W, extends the last step to :math:`W + \beta \Delta W` and takes the gradient
    there. `step` is given a gradient that was taken at the weights themselves, so what `params`
    hold is that extended point, as in PyTorch, Keras and optax; :math:`\Delta W` is v and W is
    :math:`w - \beta v`. Both start at the same point, because v starts at 0.

    Deck C "Nestorov's Accelerated Gradient"; Nesterov (1983), Sutskever et al. (2013).

    Examples
    --------
    >>> weight, optimizer = np.array([1.0]), Nesterov(learning_rate=0.1, momentum=0.5)
    >>> for _ in range(2):
    ...     optimizer.step([weight], [np.array([1.0])])
    >>> weight.round(3), optimizer.state["velocity"]
    (array([0.675]), [array([-0.15])])
    """

    _kernel = staticmethod(_nesterov_kernel)


@njit
def _local_gains_kernel(w, g, gain, previous, shrink, l2, rate, increase, decrease, low, high):
    """Equations opt-local-gain and opt-local-step."""
    for i in range(w.size):
        wi, gi = _decayed(w[i], g[i], shrink, l2)
        # (opt-local-gain)  k <- k + increase where g and the gradient before agree in sign,
        #                   k <- k decrease where they differ, and within [low, high]
        # Signs are compared, because a product of small gradients can underflow to 0.
        ki, before = gain[i], previous[i]
        if (gi > _ZERO and before > _ZERO) or (gi < _ZERO and before < _ZERO):
            ki = ki + increase
        elif (gi > _ZERO and before < _ZERO) or (gi < _ZERO and before > _ZERO):
            ki = ki * decrease
        ki = min(max(ki, low), high)
        gain[i] = ki
        previous[i] = gi
        # (opt-local-step)  w <- w - eta k g
        w[i] = wi - rate * ki * gi


class LocalGains(Optimizer):
    r"""Gradient descent with a gain for each weight, which follows the sign of its gradient.

    .. math:: k_i \leftarrow \begin{cases}
              k_i + \delta & g_i \text{ has the sign it had in the step before} \\
              k_i \, \phi & \text{it has the other sign}
              \end{cases}, \\
              w_i \leftarrow w_i - \eta \, k_i \, g_i

    Gains start at 1, grow by steps and shrink by factors, so that a large one falls quickly when
    oscillations begin.

    Parameters
    ----------
    learning_rate : float
        :math:`\eta`, the global rate, not negative.
    increase : float, default 0.05
        :math:`\delta`, not negative.
    decrease : float in (0, 1], default 0.95
        :math:`\phi`.
    min_gain, max_gain : float, default 0.1 and 10
        Bounds of the gains, with ``0 < min_gain <= 1 <= max_gain``.
    weight_decay, decoupled, decay_biases : as in `Optimizer`

    Notes
    -----
    A gradient of exactly 0, now or before, leaves the gain as it is: there is no sign to compare,
    as in the first step. Hinton's "else" shrinks it there too. ``state["gain"]`` and
    ``state["previous"]`` are the gains and the last gradients. Meant for large batches, where a
    sign tells more than the sampling.

    Deck L "Separate, Adaptive Learning Rates", which leaves the rule open; rule and defaults are
    G. Hinton's, Neural Networks for Machine Learning, lecture 6d (2012), after R. A. Jacobs,
    Increased Rates of Convergence through Learning Rate Adaptation, 1988.

    Examples
    --------
    >>> weight, optimizer = np.array([1.0, 1.0]), LocalGains(learning_rate=0.1)
    >>> for gradient in ([1.0, 1.0], [1.0, -1.0]):
    ...     optimizer.step([weight], [np.array(gradient)])
    >>> optimizer.state["gain"], weight
    ([array([1.05, 0.95])], array([0.795, 0.995]))
    """

    _checks: ClassVar[Checks] = {
        **Optimizer._checks,
        "increase": _as_not_negative,
        "decrease": _as_shrinking,
        "min_gain": _as_shrinking,
        "max_gain": _as_at_least_one,
    }

    def __init__(
        self,
        learning_rate: float,
        increase: float = 0.05,
        decrease: float = 0.95,
        min_gain: float = 0.1,
        max_gain: float = 10.0,
        weight_decay: float = 0.0,
        *,
        decoupled: bool = False,
        decay_biases: bool = True,
    ) -> None:
        super().__init__(
            learning_rate, weight_decay, decoupled, decay_biases, gain=1.0, previous=0.0
        )
        self.increase = increase
        self.decrease = decrease
        self.min_gain = min_gain
        self.max_gain = max_gain

    _kernel = staticmethod(_local_gains_kernel)

    def _settings(self) -> tuple[float, ...]:
        rate, increase, decrease = self.learning_rate, self.increase, self.decrease
        return rate, increase, decrease, self.min_gain, self.max_gain


@njit
def _rprop_kernel(w, g, size, previous, shrink, l2, increase, decrease, low, high):
    """Equations opt-rprop-size and opt-rprop-step."""
    for i in range(w.size):
        wi, gi = _decayed(w[i], g[i], shrink, l2)
        # (opt-rprop-size)  d <- d increase where g and the gradient before agree in sign,
        #                   d <- d decrease and g <- 0 where they differ, and within [low, high]
        # Signs are compared, because a product of small gradients can underflow to 0.
        di, before = size[i], previous[i]
        if (gi > _ZERO and before > _ZERO) or (gi < _ZERO and before < _ZERO):
            di = di * increase
        elif (gi > _ZERO and before < _ZERO) or (gi < _ZERO and before > _ZERO):
            di = di * decrease
            gi = _ZERO
        di = min(max(di, low), high)
        size[i] = di
        previous[i] = gi
        # (opt-rprop-step)  w <- w - d sign(g)
        w[i] = wi - di * np.sign(gi)


class RProp(Optimizer):
    r"""RProp: steps whose lengths follow the sign of each gradient, and not its size.

    .. math:: d_i \leftarrow \begin{cases}
              d_i \, \eta^+ & g_i \text{ has the sign it had in the step before} \\
              d_i \, \eta^- \text{ and } g_i \leftarrow 0 & \text{it has the other sign}
              \end{cases}, \\
              w_i \leftarrow w_i - d_i \, \mathrm{sign}(g_i)

    Parameters
    ----------
    learning_rate : float
        The length of the first step, which every :math:`d_i` starts from; positive. PyTorch's
        default is 0.01. The lengths are the method's own from there on, so that no schedule can
        change it after the first step.
    increase : float, default 1.2
        :math:`\eta^+`, at least 1.
    decrease : float in (0, 1], default 0.5
        :math:`\eta^-`.
    min_step, max_step : float, default 1e-6 and 50
        Bounds of the lengths, positive, from the first step on.
    weight_decay, decoupled, decay_biases : as in `Optimizer`

    Notes
    -----
    A weight whose gradient has changed its sign has jumped over a minimum. This is the variant
    *without* weight-backtracking, in which it stays where it is for one step, and the next
    gradient counts as the first: PyTorch's ``torch.optim.Rprop``, called iRprop- by C. Igel and
    M. Huesken (Improving the Rprop Learning Algorithm, 2000). The paper's own *has* backtracking:
    it takes the step before back. PyTorch compares signs by a product, which for gradients of
    1e-23 and less is 0 in float32, and has no decay here.

    For the whole training set in each step: among mini-batches signs change by chance, and nine
    gradients of 0.1 and one of -0.9, which cancel, move the weight far. `RMSProp` is the answer.
    ``state["size"]`` and ``state["previous"]`` are the lengths and the last gradients.

    Decks L "Better Adaptation: RMSProp" and C "RMS Prop"; M. Riedmiller and H. Braun, A Direct
    Adaptive Method for Faster Backpropagation Learning: The RPROP Algorithm, ICNN 1993.

    Examples
    --------
    >>> weight, optimizer = np.array([1.0, 1.0]), RProp(learning_rate=0.1)
    >>> for gradient in ([100.0, 0.01], [1.0, -1.0]):
    ...     optimizer.step([weight], [np.array(gradient)])
    >>> optimizer.state["size"], weight
    ([array([0.12, 0.05])], array([0.78, 0.9 ]))
    """

    _checks: ClassVar[Checks] = {
        **Optimizer._checks,
        "learning_rate": as_positive,
        "increase": _as_at_least_one,
        "decrease": _as_shrinking,
        "min_step": as_positive,
        "max_step": as_positive,
    }

    def __init__(
        self,
        learning_rate: float,
        increase: float = 1.2,
        decrease: float = 0.5,
        min_step: float = 1e-6,
        max_step: float = 50.0,
        weight_decay: float = 0.0,
        *,
        decoupled: bool = False,
        decay_biases: bool = True,
    ) -> None:
        super().__init__(
            learning_rate,
            weight_decay,
            decoupled,
            decay_biases,
            size="learning_rate",
            previous=0.0,
        )
        self.increase = increase
        self.decrease = decrease
        self.min_step = min_step
        self.max_step = max_step

    def _check_together(self, settings: Mapping[str, Any]) -> None:
        low, high = settings.get("min_step", 0.0), settings.get("max_step", math.inf)
        if low > high:
            raise ValueError(f"max_step must be at least min_step, {low}, got {high}")

    _kernel = staticmethod(_rprop_kernel)

    def _settings(self) -> tuple[float, ...]:
        return self.increase, self.decrease, self.min_step, self.max_step


@njit
def _adagrad_kernel(w, g, total, shrink, l2, rate, eps_inside, eps_outside):
    """Equations opt-adagrad-sum and opt-adagrad-step."""
    largest = np.finfo(w.dtype).max
    for i in range(w.size):
        wi, gi = _decayed(w[i], g[i], shrink, l2)
        gi = _squarable(gi, largest)
        # (opt-adagrad-sum)   s <- s + g^2
        si = total[i] + min(gi * gi, largest - total[i])
        total[i] = si
        # (opt-adagrad-step)  w <- w - eta g / (sqrt(s) + eps)
        w[i] = wi - rate * gi / (np.sqrt(si + eps_inside) + eps_outside)


class AdaGrad(Optimizer):
    r"""AdaGrad: divide each gradient by the root of the sum of its squares so far.

    .. math:: s \leftarrow s + g^2, \qquad
              w \leftarrow w - \frac{\eta}{\sqrt{s} + \epsilon} \, g

    Parameters
    ----------
    learning_rate : float, default 1e-2
        :math:`\eta`, not negative.
    eps : float, default 1e-10
        :math:`\epsilon`, positive.
    eps_inside_sqrt : bool, default False
        False: the formula above (paper, PyTorch). True: :math:`\sqrt{s + \epsilon}` (Keras and
        optax, with 1e-7).
    initial_sum : float, default 0
        What s starts from, not negative: 0 in the paper and in PyTorch, 0.1 in Keras and optax.
    weight_decay, decoupled, decay_biases : as in `Optimizer`

    Notes
    -----
    The sum only grows, so the steps shrink like one over the root of their number; `RMSProp` and
    `AdaDelta` forget instead. ``state["sum_of_squares"]`` is s.

    Named in decks L "Other Optimizers" and C "More recent methods"; Duchi et al. (2011).

    Examples
    --------
    >>> weight = np.array([1.0, 1.0])
    >>> AdaGrad(learning_rate=0.1).step([weight], [np.array([100.0, -0.01])])
    >>> weight
    array([0.9, 1.1])
    """

    _checks: ClassVar[Checks] = {
        **Optimizer._checks,
        "eps": as_positive,
        "eps_inside_sqrt": as_flag,
        "initial_sum": _as_not_negative,
    }

    def __init__(
        self,
        learning_rate: float = 1e-2,
        eps: float = 1e-10,
        eps_inside_sqrt: bool = False,
        initial_sum: float = 0.0,
        weight_decay: float = 0.0,
        *,
        decoupled: bool = False,
        decay_biases: bool = True,
    ) -> None:
        super().__init__(
            learning_rate, weight_decay, decoupled, decay_biases, sum_of_squares="initial_sum"
        )
        self.initial_sum = initial_sum
        self.eps = eps
        self.eps_inside_sqrt = eps_inside_sqrt

    _kernel = staticmethod(_adagrad_kernel)

    def _settings(self) -> tuple[float, ...]:
        eps = (self.eps, 0.0) if self.eps_inside_sqrt else (0.0, self.eps)
        return (self.learning_rate, *eps)


@njit
def _adadelta_kernel(w, g, square, update, shrink, l2, rate, new, eps):
    """Equations opt-adadelta-mean-square, opt-adadelta-update, opt-adadelta-mean-update and
    opt-adadelta-step.
    """
    largest = np.finfo(w.dtype).max
    for i in range(w.size):
        wi, gi = _decayed(w[i], g[i], shrink, l2)
        gi = _squarable(gi, largest)
        # (opt-adadelta-mean-square)  v <- rho v + (1 - rho) g^2
        vi = square[i] - new * square[i] + new * gi * gi
        square[i] = vi
        # (opt-adadelta-update)       d = -sqrt(u + eps) / sqrt(v + eps) g
        ui = update[i]
        di = -(np.sqrt(ui + eps) / np.sqrt(vi + eps)) * gi
        # (opt-adadelta-mean-update)  u <- rho u + (1 - rho) d^2
        update[i] = ui - new * ui + new * di * di
        # (opt-adadelta-step)         w <- w + eta d
        w[i] = wi + rate * di


class AdaDelta(Optimizer):
    r"""AdaDelta: scale each gradient by the ratio of recent updates to recent gradients.

    .. math:: v \leftarrow \rho v + (1 - \rho) g^2, \qquad
              d = -\frac{\sqrt{u + \epsilon}}{\sqrt{v + \epsilon}} \, g, \\
              u \leftarrow \rho u + (1 - \rho) d^2, \qquad
              w \leftarrow w + \eta \, d

    Parameters
    ----------
    rho : float in [0, 1), default 0.95
        :math:`\rho`, the weight of the past; 0.95 in the paper and in Keras, 0.9 in PyTorch and
        optax.
    eps : float, default 1e-6
        :math:`\epsilon`, positive, inside both roots everywhere. It sets the size of the first
        updates. Keras has 1e-7.
    learning_rate : float, default 1
        :math:`\eta`, not negative. The paper has none, which is a rate
        of 1, as in PyTorch; Keras's default of 0.001 makes another method of it.
    weight_decay, decoupled, decay_biases : as in `Optimizer`

    Notes
    -----
    The ratio gives the update the unit of the weights. u is taken before the update enters it,
    and holds updates without the learning rate. ``state["mean_square"]`` and
    ``state["mean_square_update"]`` are v and u.

    Named in decks L "Other Optimizers" and C "More recent methods"; Zeiler (2012), Algorithm 1.

    Examples
    --------
    >>> weight = np.array([1.0])
    >>> AdaDelta().step([weight], [np.array([3.0])])
    >>> weight.round(6)
    array([0.995528])
    """

    _checks: ClassVar[Checks] = {
        **Optimizer._checks,
        "rho": as_fraction,
        "eps": as_positive,
    }

    def __init__(
        self,
        rho: float = 0.95,
        eps: float = 1e-6,
        learning_rate: float = 1.0,
        weight_decay: float = 0.0,
        *,
        decoupled: bool = False,
        decay_biases: bool = True,
    ) -> None:
        super().__init__(
            learning_rate,
            weight_decay,
            decoupled,
            decay_biases,
            mean_square=0.0,
            mean_square_update=0.0,
        )
        self.rho = rho
        self.eps = eps

    _kernel = staticmethod(_adadelta_kernel)

    def _settings(self) -> tuple[float, ...]:
        return self.learning_rate, 1.0 - self.rho, self.eps


@njit
def _rmsprop_kernel(w, g, square, shrink, l2, rate, new, eps_inside, eps_outside):
    """Equations opt-rmsprop-mean-square and opt-rmsprop-step."""
    largest = np.finfo(w.dtype).max
    for i in range(w.size):
        wi, gi = _decayed(w[i], g[i], shrink, l2)
        gi = _squarable(gi, largest)
        # (opt-rmsprop-mean-square)  v <- rho v + (1 - rho) g^2
        vi = square[i] - new * square[i] + new * gi * gi
        square[i] = vi
        # (opt-rmsprop-step)         w <- w - eta g / sqrt(v + eps)
        w[i] = wi - rate * gi / (np.sqrt(vi + eps_inside) + eps_outside)


class RMSProp(Optimizer):
    r"""RMSProp: divide each gradient by the root of a running average of its square.

    .. math:: v \leftarrow \rho v + (1 - \rho) g^2, \qquad
              w \leftarrow w - \frac{\eta}{\sqrt{v + \epsilon}} \, g

    Parameters
    ----------
    learning_rate : float, default 1e-3
        :math:`\eta`, not negative. PyTorch's default is 0.01.
    rho : float in [0, 1), default 0.9
        :math:`\rho`, the weight of the past: :math:`\gamma` in deck C, ``alpha`` in PyTorch (0.99
        there).
    eps : float, default 1e-8
        :math:`\epsilon`, positive. Keras has 1e-7.
    eps_inside_sqrt : bool, default True
        True: the formula above (deck C, Keras, optax). False: :math:`\sqrt{v} + \epsilon`
        (PyTorch, and optax with ``eps_in_sqrt=False``).
    weight_decay, decoupled, decay_biases : as in `Optimizer`

    Notes
    -----
    Inside the root, epsilon bounds the divisor from below by its own root: 1e-8 acts there like
    1e-4 outside. Deck L has none at all, and so 0 / 0 where a gradient is 0 from the start. There
    is no bias correction, so the first step is larger by :math:`1 / \sqrt{1 - \rho}` than the
    later ones. ``state["mean_square"]`` is v.

    Decks L "Better Adaptation: RMSProp" and C "RMS Prop"; unpublished otherwise than in G. Hinton's
    Neural Networks for Machine Learning, lecture 6e (2012).

    Examples
    --------
    >>> weight = np.array([1.0, 1.0])
    >>> RMSProp(learning_rate=0.01, rho=0.75).step([weight], [np.array([100.0, -0.1])])
    >>> weight.round(4)
    array([0.98, 1.02])
    """

    _checks: ClassVar[Checks] = {
        **Optimizer._checks,
        "rho": as_fraction,
        "eps": as_positive,
        "eps_inside_sqrt": as_flag,
    }

    def __init__(
        self,
        learning_rate: float = 1e-3,
        rho: float = 0.9,
        eps: float = 1e-8,
        eps_inside_sqrt: bool = True,
        weight_decay: float = 0.0,
        *,
        decoupled: bool = False,
        decay_biases: bool = True,
    ) -> None:
        super().__init__(learning_rate, weight_decay, decoupled, decay_biases, mean_square=0.0)
        self.rho = rho
        self.eps = eps
        self.eps_inside_sqrt = eps_inside_sqrt

    _kernel = staticmethod(_rmsprop_kernel)

    def _settings(self) -> tuple[float, ...]:
        eps = (self.eps, 0.0) if self.eps_inside_sqrt else (0.0, self.eps)
        return (self.learning_rate, 1.0 - self.rho, *eps)


@njit
def _adam_kernel(
    w, g, m, v, shrink, l2, rate, new1, new2, unbias1, unbias2, eps_inside, eps_outside
):
    """Equations opt-adam-mean, opt-adam-mean-square, opt-adam-correction,
    opt-adam-step; opt-adamw-step where `shrink` is 1 - eta lambda.

    `new1` is 1 - beta1 and `unbias1` is 1 / (1 - beta1^t); so are
    `new2` and `unbias2` of beta2.
    """
    largest = np.finfo(w.dtype).max
    for i in range(w.size):
        wi, gi = _decayed(w[i], g[i], shrink, l2)
        gi = _squarable(gi, largest)
        # (opt-adam-mean)         m <- beta1 m + (1 - beta1) g
        mi = m[i] - new1 * m[i] + new1 * gi
        m[i] = mi
        # (opt-adam-mean-square)  v <- beta2 v + (1 - beta2) g^2
        vi = v[i] - new2 * v[i] + new2 * gi * gi
        v[i] = vi
        # (opt-adam-correction)   m^ = m / (1 - beta1^t),  v^ = v / (1 - beta2^t)
        m_hat, v_hat = mi * unbias1, vi * unbias2
        # (opt-adam-step)         w <- w - eta m^ / (sqrt(v^) + eps)
        w[i] = wi - rate * m_hat / (np.sqrt(v_hat + eps_inside) + eps_outside)


class Adam(Optimizer):
    r"""Adam: RMSProp with momentum, both averages corrected for their start at 0.

    .. math:: m \leftarrow \beta_1 m + (1 - \beta_1) g, \qquad
              v \leftarrow \beta_2 v + (1 - \beta_2) g^2

    .. math:: \hat m = \frac{m}{1 - \beta_1^t}, \qquad \hat v = \frac{v}{1 - \beta_2^t}, \qquad
              w \leftarrow w - \eta \, \frac{\hat m}{\sqrt{\hat v} + \epsilon}

    where t counts the steps and is 1 in the first one.

    Parameters
    ----------
    learning_rate : float, default 1e-3
        :math:`\eta`, not negative.
    beta1 : float in [0, 1), default 0.9
        :math:`\beta_1`, the weight of the past in the mean; :math:`\delta` in deck C.
    beta2 : float in [0, 1), default 0.999
        :math:`\beta_2`, the weight of the past in the mean square; :math:`\gamma` in deck C.
    eps : float, default 1e-8
        :math:`\epsilon`, positive. Keras has 1e-7.
    eps_inside_sqrt : bool, default False
        False: the formula above (paper, PyTorch, optax's ``eps``). True:
        :math:`\sqrt{\hat v + \epsilon}` (deck C, optax's ``eps_root``).
    eps_hat : bool, default False
        True: `eps` is the :math:`\hat\epsilon` of the paper's section 2, which is added to
        :math:`\sqrt v` before the correction (Keras). In our terms it is
        :math:`\hat\epsilon / \sqrt{1 - \beta_2^t}`: 32 times as large in the first step as later.
    weight_decay, decoupled, decay_biases : as in `Optimizer`

    Notes
    -----
    Where epsilon is placed matters as soon as gradients are not large against it: inside the root
    1e-8 shortens the steps of weights with gradients of about 1e-4 and less, outside those with
    gradients of about 1e-8 and less. Decay that is part of the gradient is divided by its size like
    the rest of it; `AdamW` is the decoupled form. ``state["m"]`` and ``state["v"]`` are the
    averages before correction, ``state["t"]`` the number of steps taken.

    Deck C "ADAM: RMSprop with momentum"; Kingma and Ba (2015), Algorithm 1.

    Examples
    --------
    >>> weight, optimizer = np.array([1.0, 1.0]), Adam(learning_rate=0.1)
    >>> optimizer.step([weight], [np.array([100.0, -20.0])])
    >>> weight.round(6)
    array([0.9, 1.1])
    >>> saved = optimizer.state
    >>> saved["t"], saved["m"]
    (1, [array([10., -2.])])
    """

    _checks: ClassVar[Checks] = {
        **Optimizer._checks,
        "beta1": as_fraction,
        "beta2": as_fraction,
        "eps": as_positive,
        "eps_inside_sqrt": as_flag,
        "eps_hat": as_flag,
    }

    def __init__(
        self,
        learning_rate: float = 1e-3,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        eps_inside_sqrt: bool = False,
        weight_decay: float = 0.0,
        *,
        eps_hat: bool = False,
        decoupled: bool = False,
        decay_biases: bool = True,
    ) -> None:
        super().__init__(learning_rate, weight_decay, decoupled, decay_biases, m=0.0, v=0.0)
        self.beta1 = beta1
        self.beta2 = beta2
        self.eps = eps
        self.eps_inside_sqrt = eps_inside_sqrt
        self.eps_hat = eps_hat

    def _check_together(self, settings: Mapping[str, Any]) -> None:
        if settings.get("eps_hat") and settings.get("eps_inside_sqrt"):
            raise ValueError("eps_hat must be False with eps_inside_sqrt=True, got True")

    _kernel = staticmethod(_adam_kernel)

    def _settings(self) -> tuple[float, ...]:
        unbias1 = 1.0 / (1.0 - self.beta1**self._t)
        unbias2 = 1.0 / (1.0 - self.beta2**self._t)
        outside = self.eps * unbias2**0.5 if self.eps_hat else self.eps
        eps = (self.eps, 0.0) if self.eps_inside_sqrt else (0.0, outside)
        news = (1.0 - self.beta1, 1.0 - self.beta2)
        return (self.learning_rate, *news, unbias1, unbias2, *eps)


class AdamW(Adam):
    r"""Adam with decoupled weight decay: the weights shrink by themselves.

    .. math:: w \leftarrow (1 - \eta \lambda) \, w - \eta \, \frac{\hat m}{\sqrt{\hat v} + \epsilon}

    Parameters
    ----------
    learning_rate, beta1, beta2, eps, eps_inside_sqrt, eps_hat
        As in `Adam`.
    weight_decay : float, default 1e-2
        :math:`\lambda`, not negative: 1e-2 in PyTorch, 1e-4 in optax, 4e-3 in Keras.
    decay_biases : bool, default True
        False spares the arrays of fewer than two dimensions: biases, scales and shifts.

    Notes
    -----
    In `Adam` the decay passes through the division by :math:`\sqrt{\hat v}`, so weights with large
    gradients decay less; here all decay at one rate. The paper's decay does not hold the initial
    learning rate: its :math:`\lambda` is PyTorch's times that rate.

    Equation opt-adamw-step. Loshchilov and Hutter (2019), Algorithm 2. Beyond the decks.

    Examples
    --------
    >>> weight = np.array([1.0, -2.0])
    >>> AdamW(learning_rate=0.1, weight_decay=0.5).step([weight], [np.array([1.0, 1.0])])
    >>> weight.round(6)
    array([ 0.85, -2.  ])
    """

    def __init__(
        self,
        learning_rate: float = 1e-3,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        eps_inside_sqrt: bool = False,
        weight_decay: float = 1e-2,
        *,
        eps_hat: bool = False,
        decay_biases: bool = True,
    ) -> None:
        super().__init__(
            learning_rate,
            beta1,
            beta2,
            eps,
            eps_inside_sqrt,
            weight_decay,
            eps_hat=eps_hat,
            decoupled=True,
            decay_biases=decay_biases,
        )

    def _check_together(self, settings: Mapping[str, Any]) -> None:
        super()._check_together(settings)
        if not settings.get("decoupled", True):
            raise ValueError("decoupled must be True in AdamW, got False: use Adam")


@njit
def _adamax_kernel(w, g, m, u, shrink, l2, rate, new1, new2, unbias1, eps_inside, eps_outside):
    """Equations opt-adamax-mean, opt-adamax-norm and opt-adamax-step."""
    for i in range(w.size):
        wi, gi = _decayed(w[i], g[i], shrink, l2)
        # (opt-adamax-mean)  m <- beta1 m + (1 - beta1) g
        mi = m[i] - new1 * m[i] + new1 * gi
        m[i] = mi
        # (opt-adamax-norm)  u <- max(beta2 u, |g| + eps)
        ui = max(u[i] - new2 * u[i], abs(gi) + eps_inside)
        u[i] = ui
        # (opt-adamax-step)  w <- w - eta / (1 - beta1^t) m / u
        w[i] = wi - rate * unbias1 * mi / (ui + eps_outside)


class AdaMax(Optimizer):
    r"""AdaMax: Adam with a decaying maximum of the gradients in place of their mean square.

    .. math:: m \leftarrow \beta_1 m + (1 - \beta_1) g, \qquad
              u \leftarrow \max(\beta_2 u, |g| + \epsilon), \\
              w \leftarrow w - \frac{\eta}{1 - \beta_1^t} \, \frac{m}{u}

    Parameters
    ----------
    learning_rate : float, default 2e-3
        :math:`\eta`, not negative. 0.002 in the paper and in PyTorch,
        0.001 in Keras.
    beta1 : float in [0, 1), default 0.9
        :math:`\beta_1`, the weight of the past in the mean.
    beta2 : float in [0, 1), default 0.999
        :math:`\beta_2`, the decay of the maximum.
    eps : float, default 1e-8
        :math:`\epsilon`, positive. Keras has 1e-7; the paper has none, and so 0 / 0 where a
        gradient is 0 from the start.
    eps_inside_max : bool, default True
        True: the formula above (PyTorch, optax). False: :math:`u \leftarrow \max(\beta_2 u, |g|)`
        and division by :math:`u + \epsilon` (Keras).
    weight_decay, decoupled, decay_biases : as in `Optimizer`

    Notes
    -----
    The maximum needs no correction for its start at 0. ``state["m"]`` and ``state["u"]`` are m
    and u.

    Named in deck C "Other variants of the same theme"; Kingma and Ba (2015), Algorithm 2.

    Examples
    --------
    >>> weight = np.array([1.0, 1.0])
    >>> AdaMax(learning_rate=0.1).step([weight], [np.array([100.0, -0.01])])
    >>> weight.round(6)
    array([0.9, 1.1])
    """

    _checks: ClassVar[Checks] = {
        **Optimizer._checks,
        "beta1": as_fraction,
        "beta2": as_fraction,
        "eps": as_positive,
        "eps_inside_max": as_flag,
    }

    def __init__(
        self,
        learning_rate: float = 2e-3,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        eps_inside_max: bool = True,
        weight_decay: float = 0.0,
        *,
        decoupled: bool = False,
        decay_biases: bool = True,
    ) -> None:
        super().__init__(learning_rate, weight_decay, decoupled, decay_biases, m=0.0, u=0.0)
        self.beta1 = beta1
        self.beta2 = beta2
        self.eps = eps
        self.eps_inside_max = eps_inside_max

    _kernel = staticmethod(_adamax_kernel)

    def _settings(self) -> tuple[float, ...]:
        unbias1 = 1.0 / (1.0 - self.beta1**self._t)
        eps = (self.eps, 0.0) if self.eps_inside_max else (0.0, self.eps)
        news = (1.0 - self.beta1, 1.0 - self.beta2)
        return (self.learning_rate, *news, unbias1, *eps)
