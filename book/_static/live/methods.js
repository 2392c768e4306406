// The methods of the figures on optimizers: how they look, and the paths that they take, by the package's kernels.
"use strict";
{
  const { blue, orange, green, purple, gray } = gradlab.colors, red = "#c0475f";
  const curves = {
    sgd: { label: "gradient descent", color: orange, dash: "--", mark: "s" },
    momentum: { label: "momentum", color: blue, dash: "-", mark: "o" },
    nesterov: { label: "Nesterov", color: gray, dash: "-", mark: "^" },
    adagrad: { label: "AdaGrad", color: red, dash: "--", mark: "D" },
    rmsprop: { label: "RMSProp", color: green, dash: "-.", mark: "^" },
    adam: { label: "Adam", color: purple, dash: ":", mark: "D" },
  };
  // The kernel of a method, the arrays that it remembers, and its settings in step t, as in the package.
  const METHODS = {
    sgd: ["optimizers._sgd_kernel", 0, s => [s.rate]],
    momentum: ["optimizers._momentum_kernel", 1, s => [s.momentum, -s.rate, 1]],
    nesterov: ["optimizers._nesterov_kernel", 1, s => [s.momentum, -s.rate, 1]],
    adagrad: ["optimizers._adagrad_kernel", 1, s => [s.rate, 0, 1e-10]],
    rmsprop: ["optimizers._rmsprop_kernel", 1, s => [s.rate, 1 - 0.9, 1e-8, 0]],
    adam: ["optimizers._adam_kernel", 2,
      (s, t) => [s.rate, 1 - 0.9, 1 - 0.999, 1 / (1 - 0.9 ** t), 1 / (1 - 0.999 ** t), 0, 1e-8]],
  };

  // The points that a method visits; `slope` writes the gradient at the first array into the second.
  function follow(k, name, settings, start, steps, slope) {
    const [kernel, memories, given] = METHODS[name], w = k.array([1, 2], start), g = k.array([1, 2]), visited = [[...start]];
    const memory = Array.from({ length: memories }, () => k.array(2));
    for (let t = 1; t <= steps; t++) {
      slope(w, g);
      k[kernel](w.flat(), g.flat(), ...memory, 1, 0, ...given(settings, t));
      visited.push(w.numbers());
    }
    return visited;
  }

  gradlab.methods = { curves, kernels: Object.values(METHODS).map(([kernel]) => kernel), follow };
}
