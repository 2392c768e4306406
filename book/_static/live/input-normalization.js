"use strict";
// Input normalization: two inputs of the reader's means, deviations and correlation, what treatments make of them, and of the
// loss of a linear unit over its two weights.
{
  const { blue, orange, green, purple, gray } = gradlab.colors, { short } = gradlab, red = "#c0475f";
  const TREATMENTS = {
    raw: { label: "as they are", color: orange, dash: "--", mark: "s" },
    centered: { label: "centered", color: purple, dash: ":", mark: "^" },
    standardized: { label: "standardized", color: green, dash: "-.", mark: "D" },
    rotated: { label: "centered and rotated", color: red, dash: "--", mark: "^" },
    pca: { label: "whitened, PCA", color: gray, dash: "-", mark: "D" },
    zca: { label: "whitened, ZCA", color: blue, dash: "-", mark: "o" },
  };
  const EXAMPLES = 80, SEED = 5, START = [-1.3, 0.3, 0], MOST = 2000;

  const AROUND = d3.range(361).map(n => [Math.cos((n * Math.PI) / 180), Math.sin((n * Math.PI) / 180)]);

  const NORMAL = "_random._normal_draws_kernel", STATISTICS = "input_normalization._column_statistics_kernel";
  const DIVIDE = "input_normalization._standardize_kernel", SCALES = "input_normalization._whitening_scales_kernel";
  const HESSIAN = "input_normalization._hessian_kernel", PRODUCT = "backpropagation._net_input_kernel";
  const VALUE = "landscapes._quadratic_kernel", DESCENT = "gradient_descent._quadratic_descent_kernel";

  const pairs = (k, values) => k.array([EXAMPLES, 2], values);
  function times(k, x, matrix) {
    const out = pairs(k);
    k[PRODUCT](x, k.array([2, 2], matrix), k.array(2), out);
    return out;
  }
  function divided(k, x, mean, scale) {
    const out = pairs(k);
    k[DIVIDE](x, mean, scale, out);
    return out;
  }
  function statistics(k, x) {
    const [mean, work, deviation] = [k.array(2), k.array(2), k.array(2)];
    k[STATISTICS](x, 0, mean, work, deviation);
    return { mean, deviation };
  }

  // The principal directions, as the columns of a matrix, and the deviations along them, the larger one first: of two columns
  // one rotation is a singular value decomposition. The larger entry of each direction is positive.
  function principal(k, x) {
    let [a, b, c] = [0, 0, 0];
    for (let i = 0, values = x.data; i < EXAMPLES; i++) {
      const [p, q] = [values[2 * i], values[2 * i + 1]];
      [a, b, c] = [a + p * p, b + p * q, c + q * q];
    }
    const angle = Math.atan2(2 * b, a - c) / 2, [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    const signed = ([p, q]) => ((Math.abs(p) >= Math.abs(q) ? p : q) < 0 ? [-p, -q] : [p, q]);
    const [first, second] = [signed([cos, sin]), signed([-sin, cos])], turn = [first[0], second[0], first[1], second[1]];
    return { turn, back: [...first, ...second], deviation: statistics(k, times(k, x, turn)).deviation };
  }

  function whitened(k, x, eps) {
    const { turn, back, deviation } = principal(k, x), [scale, inverse] = [k.array(2), k.array(2)];
    k[SCALES](deviation, eps, scale, inverse);
    const rotated = times(k, x, turn), pca = divided(k, rotated, k.array(2), scale);
    return { rotated, pca, zca: times(k, pca, back) };
  }

  // Inputs whose means, deviations and correlation are those of the sliders, and not only of a population.
  function inputs(k, { mean1, mean2, deviation1, deviation2, correlation: r }) {
    const draws = pairs(k);
    k[NORMAL](SEED, 0, 0, draws.flat());
    const centered = divided(k, draws, statistics(k, draws).mean, k.array(2, 1));
    const shape = [deviation1, r * deviation2, 0, Math.sqrt(1 - r * r) * deviation2];
    const x = times(k, whitened(k, centered, 0).zca, shape), values = x.data;
    for (let i = 0; i < EXAMPLES; i++) {
      values[2 * i] += mean1;
      values[2 * i + 1] += mean2;
    }
    return x;
  }

  function treated(k, x, eps) {
    const { mean, deviation } = statistics(k, x), centered = divided(k, x, mean, k.array(2, 1));
    return { raw: x, centered, standardized: divided(k, x, mean, deviation), ...whitened(k, centered, eps) };
  }

  // Eigenvalues of a symmetric matrix, by rotations that make an entry 0 after the other.
  function eigenvalues(rows) {
    const a = rows.map(row => [...row]), n = a.length;
    for (let sweep = 0; sweep < 12; sweep++) {
      for (let p = 0; p < n; p++) {
        for (let q = p + 1; q < n; q++) {
          const angle = Math.atan2(2 * a[p][q], a[p][p] - a[q][q]) / 2, [c, s] = [Math.cos(angle), Math.sin(angle)];
          for (const row of a) [row[p], row[q]] = [c * row[p] + s * row[q], c * row[q] - s * row[p]];
          [a[p], a[q]] = [a[p].map((each, j) => c * each + s * a[q][j]), a[q].map((each, j) => c * each - s * a[p][j])];
        }
      }
    }
    return d3.extent(a.map((row, j) => row[j]));
  }

  // The loss above its minimum is half of a quadratic form in the distance from the best weights, of the second moments.
  function landscape(k, x, { steps, rate, bias }) {
    const whole = k.array([3, 3]), size = bias ? 3 : 2;
    k[HESSIAN](x, whole);
    const rows = d3.range(size).map(i => Array.from(whole.row(i).data.subarray(0, size)));
    const [smallest, largest] = eigenvalues(rows), eta = (2 * rate) / (smallest + largest);
    const trajectory = k.array([MOST + 1, size]), losses = k.array(MOST + 1), matrix = k.array([size, size], rows.flat());
    trajectory.data.set(START.slice(0, size));
    k[DESCENT](matrix, k.array(MOST, eta), trajectory);
    k[VALUE](trajectory, matrix, losses);
    const [at, seen] = [trajectory.data, losses.data], shown = d3.range(steps + 1);
    return {
      hessian: [...rows[0].slice(0, 2), ...rows[1].slice(0, 2)], condition: largest / smallest, diverges: eta * largest > 2,
      path: shown.map(t => [at[size * t], at[size * t + 1]]), loss: shown.map(t => seen[t] / seen[0]),
      // How far it is to a hundredth of the loss, also beyond the steps that are shown.
      arrived: seen.findIndex(each => each <= 0.01 * seen[0]),
    };
  }

  gradlab.figure("input-normalization", {
    title: "Two inputs that you shape, what treatments make of them, and the loss of a linear unit",
    kernels: [NORMAL, STATISTICS, DIVIDE, SCALES, HESSIAN, PRODUCT, VALUE, DESCENT],
    controls: {
      treatments: { label: "inputs", several: true, choices: TREATMENTS, value: ["raw", "centered", "standardized", "zca"] },
      mean1: { label: "mean of the first input", min: -5, max: 5, step: 0.1, value: 2 },
      mean2: { label: "mean of the second", min: -5, max: 5, step: 0.1, value: 1.6 },
      deviation1: { label: "standard deviation of the first", min: 0.05, max: 5, log: true, digits: 2, value: 1 },
      deviation2: { label: "standard deviation of the second", min: 0.05, max: 5, log: true, digits: 2, value: 0.43 },
      correlation: { label: "correlation", min: -0.99, max: 0.99, step: 0.01, value: 0.81 },
      eps: { label: "ε of the whitening", min: 1e-6, max: 10, log: true, digits: 2, value: 1e-6 },
      steps: { label: "steps", min: 1, max: 100, step: 1, value: 15 },
      rate: { label: "learning rate, in units of the best", min: 0.1, max: 2, step: 0.01, value: 1 },
      bias: { label: "the unit has a bias", value: false },
    },

    compute(k, state) {
      const x = treated(k, inputs(k, state), state.eps), found = {};
      for (const name of state.treatments) found[name] = { x: x[name].numbers(), ...k.scope(() => landscape(k, x[name], state)) };
      return { found };
    },

    say({ found }, { treatments, bias }) {
      if (!treatments.length) return "No inputs are chosen.";
      const each = treatments.map(name => {
        const { condition, arrived, diverges } = found[name];
        const steps = diverges ? "none, as it diverges" : arrived < 0 ? `more than ${MOST}` : arrived;
        return `${TREATMENTS[name].label} ${short(condition)} and ${steps}`;
      });
      return `Condition number of the loss, and steps until a hundredth of it is left: ${each.join("; ")}.${bias ? " Level lines are those at the best bias." : ""}`;
    },

    draw(place, k) {
      const cloud = gradlab.plot(place, {
        square: true, title: "the inputs", alt: "The examples.", height: 200,
        x: { label: "first input", domain: [-3.6, 5] }, y: { label: "second input", domain: [-2.6, 3.2] },
      });
      const map = gradlab.plot(place, {
        square: true, title: "level lines and paths", alt: "Level lines of the loss, and paths of gradient descent.", height: 200,
        x: { label: "first weight, from the best one", domain: [-2, 1.7] }, y: { label: "second weight", domain: [-1.5, 1.5] },
      });
      const fall = gradlab.plot(place, {
        title: "loss, as a part of that at the start", alt: "Loss against the step.", height: 200,
        x: { label: "step", domain: [0, 15] }, y: { domain: [1e-6, 1], log: true },
      });

      return ({ found }, { treatments, steps }) => {
        const all = treatments.flatMap(name => found[name].x), ofColumn = j => all.filter((_, n) => n % 2 === j);
        const around = ([low, high], least) => { const half = Math.max(least, 0.55 * (high - low)); return [(low + high) / 2 - half, (low + high) / 2 + half]; };
        if (all.length) cloud.axes({ x: { domain: around(d3.extent(ofColumn(0)), 3) }, y: { domain: around(d3.extent(ofColumn(1)), 2.5) } });
        cloud.points("zero", { x: [0], y: [0], mark: "+", color: "currentColor" });
        map.points("minimum", { x: [0], y: [0], mark: "+", color: "currentColor" });
        map.text("start", { x: START[0] - 0.06, y: START[1], text: "start", anchor: "end" });
        const seen = treatments.flatMap(name => found[name].loss).filter(each => each > 0).map(Math.log10), within = (v, low, high) => Math.min(high, Math.max(low, v));
        const floor = within(Math.floor(d3.min(seen) ?? 0), -8, -2), top = within(Math.ceil((d3.max(seen) ?? 0) - 0.01), 0, 8);
        fall.axes({ x: { domain: [-0.02 * steps, 1.02 * steps] }, y: { domain: [10 ** floor, 10 ** top] } });
        for (const name of treatments) {
          const { color, dash, mark } = TREATMENTS[name], { x, hessian, path, loss } = found[name];
          cloud.points(name, { x: x.filter((_, n) => n % 2 === 0), y: x.filter((_, n) => n % 2), color, mark, opacity: 0.55 });
          // As far in each direction as the loss is that of the start.
          const [start, ...losses] = of([...START.slice(0, 2), ...AROUND.flat()], hessian), far = losses.map(each => Math.sqrt(start / each));
          map.line(`${name} levels`, { x: far.map((r, n) => r * AROUND[n][0]), y: far.map((r, n) => r * AROUND[n][1]), color, width: 1.6 });
          const [first, second] = [path.map(p => p[0]), path.map(p => p[1])];
          map.line(name, { x: first, y: second, color, dash, width: 0.8 }).points(`${name} steps`, { x: first, y: second, color, mark });
          const shown = loss.map(each => Math.max(each, 1e-12));
          fall.line(name, { x: d3.range(steps + 1), y: shown, color, dash }).points(`${name} end`, { x: [steps], y: shown.slice(-1), color, mark });
        }
        cloud.only(["zero", ...treatments]);
        map.only(["minimum", "start", ...treatments.flatMap(name => [name, `${name} levels`, `${name} steps`])]);
        fall.only(treatments.flatMap(name => [name, `${name} end`]));
        const list = text => treatments.map(name => `${TREATMENTS[name].label}${text(found[name])}`).join("; ");
        cloud.describe(`Eighty examples of two inputs: ${list(() => "")}.`);
        map.describe(`Level lines of the loss and paths of ${steps} steps, with condition numbers: ${list(({ condition }) => ` ${short(condition)}`)}.`);
        fall.describe(`Loss as a part of that at the start, after ${steps} steps: ${list(({ loss }) => ` ${short(loss[steps], 2)}`)}.`);
      };

      function of(points, hessian) {
        const out = k.array(points.length / 2);
        k[VALUE](k.array([points.length / 2, 2], points), k.array([2, 2], hessian), out);
        return out.numbers();
      }
    },
  });
}
