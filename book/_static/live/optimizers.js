// Optimizers in a bowl: the reader turns it, and sets its condition, the rates and the momentum.
{
  const { blue, orange, green, purple, gray } = gradlab.colors, red = "#c0475f";
  const CURVES = {
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
    momentum: ["optimizers._momentum_kernel", 1, s => [s.momentum, -s.heavy, 1]],
    nesterov: ["optimizers._nesterov_kernel", 1, s => [s.momentum, -s.heavy, 1]],
    adagrad: ["optimizers._adagrad_kernel", 1, s => [s.step, 0, 1e-8]],
    rmsprop: ["optimizers._rmsprop_kernel", 1, s => [s.step, 1 - 0.9, 1e-8, 0]],
    adam: ["optimizers._adam_kernel", 2,
      (s, t) => [s.step, 1 - 0.9, 1 - 0.999, 1 / (1 - 0.9 ** t), 1 / (1 - 0.999 ** t), 0, 1e-8]],
  };
  const VALUE = "landscapes._quadratic_kernel", GRADIENT = "landscapes._quadratic_gradient_kernel";
  const START = [-2, 0.6];

  function bowl({ condition, angle }) {
    const [c, s] = [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)];
    return {
      hessian: [c * c + condition * s * s, (1 - condition) * c * s, (1 - condition) * c * s, s * s + condition * c * c],
      start: [c * START[0] - s * START[1], s * START[0] + c * START[1]],
    };
  }

  function path(k, state, hessian, start, [kernel, memories, settings]) {
    const w = k.array([1, 2], start), g = k.array([1, 2]), visited = [[...start]];
    const memory = Array.from({ length: memories }, () => k.array(2));
    for (let t = 1; t <= state.steps; t++) {
      k[GRADIENT](w, hessian, g);
      k[kernel](w.flat(), g.flat(), ...memory, 1, 0, ...settings(state, t));
      visited.push(w.numbers());
    }
    return visited;
  }

  // What a rate does along a direction of curvature h, by the roots of r^2 - (1 + beta - eta h) r + beta.
  function regime(push, beta) {
    const middle = 1 + beta - push, root = middle * middle - 4 * beta;
    if (push > 2 * (1 + beta)) return "diverges";
    if (push === 2 * (1 + beta)) return "neither converges nor diverges";
    if (beta === 0) return push < 1 ? "converges without crossing the floor" : push === 1 ? "is there in one step" : "crosses the floor at each step";
    if (root < 0) return "swings (underdamped)";
    if (root === 0) return "is critically damped";
    return middle > 0 ? "creeps (overdamped)" : "crosses the floor at each step";
  }

  gradlab.figure("optimizers", {
    title: "Optimizers in a bowl whose settings you change",
    kernels: [VALUE, GRADIENT, ...Object.values(METHODS).map(method => method[0])],
    controls: {
      condition: { label: "condition number of the bowl", min: 1, max: 1000, log: true, digits: 2, value: 40 },
      angle: { label: "angle of the bowl", unit: "degrees", min: 0, max: 90, step: 1, value: 0 },
      rate: { label: "learning rate of gradient descent", min: 0.0005, max: 3, log: true, digits: 2, value: 0.045 },
      heavy: { label: "learning rate of momentum and Nesterov", min: 0.0005, max: 5, log: true, digits: 2, value: 0.02 },
      momentum: { label: "momentum β", min: 0, max: 0.99, step: 0.01, value: 0.8 },
      step: { label: "learning rate of AdaGrad, RMSProp and Adam", min: 0.001, max: 3, log: true, digits: 2, value: 0.07 },
      steps: { label: "steps", min: 1, max: 200, step: 1, value: 40 },
      methods: { label: "methods", several: true, choices: CURVES, value: ["sgd", "momentum", "rmsprop"] },
    },

    compute(k, state) {
      const { hessian, start } = bowl(state), matrix = k.array([2, 2], hessian);
      const paths = {}, distances = {};
      for (const name of state.methods) {
        paths[name] = k.scope(() => path(k, state, matrix, start, METHODS[name]));
        distances[name] = paths[name].map(([x, y]) => Math.hypot(x, y));
      }
      const steep = state.rate * state.condition, pushes = [state.heavy, state.heavy * state.condition], beta = state.momentum;
      return {
        paths, distances, steep, pushes,
        regimes: { sgd: regime(steep, 0), momentum: pushes.map(push => regime(push, beta)) },
      };
    },

    say({ distances, regimes, steep, pushes: [along, across] }, state) {
      const { short } = gradlab, ends = state.methods.map(name => `${CURVES[name].label} ${short(distances[name][state.steps], 2)}`);
      const said = [`After ${state.steps} ${state.steps === 1 ? "step" : "steps"} the distance from the minimum is: ${ends.join(", ") || "no method is chosen"}.`];
      if (state.methods.includes("sgd")) said.push(`Gradient descent ${regimes.sgd} across the valley (ηh = ${short(steep, 2)}).`);
      if (state.methods.includes("momentum")) {
        said.push(`Momentum ${regimes.momentum[1]} across the valley (ηh = ${short(across, 2)}) and ${regimes.momentum[0]} along it (ηh = ${short(along, 2)}).`);
      }
      return said.join(" ");
    },

    draw(place, k) {
      const map = gradlab.plot(place, {
        square: true, title: "paths", alt: "Paths of the methods over the contours of the bowl.",
        x: { label: "w₁", domain: [-2.4, 2.4] }, y: { label: "w₂", domain: [-2.1, 2.1] },
      });
      const fall = gradlab.plot(place, {
        title: "distance from the minimum", alt: "Distance from the minimum against the step.",
        x: { label: "step", domain: [0, 40] }, y: { domain: [1e-4, 10], log: true },
      });
      const regimes = gradlab.plot(place, {
        title: "regimes of momentum",
        alt: "Regimes by ηh and β, and where the steep and the flat direction of the bowl are.",
        x: { label: "rate times curvature, ηh", domain: [0, 4.2], ticks: 5 }, y: { label: "momentum β", domain: [0, 1] },
      });
      const betas = Array.from({ length: 101 }, (_, i) => i / 100);
      regimes.line("critical", { x: betas.map(b => (1 - Math.sqrt(b)) ** 2), y: betas, color: "currentColor" });
      regimes.line("alternating", { x: betas.map(b => (1 + Math.sqrt(b)) ** 2), y: betas, color: "currentColor", dash: "--" });
      regimes.line("stable", { x: betas.map(b => 2 * (1 + b)), y: betas, color: red, width: 1.8 });
      regimes.text("a", { x: 0.03, y: 0.03, text: "creeps" }).text("b", { x: 1.3, y: 0.6, text: "swings", anchor: "middle" });
      regimes.text("c", { x: 1.55, y: 0.03, text: "crosses", anchor: "middle" });
      regimes.text("d", { x: 3.3, y: 0.2, text: "diverges", anchor: "middle" });

      return (numbers, state) => {
        const { paths, distances, pushes: [flat, steep] } = numbers;
        const columns = 80, rows = 70, points = map.grid(columns, rows);
        map.contours("bowl", { values: values(points, state), columns, rows, levels: [0.05, 0.3, 1, 2.5, 5, 8].map(v => (v * state.condition) / 40) });
        map.points("minimum", { x: [0], y: [0], mark: "+", color: gray });
        fall.axes({ x: { domain: [0, state.steps] } });
        for (const name of state.methods) {
          const { color, dash, mark } = CURVES[name], x = paths[name].map(p => p[0]), y = paths[name].map(p => p[1]);
          map.line(name, { x, y, color, dash, width: 1.1 }).points(`${name} end`, { x: x.slice(-1), y: y.slice(-1), color, mark });
          fall.line(name, { x: d3.range(state.steps + 1), y: distances[name].map(v => Math.max(v, 1e-9)), color, dash });
        }
        map.only(["bowl", "minimum", ...state.methods.flatMap(name => [name, `${name} end`])]);
        fall.only(state.methods);
        const inside = v => Math.min(v, 4.2);
        regimes.points("flat", { x: [inside(flat)], y: [state.momentum], color: blue, mark: "o" });
        regimes.points("steep", { x: [inside(steep)], y: [state.momentum], color: blue, mark: "s" });
        const ends = state.methods.map(name => `${CURVES[name].label} ends at ${gradlab.short(distances[name][state.steps], 2)}`);
        fall.describe(`Distance from the minimum against the step: ${ends.join("; ")}.`);
      };

      function values(points, state) {
        const at = k.array([points.length / 2, 2], points), out = k.array(points.length / 2);
        k[VALUE](at, k.array([2, 2], bowl(state).hessian), out);
        return out.numbers();
      }
    },
  });
}
