// One perceptron with two weights, two losses: gradient descent on both surfaces from where the reader puts it.
{
  const { colors, plot, short, swatch, tag } = gradlab;
  const COUNT = 100, TRUE = [2, -1], SIDE = 7, NEAR = 0.1, GRID = 41, STEPS = 1000;
  const DRAW = "_random._normal_draws_kernel", UNIFORM = "_random._uniform_draws_kernel", SIGMOID = "activations._sigmoid_kernel";
  const NET = "backpropagation._net_input_kernel", BACK = "backpropagation._weight_gradient_kernel";
  const SQUARED = "losses._squared_error", SIGMOID_BACK = "activations._sigmoid_backward_kernel", CROSS = "losses._sigmoid_cross_entropy";
  const LOSSES = {
    squared: { label: "squared error", color: colors.orange, dash: "--", mark: "s" },
    cross: { label: "cross-entropy", color: colors.blue, dash: "-", mark: "o" },
  };

  // A hundred points, and a class for each that is drawn with the probability that the weights TRUE give.
  function sample(k, seed) {
    const x = k.array([COUNT, 2]), u = k.array(COUNT), z = k.array([COUNT, 1]), y = k.array([COUNT, 1]);
    k[DRAW](seed, 0, 0, x.flat());
    x.set(x.data.map(v => 1.5 * v));
    k[UNIFORM](seed, 1, 0, u);
    k[NET](x, k.array([2, 1], TRUE), k.array(1), z);
    k[SIGMOID](z.flat(), y.flat());
    return { x, classes: k.array([COUNT, 1], u.data.map((draw, i) => Number(draw < y.data[i]))) };
  }

  // Gradient by the kernels and Hessian by hand, at one pair of weights.
  function derivatives(k, { x, classes }) {
    const w = k.array([2, 1]), b = k.array(1), z = k.array([COUNT, 1]), y = k.array([COUNT, 1]), dy = k.array([COUNT, 1]), dz = k.array([COUNT, 1]), dw = k.array([2, 1]);
    const forward = at => { w.set(at); k[NET](x, w, b, z); k[SIGMOID](z.flat(), y.flat()); };
    return {
      gradient(loss, at) {
        forward(at);
        if (loss === "squared") {
          k[`${SQUARED}_backward_kernel`](y, classes, dy, COUNT);
          k[SIGMOID_BACK](dy.flat(), z.flat(), dz.flat());
        } else {
          k[`${CROSS}_backward_kernel`](z.flat(), classes.flat(), dz.flat(), COUNT);
        }
        k[BACK](x, dz, dw);
        return dw.numbers();
      },
      hessian(loss, at) {
        forward(at);
        const made = [0, 0, 0], [p, q, t] = [x.data, y.data, classes.data];
        for (let i = 0; i < COUNT; i++) {
          const slope = q[i] * (1 - q[i]), bend = loss === "cross" ? slope : slope * slope + (q[i] - t[i]) * slope * (1 - 2 * q[i]);
          made[0] += (bend * p[2 * i] * p[2 * i]) / COUNT;
          made[1] += (bend * p[2 * i] * p[2 * i + 1]) / COUNT;
          made[2] += (bend * p[2 * i + 1] * p[2 * i + 1]) / COUNT;
        }
        return made;
      },
    };
  }

  // By descent until near, and by Newton's method to the last digit; it depends on the sample alone.
  const minima = {};
  function minimum({ gradient, hessian }, loss, seed) {
    const key = `${loss} ${seed}`;
    if (minima[key]) return minima[key];
    let w = TRUE;
    for (let n = 0; n < 300; n++) w = gradient(loss, w).map((g, i) => w[i] - 2 * g);
    for (let n = 0; n < 20; n++) {
      const [g, h] = gradient(loss, w), [a, b, d] = hessian(loss, w), det = a * d - b * b;
      w = [w[0] - (d * g - b * h) / det, w[1] - (a * h - b * g) / det];
    }
    const [a, b, d] = hessian(loss, w);
    return (minima[key] = { w, curvature: (a + d) / 2 + Math.hypot((a - d) / 2, b) });
  }

  // Both losses over the picture; they depend on the sample alone.
  const surfaces = {};
  function surface(k, seed, points) {
    if (surfaces[seed]) return surfaces[seed];
    return (surfaces[seed] = k.scope(() => {
      const { x, classes } = sample(k, seed), count = points.length / 2, w = k.array([count, 2], points);
      const across = k.array([2, COUNT], [0, 1].flatMap(j => Array.from({ length: COUNT }, (_, i) => x.data[2 * i + j])));
      const z = k.array([count, COUNT]), y = k.array([count, COUNT]), target = classes.view([1, COUNT]);
      k[NET](w, across, k.array(COUNT), z);
      k[SIGMOID](z.flat(), y.flat());
      const each = f => Array.from({ length: count }, (_, g) => f(g));
      return {
        squared: each(g => k[`${SQUARED}_kernel`](y.rows(g, g + 1), target, 1) / COUNT),
        cross: each(g => k[`${CROSS}_kernel`](z.row(g), target.flat(), COUNT)),
      };
    }));
  }

  const rate = (label, value) => ({ label, min: 0.1, max: 100, log: true, digits: 2, value });
  gradlab.figure("losses", {
    title: "Gradient descent of one perceptron on the squared error and on the cross-entropy",
    kernels: [DRAW, UNIFORM, NET, SIGMOID, SIGMOID_BACK, BACK, `${SQUARED}_kernel`, `${SQUARED}_backward_kernel`, `${CROSS}_kernel`, `${CROSS}_backward_kernel`],
    controls: {
      w1: { label: "start: weight w₁", min: -SIDE, max: SIDE, step: 0.1, value: -5 },
      w2: { label: "start: weight w₂", min: -SIDE, max: SIDE, step: 0.1, value: 4.5 },
      squared: rate("rate for the squared error, in units of 1/curvature", 1),
      cross: rate("rate for the cross-entropy, in units of 1/curvature", 1),
      steps: { label: "steps", min: 1, max: STEPS, log: true, whole: true, value: 30 },
      seed: { label: "seed of the points", min: 0, max: 9, step: 1, value: 0 },
    },

    compute(k, state) {
      const calculus = derivatives(k, sample(k, state.seed)), found = { paths: {}, distances: {}, minima: {}, curvatures: {}, slopes: {}, arrived: {} };
      for (const loss of Object.keys(LOSSES)) {
        const { w: end, curvature } = minimum(calculus, loss, state.seed), path = [[state.w1, state.w2]];
        for (let n = 0; n < state.steps; n++) {
          const w = path.at(-1), slope = calculus.gradient(loss, w);
          if (n === 0) found.slopes[loss] = Math.hypot(...slope);
          path.push(slope.map((g, i) => w[i] - (state[loss] / curvature) * g));
        }
        const distances = path.map(w => Math.hypot(w[0] - end[0], w[1] - end[1]));
        const last = distances.findLastIndex(d => d >= NEAR);
        Object.assign(found.paths, { [loss]: path });
        Object.assign(found.distances, { [loss]: distances });
        Object.assign(found.minima, { [loss]: end });
        Object.assign(found.curvatures, { [loss]: curvature });
        // The step from which on it stays near.
        found.arrived[loss] = last + 1 < distances.length ? last + 1 : -1;
      }
      return found;
    },

    say({ distances, slopes, arrived }, state) {
      const part = loss => `${LOSSES[loss].label} ` + (arrived[loss] >= 0 ? `is within ${NEAR} of its minimum from step ${arrived[loss]} on`
        : `is ${short(distances[loss].at(-1))} from its minimum after ${state.steps} ${state.steps === 1 ? "step" : "steps"}`);
      return `At the start the slope is ${short(slopes.squared)} for the squared error and ${short(slopes.cross)} for the cross-entropy. ` +
        `The ${part("squared")}; the ${part("cross")}.`;
    },

    draw(place, k) {
      const legend = tag("p", { className: "legend" });
      legend.innerHTML = Object.values(LOSSES).map(look => `${swatch(look)} ${look.label}`).join("; ") + `; ${swatch({ color: "none", mark: "+" })} minimum`;
      legend.querySelectorAll("path[fill=none]").forEach(path => path.setAttribute("stroke", "currentColor"));
      place.before(legend);
      const w = { domain: [-SIDE, SIDE], ticks: 5 };
      const maps = Object.fromEntries(Object.entries(LOSSES).map(([loss, { label }]) => [loss, plot(place, {
        square: true, height: 215, title: label, alt: "", x: { ...w, label: "w₁" }, y: { ...w, label: "w₂" },
      })]));
      const fall = plot(place, { height: 190, title: "distance from the minimum", alt: "", x: { label: "step", domain: [0, 30] }, y: { domain: [1e-3, 30], log: true } });

      return (n, state) => {
        const seen = Object.values(n.distances).flat().filter(v => v > 0 && Number.isFinite(v));
        fall.axes({ x: { domain: [0, state.steps] }, y: { domain: [Math.max(1e-6, 0.5 * d3.min(seen)), 2 * d3.max(seen)] } });
        for (const [loss, { color, dash, mark, label }] of Object.entries(LOSSES)) {
          const values = surface(k, state.seed, maps.squared.grid(GRID, GRID))[loss], [low, high] = d3.extent(values);
          const path = n.paths[loss], x = path.map(p => p[0]), y = path.map(p => p[1]), distances = n.distances[loss];
          const levels = Array.from({ length: 13 }, (_, i) => low + ((i + 1) / 14) * (high - low));
          maps[loss].contours("surface", { values, columns: GRID, rows: GRID, levels })
            .line("path", { x, y, color, width: 1.2 }).points("steps", { x, y, color, mark, size: path.length > 60 ? 0.5 : 0.8 })
            .points("start", { x: x.slice(0, 1), y: y.slice(0, 1), color, mark: "D" })
            .points("minimum", { x: [n.minima[loss][0]], y: [n.minima[loss][1]], color: "currentColor", mark: "+" })
            .describe(`Contour lines of the ${label} and the path of gradient descent, from ${short(distances[0])} to ${short(distances.at(-1))} from the minimum.`);
          fall.line(loss, { x: d3.range(path.length), y: distances.map(v => Math.max(v, 1e-7)), color, dash, width: 1.8 });
        }
        fall.describe(`Distance from the minimum after ${state.steps} steps: ${short(n.distances.squared.at(-1))} for the squared error, ` +
          `${short(n.distances.cross.at(-1))} for the cross-entropy.`);
      };
    },
  });
}
