// Optimizers in a bowl: the reader turns it, and sets its condition, the rates and the momentum.
{
  const { gray } = gradlab.colors, red = "#c0475f", { curves: CURVES, kernels, follow } = gradlab.methods;
  const VALUE = "landscapes._quadratic_kernel", GRADIENT = "landscapes._quadratic_gradient_kernel";
  const BEST = "optimizers._optimal_momentum_kernel";
  const START = [-2, 0.6];
  const LINES = ["factors", "critical", "alternating", "stable", "under", "none", "monotone", "oscillates", "diverges"];

  function bowl({ condition, angle }) {
    const [c, s] = [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)];
    return {
      hessian: [c * c + condition * s * s, (1 - condition) * c * s, (1 - condition) * c * s, s * s + condition * c * c],
      start: [c * START[0] - s * START[1], s * START[0] + c * START[1]],
    };
  }

  const rates = s => ({ sgd: s.rate, momentum: s.heavy, nesterov: s.heavy, adagrad: s.step, rmsprop: s.step, adam: s.step });

  // What becomes of w along a direction of curvature h, by eta h: gradient descent multiplies it by 1 - eta h.
  function plain(push) {
    if (push > 2) return "diverges";
    if (push === 2) return "oscillates for ever";
    if (push > 1) return "oscillates and converges";
    return push === 1 ? "arrives in one step" : "converges monotonically";
  }
  // With momentum, by the roots of r^2 - (1 + beta - eta h) r + beta (equation opt-best-momentum).
  function damped(push, beta) {
    if (beta === 0) return plain(push);
    const critical = (1 - Math.sqrt(beta)) ** 2;
    if (push > 2 * (1 + beta)) return "diverges";
    if (push === 2 * (1 + beta)) return "oscillates for ever";
    if (push >= (1 + Math.sqrt(beta)) ** 2) return "oscillates at each step and converges";
    if (Math.abs(push / critical - 1) < 0.02) return "converges with no swing to spare (critically damped)";
    return push > critical ? "swings and converges (underdamped)" : "converges monotonically (overdamped)";
  }

  // A path that overflows ends in differences of infinities.
  const far = distance => (Number.isFinite(distance) ? gradlab.short(distance, 2) : "more than 10³⁰⁸");

  gradlab.figure("optimizers", {
    title: "Optimizers in a bowl whose settings you change",
    kernels: [VALUE, GRADIENT, BEST, ...kernels],
    controls: {
      condition: { label: "condition number of the bowl", min: 1, max: 1000, log: true, digits: 2, value: 40 },
      angle: { label: "angle of the bowl", unit: "degrees", min: 0, max: 90, step: 1, value: 0 },
      rate: { label: "learning rate of gradient descent", min: 0.0005, max: 3, log: true, digits: 2, value: 0.045 },
      heavy: { label: "learning rate of momentum and Nesterov", min: 0.0005, max: 5, log: true, digits: 2, value: 0.02 },
      momentum: { label: "momentum β", min: 0, max: 0.99, step: 0.01, value: 0.8 },
      step: { label: "learning rate of AdaGrad, RMSProp and Adam", min: 0.001, max: 3, log: true, digits: 2, value: 0.07 },
      steps: { label: "steps", min: 1, max: 200, step: 1, value: 40 },
      best: {
        label: "Best rates and momentum for this bowl",
        press(state, k) {
          const [push, momentum] = k[BEST](state.condition);
          return { momentum, heavy: push / state.condition, rate: 2 / (1 + state.condition) };
        },
      },
      methods: { label: "methods", several: true, choices: CURVES, value: ["sgd", "momentum", "rmsprop"] },
    },

    compute(k, state) {
      const { hessian, start } = bowl(state), matrix = k.array([2, 2], hessian);
      const paths = {}, distances = {};
      for (const name of state.methods) {
        const settings = { rate: rates(state)[name], momentum: state.momentum };
        paths[name] = k.scope(() => follow(k, name, settings, start, state.steps, (w, g) => k[GRADIENT](w, matrix, g)));
        distances[name] = paths[name].map(([x, y]) => Math.hypot(x, y));
      }
      const steep = state.rate * state.condition, pushes = [state.heavy, state.heavy * state.condition], beta = state.momentum;
      return {
        paths, distances, steep, pushes,
        regimes: { sgd: plain(steep), momentum: pushes.map(push => damped(push, beta)) },
      };
    },

    say({ distances, regimes, steep, pushes: [along, across] }, state) {
      const { short } = gradlab, ends = state.methods.map(name => `${CURVES[name].label} ${far(distances[name][state.steps])}`);
      const said = [`After ${state.steps} ${state.steps === 1 ? "step" : "steps"} the distance from the minimum is: ${ends.join(", ") || "no method is chosen"}.`];
      if (state.methods.includes("sgd")) said.push(`Gradient descent ${regimes.sgd} across the valley (ηh = ${short(steep)}).`);
      if (state.methods.includes("momentum")) {
        const [flat, steep] = regimes.momentum, both = flat === steep;
        said.push(`Momentum ${steep} across the valley (ηh = ${short(across)}) and ${both ? "" : `${flat} `}along it (ηh = ${short(along)}).`);
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
        title: "regimes",
        alt: "Regimes by ηh and β, and where the steep and the flat direction of the bowl are.",
        x: { label: "rate times curvature, ηh", domain: [-0.2, 4.2], ticks: 5 }, y: { label: "momentum β", domain: [-0.14, 1] },
      });
      // The modulus of the larger root: along a line the distance shrinks by the same factor per step.
      const columns = 90, rows = 80, places = regimes.grid(columns, rows), factors = Array.from({ length: columns * rows }, (_, n) => {
        const push = places[2 * n], beta = Math.max(0, places[2 * n + 1]), half = (1 + beta - push) / 2;
        return half * half < beta ? Math.sqrt(beta) : Math.abs(half) + Math.sqrt(Math.max(0, half * half - beta));
      });
      regimes.contours("factors", { values: factors, columns, rows, levels: [0.5, 0.7, 0.8, 0.9, 0.95] });
      const betas = Array.from({ length: 101 }, (_, i) => i / 100);
      regimes.line("critical", { x: betas.map(b => (1 - Math.sqrt(b)) ** 2), y: betas, color: "currentColor" });
      regimes.line("alternating", { x: betas.map(b => (1 + Math.sqrt(b)) ** 2), y: betas, color: "currentColor", dash: "--" });
      regimes.line("stable", { x: betas.map(b => 2 * (1 + b)), y: betas, color: red, width: 1.8 });
      regimes.text("under", { x: 1.3, y: 0.6, text: "underdamped", anchor: "middle" });
      regimes.text("none", { x: 3.25, y: 0.25, text: "diverges", anchor: "middle" });
      // Below its line, the three regimes of gradient descent.
      for (const [x, text] of [[0.4, "monotone"], [1.6, "oscillates"], [3.1, "diverges"]]) {
        regimes.text(text, { x, y: -0.11, text, anchor: "middle" });
      }

      return (numbers, state) => {
        const { paths, distances, pushes: [flat, steep] } = numbers;
        const columns = 80, rows = 70, points = map.grid(columns, rows);
        map.contours("bowl", { values: values(points, state), columns, rows, levels: [0.05, 0.3, 1, 2.5, 5, 8].map(v => (v * state.condition) / 40) });
        map.points("minimum", { x: [0], y: [0], mark: "+", color: gray });
        const seen = state.methods.flatMap(name => distances[name]).filter(v => v > 0 && Number.isFinite(v));
        const round = (v, up, low, high) => 10 ** Math.min(high, Math.max(low, up(Math.log10(v))));
        const low = round(d3.min(seen) ?? 1, Math.floor, -12, -2), high = round(d3.max(seen) ?? 1, Math.ceil, 1, 6);
        fall.axes({ x: { domain: [0, state.steps] }, y: { domain: [low, high] } });
        for (const name of state.methods) {
          const { color, dash, mark } = CURVES[name], x = paths[name].map(p => p[0]), y = paths[name].map(p => p[1]);
          map.line(name, { x, y, color, dash, width: 1.1 }).points(`${name} end`, { x: x.slice(-1), y: y.slice(-1), color, mark });
          fall.line(name, { x: d3.range(state.steps + 1), y: distances[name].map(v => Math.max(v, 1e-13)), color, dash });
        }
        map.only(["bowl", "minimum", ...state.methods.flatMap(name => [name, `${name} end`])]);
        fall.only(state.methods);
        // Gradient descent is momentum with beta = 0. What is beyond the plot stands at its edge.
        const both = { momentum: [flat, steep, state.momentum], sgd: [state.rate, numbers.steep, 0] };
        for (const [name, [along, across, beta]] of Object.entries(both)) {
          const { color } = CURVES[name], inside = v => [Math.min(v, 4.2)];
          regimes.points(`${name} along`, { x: inside(along), y: [beta], color, mark: "o" });
          regimes.points(`${name} across`, { x: inside(across), y: [beta], color, mark: "s" });
        }
        const chosen = Object.keys(both).filter(name => state.methods.includes(name));
        regimes.only([...LINES, ...chosen.flatMap(name => [`${name} along`, `${name} across`])]);
        regimes.describe(`Regimes by ηh and β. Momentum ${numbers.regimes.momentum[1]} across the valley and ${numbers.regimes.momentum[0]} along it.`);
        const ends = state.methods.map(name => `${CURVES[name].label} ends at ${far(distances[name][state.steps])}`);
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
