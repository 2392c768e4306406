"""What a user writes: the script of the README, and the types that it goes by."""

import os
import re
import subprocess
import sys

import pytest
from support import ROOT

(SCRIPT,) = (
    block
    for block in re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(), re.M | re.S)
    if "network.save" in block
)

TYPES = '''
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradlab.layers import Activation, Dense, GroupNorm, InstanceNorm, Layer
from gradlab.losses import squared_error, squared_error_backward
from gradlab.network import BatchNorm, LayerNorm, Network
from gradlab.optimizers import SGD, Adam
from gradlab.schedules import PerformanceSchedule, cosine_decay, one_cycle, piecewise_constant
from gradlab.training import Clip, History, Loss, OptimizerLike, Schedule, fit


class Scale(Layer):
    """A layer without parameters."""

    def forward(self, x: NDArray[Any], training: bool) -> NDArray[Any]:
        return 2 * x

    def backward(self, dout: NDArray[Any]) -> NDArray[Any]:
        return 2 * dout


class Signs:
    """An optimizer."""

    learning_rate = 0.1

    def step(self, params: Sequence[NDArray[Any]], grads: Sequence[ArrayLike]) -> None:
        for w, g in zip(params, grads, strict=True):
            w -= self.learning_rate * np.sign(g)


rng = np.random.default_rng(0)
layers = [Dense(4, 6, rng), GroupNorm(6, 2), InstanceNorm(3), BatchNorm(6), LayerNorm(6)]
network = Network([*layers, Scale(), Activation("tanh"), Network([Dense(6, 1, rng)])])
network.layers[0].weight[:] = 0.5
x = rng.normal(size=(20, 4))

loss: Loss = (squared_error, squared_error_backward)
clip: Clip = 1.0
schedules: list[Schedule] = [
    lambda step: cosine_decay(step, 0.1, 10),
    lambda step: one_cycle(step, 0.1, 10),
    partial(piecewise_constant, boundaries=[5], values=[0.1, 0.01]),
    PerformanceSchedule(0.1),
]
optimizers: list[OptimizerLike] = [Signs(), SGD(0.1), Adam(0.1)]
for optimizer in optimizers:
    for schedule in schedules[:3]:
        history: History = fit(
            network, (x, x[:, :1]), None, optimizer if optimizer is optimizers[0] else SGD(0.1),
            epochs=1, batch_size=7, schedule=schedule, clip=clip, loss=loss, rng=rng,
        )

rate: float = cosine_decay(3, init_value=0.1, decay_steps=10)
rates: NDArray[Any] = cosine_decay(np.arange(3), 0.1, 10)
rates = cosine_decay(range(3), 0.1, 10)
rate = cosine_decay(np.int64(1), 0.1, 10)
out: NDArray[Any] = network(x)
try:
    cosine_decay(0.1, 100)  # type: ignore[call-overload]
except TypeError:
    pass
'''


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    (tmp_path / "types_of_a_user.py").write_text(TYPES)
    return tmp_path


def run(folder, *command):
    package = str(ROOT / "package")
    env = os.environ | {"PYTHONPATH": package, "MYPYPATH": package}
    return subprocess.run(
        [sys.executable, *command], cwd=folder, env=env, capture_output=True, text=True
    )


@pytest.mark.parametrize("script", ["script.py", "types_of_a_user.py"])
def test_it_runs(folder, script):
    done = run(folder, script)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    if script == "script.py":
        accuracy = re.search(r"^test accuracy (0\.\d+);", done.stdout, re.M)
        assert float(accuracy[1]) > 0.95
        assert os.path.exists(folder / "digits.npz")


def test_it_passes_mypy_with_strict(folder):
    pytest.importorskip("mypy", reason="mypy is not installed")
    command = ["-m", "mypy", "--strict", "--config-file=", f"--cache-dir={folder}/cache"]
    done = run(folder, *command, "script.py", "types_of_a_user.py")
    assert done.stdout.startswith("Success: no issues found in 2 source files"), done.stdout
