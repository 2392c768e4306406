// Schedules in a noisy valley: the expected loss exactly, by its recursion, and one draw of the noise as a path.
"use strict";
{
  const { blue, orange, green, purple, gray } = gradlab.colors, { short } = gradlab, red = "#c0475f";
  const NORMAL = "_random._normal_draws_kernel", VALUE = "landscapes._quadratic_kernel", GRADIENT = "landscapes._quadratic_gradient_kernel";
  const STEP = "optimizers._sgd_kernel", START = [10, 1], COUNT = 61, LOWEST = 0.01, HIGHEST = 3;
  const RATES = Array.from({ length: COUNT }, (_, i) => LOWEST * (HIGHEST / LOWEST) ** (i / (COUNT - 1)));

  // The kernel of a schedule, and what it takes besides the steps, for a largest rate of 1 that ends at the share f after T steps.
  const SCHEDULES = {
    constant: { label: "constant", color: purple, dash: ":", mark: "^", given: () => ["power", 1, 1, 0] },
    power: { label: "power (c = 1)", color: gray, dash: ":", mark: "D", given: (_, T, f) => ["power", 1, (T * f) / (1 - f), 1] },
    exponential: { label: "exponential", color: red, dash: "--", mark: "D", given: (_, T, f) => ["exponential", 1, T, f] },
    step: { label: "three steps", color: gray, dash: "-", mark: "s", given: (_, T, f) => ["step", 1, T / 4, f ** (1 / 3)] },
    cosine: { label: "cosine", color: blue, dash: "-", mark: "o", given: (_, T, f) => ["cosine", 1, T, f] },
    warm: {
      label: "warm-up and cosine", color: orange, dash: "--", mark: "s",
      given: (_, T, f, warm) => ["warmup_cosine", 0, 1, Math.floor((warm * T) / 100), T, f],
    },
    cycle: {
      label: "one cycle", color: green, dash: "-.", mark: "^",
      given: (k, T, f) => ["one_cycle", k.array(3, [0, Math.floor(0.3 * T), T]), k.array(3, [Math.max(f, 1 / 25), 1, f]), true],
    },
  };
  const kernelOf = name => `schedules._${name}${name === "one_cycle" ? "" : "_decay"}_kernel`;

  function shape(k, name, { steps, final, warm }) {
    const out = k.array(steps), [kernel, ...given] = SCHEDULES[name].given(k, steps, final, warm);
    k[kernelOf(kernel)](k.array(steps, d3.range(steps)), ...given, out);
    return out.numbers();
  }

  // The expected loss before each step and after the last, by equation sched-noisy-bowl along both axes; or the last alone.
  function expected(rates, peak, { condition, noise }, told = () => {}) {
    let [flat, steep] = START.map(each => each * each);
    const h = 1 / condition, loss = () => (h * flat + steep) / 2;
    for (const each of rates) {
      const rate = peak * each, added = rate * rate * noise * noise;
      told(loss());
      flat = (1 - rate * h) ** 2 * flat + added;
      steep = (1 - rate) ** 2 * steep + added;
    }
    told(loss());
    return loss();
  }

  const hessian = condition => [1 / condition, 0, 0, 1];
  function path(k, rates, peak, { condition, noise, seed }) {
    const w = k.array([1, 2], START), g = k.array([1, 2]), h = k.array([2, 2], hessian(condition)), draws = k.array(2 * rates.length);
    k[NORMAL](seed, 0, 0, draws);
    const [points, flat, slope] = [[START], w.flat(), g.flat()];
    rates.forEach((rate, t) => {
      k[GRADIENT](w, h, g);
      g.data[0] += noise * draws.data[2 * t];
      g.data[1] += noise * draws.data[2 * t + 1];
      k[STEP](flat, slope, 1, 0, peak * rate);
      points.push(w.numbers());
    });
    return points;
  }

  gradlab.figure("schedules", {
    title: "Schedules in a valley whose gradient is seen with noise",
    kernels: [NORMAL, VALUE, GRADIENT, STEP, ...["power", "exponential", "step", "cosine", "warmup_cosine", "one_cycle"].map(kernelOf)],
    controls: {
      rate: { label: "largest rate", min: LOWEST, max: HIGHEST, log: true, digits: 2, value: 1 },
      steps: { label: "steps", min: 10, max: 500, log: true, whole: true, value: 200 },
      final: { label: "last rate as a share of the largest", min: 1e-4, max: 0.5, log: true, digits: 1, value: 0.01 },
      warm: { label: "warm-up, % of the steps", min: 0, max: 50, step: 1, value: 10 },
      noise: { label: "standard deviation of the noise", min: 0, max: 2, step: 0.05, value: 0.3 },
      condition: { label: "condition number of the valley", min: 1, max: 100, log: true, digits: 2, value: 20 },
      seed: { label: "seed of the noise on the map", min: 0, max: 99, step: 1, value: 0 },
      best: { label: "each at its own best rate", value: false },
      chosen: { label: "schedules", several: true, choices: SCHEDULES, value: ["constant", "exponential", "cosine"] },
    },

    compute(k, state) {
      const found = { rates: {}, losses: {}, ends: {}, peaks: {}, paths: {} };
      for (const name of state.chosen) {
        const rates = shape(k, name, state), ends = RATES.map(peak => expected(rates, peak, state)), losses = [];
        const peak = state.best ? RATES[d3.scan(ends)] : state.rate;
        expected(rates, peak, state, loss => losses.push(loss));
        Object.assign(found.rates, { [name]: rates.map(each => each * peak) });
        Object.assign(found.losses, { [name]: losses });
        Object.assign(found.ends, { [name]: ends });
        Object.assign(found.peaks, { [name]: peak });
        Object.assign(found.paths, { [name]: k.scope(() => path(k, rates, peak, state)) });
      }
      return found;
    },

    say({ losses, peaks }, { chosen, steps, rate, best, condition, noise }) {
      if (!chosen.length) return "No schedule is chosen.";
      const order = [...chosen].sort((a, b) => losses[a].at(-1) - losses[b].at(-1));
      const ends = order.map(name => `${SCHEDULES[name].label} ${short(losses[name].at(-1), 2)}${best ? ` (from ${short(peaks[name], 2)})` : ""}`);
      const floor = peaks.constant < 2 && noise > 0 ? (peaks.constant * noise * noise * (1 / (2 - peaks.constant) + 1 / (2 - peaks.constant / condition))) / 2 : 0;
      return `Expected loss above the minimum after ${steps} steps ${best ? "from the best of 61 rates for each" : `at a largest rate of ${short(rate)}`}: ${ends.join(", ")}. ` +
        (floor ? `The floor of the constant rate ${short(peaks.constant, 2)} is ${short(floor, 2)}. ` : "") +
        (noise ? "" : "Without noise there is no floor. ") +
        "A constant rate above 2 diverges across the valley.";
    },

    draw(place, k) {
      const steps = { label: "step", domain: [0, 200] };
      const rates = gradlab.plot(place, { title: "learning rate", alt: "", x: steps, y: { domain: [0.01, 1], log: true } });
      const fall = gradlab.plot(place, { title: "expected loss above the minimum", alt: "", x: steps, y: { domain: [1e-3, 10], log: true } });
      const map = gradlab.plot(place, {
        title: "one draw of the noise", alt: "", x: { label: "w₁", domain: [-4, 11] }, y: { label: "w₂", domain: [-2, 2] },
      });
      const last = gradlab.plot(place, {
        title: "expected loss at the end", alt: "", x: { label: "largest rate", domain: [LOWEST, HIGHEST], log: true }, y: { domain: [1e-3, 10], log: true },
      });

      // Decades around what is seen, within bounds.
      const decades = (values, low, high) => {
        const seen = values.filter(v => v > 0 && Number.isFinite(v)), power = (v, round) => 10 ** round(Math.log10(v) - 1e-9 * Math.sign(Math.log10(v)));
        const from = Math.max(low, power(d3.min(seen) ?? 1, Math.floor)), to = Math.min(high, power(d3.max(seen) ?? 1, Math.ceil));
        return [Math.min(from, to / 10), to];
      };

      let drawn;
      return (found, state) => {
        const all = what => Object.values(found[what]).flat();
        const within = (axes, values, low, high) => {
          axes.axes({ y: { domain: decades(values, low, high) } });
          const [bottom] = axes.domain("y");
          return each => each.map(v => Math.max(v, bottom));
        };
        for (const axes of [rates, fall]) axes.axes({ x: { domain: [0, state.steps] } });
        const raised = [within(rates, all("rates"), 1e-5, 10), within(fall, all("losses"), 1e-8, 100), within(last, all("ends"), 1e-8, 100)];
        if (drawn !== state.condition) {
          const columns = 70, rows = 60, at = k.array([columns * rows, 2], map.grid(columns, rows)), out = k.array(columns * rows);
          k[VALUE](at, k.array([2, 2], hessian(state.condition)), out);
          map.contours("valley", { values: out.data, columns, rows, levels: [0.02, 0.1, 0.3, 0.7, 1.4, 2.5, 5, 10, 20, 40] });
          drawn = state.condition;
        }
        for (const name of state.chosen) {
          const { color, dash, mark } = SCHEDULES[name], path = found.paths[name], x = path.map(p => p[0]), y = path.map(p => p[1]);
          rates.line(name, { x: d3.range(state.steps), y: raised[0](found.rates[name]), color, dash });
          fall.line(name, { x: d3.range(state.steps + 1), y: raised[1](found.losses[name]), color, dash });
          last.line(name, { x: RATES, y: raised[2](found.ends[name]), color, dash });
          last.points(`${name} now`, { x: [found.peaks[name]], y: raised[2](found.losses[name].slice(-1)), color, mark });
          map.line(name, { x, y, color, dash: "-", width: 0.7, opacity: 0.6 });
        }
        map.points("minimum", { x: [0], y: [0], mark: "+", color: "currentColor" });
        // Above all lines, where they end.
        for (const name of state.chosen) {
          const { color, mark } = SCHEDULES[name], [x, y] = found.paths[name].at(-1);
          map.points(`${name} end`, { x: [x], y: [y], color, mark });
        }
        for (const axes of [rates, fall]) axes.only(state.chosen);
        last.only(state.chosen.flatMap(name => [name, `${name} now`]));
        map.only(["valley", "minimum", ...state.chosen.flatMap(name => [name, `${name} end`])]);
        const each = what => state.chosen.map(name => `${SCHEDULES[name].label} ${what(name)}`).join("; ");
        rates.describe(`Learning rate against the step; from its largest to its last value: ${each(name => `${short(found.peaks[name], 2)} to ${short(found.rates[name].at(-1), 2)}`)}.`);
        fall.describe(`Expected loss against the step; at the end: ${each(name => short(found.losses[name].at(-1), 2))}.`);
        last.describe(`Expected loss after the last step against the largest rate; the least: ${each(name => `${short(d3.min(found.ends[name]), 2)} at ${short(RATES[d3.scan(found.ends[name])], 2)}`)}.`);
        map.describe(`A path of each schedule in the valley; their ends: ${each(name => `(${found.paths[name].at(-1).map(v => short(v, 2)).join(", ")})`)}.`);
      };
    },
  });
}
