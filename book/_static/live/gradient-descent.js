// Gradient descent on the bowl of two correlated inputs: the reader sets their correlation and the learning rate.
{
  const { blue, orange, green } = gradlab.colors, short = (...given) => gradlab.short(...given).replace("-", "−");
  const VALUE = "landscapes._quadratic_kernel", DESCENT = "gradient_descent._quadratic_descent_kernel";
  const START = [-0.3, 1.75];
  // Along (1, 1) and (1, -1) the curvatures are 1 + r and 1 - r; which of them is steep depends on the sign of r.
  const AXES = [{ name: "steep axis", color: orange, dash: "--", mark: "s" }, { name: "flat axis", color: blue, dash: "-", mark: "o" }];
  const curvatures = r => [1 + Math.abs(r), 1 - Math.abs(r)];
  const hessian = r => [1, r, r, 1];

  function fate(factor) {
    const size = Math.abs(factor);
    if (Math.abs(size - 1) < 1e-9) return factor > 0 ? "stays where it is" : "jumps back and forth forever";
    if (size > 1) return "diverges";
    if (size < 1e-9) return "arrives in one step";
    return factor > 0 ? "approaches from one side" : "jumps across and converges";
  }

  gradlab.figure("gradient-descent", {
    title: "Gradient descent on a bowl whose correlation and rate you set",
    kernels: [VALUE, DESCENT],
    controls: {
      rate: { label: "learning rate", min: 0.01, max: 3, log: true, digits: 3, value: 1.08 },
      correlation: { label: "correlation of the inputs", min: -0.99, max: 0.99, step: 0.01, value: 0.8 },
      steps: { label: "steps", min: 1, max: 200, step: 1, value: 30 },
      best: { label: "Minimax rate", press: () => ({ rate: 1 }) },
      cautious: { label: "One over the largest curvature", press: ({ correlation }) => ({ rate: 1 / curvatures(correlation)[0] }) },
    },

    compute(k, { rate, correlation, steps }) {
      const trajectory = k.array([steps + 1, 2], [...START, ...new Array(2 * steps).fill(0)]);
      k[DESCENT](k.array([2, 2], hessian(correlation)), k.array(steps, new Array(steps).fill(rate)), trajectory);
      const flat = trajectory.numbers(), path = d3.range(steps + 1).map(t => flat.slice(2 * t, 2 * t + 2));
      const sum = path.map(([x, y]) => Math.abs(x + y) / Math.SQRT2), difference = path.map(([x, y]) => Math.abs(x - y) / Math.SQRT2);
      return {
        path, distances: correlation < 0 ? [difference, sum] : [sum, difference],
        factors: curvatures(correlation).map(h => 1 - rate * h),
      };
    },

    say({ path, factors }, { correlation, steps }) {
      const [steep, flat] = curvatures(correlation), [x, y] = path.at(-1), end = Math.hypot(x, y);
      return `The curvatures are ${short(steep)} and ${short(flat)}, and descent is stable below the rate ${short(2 / steep)}. ` +
        `Each step multiplies the distance along the steep axis by ${short(factors[0])} (it ${fate(factors[0])}) and along the flat axis by ` +
        `${short(factors[1])} (it ${fate(factors[1])}). After ${steps} ${steps === 1 ? "step" : "steps"} the distance from the minimum is ` +
        `${Number.isFinite(end) ? short(end, 2) : "more than 10³⁰⁸"}; it was ${short(Math.hypot(...START), 2)}.`;
    },

    draw(place, k) {
      const map = gradlab.plot(place, {
        square: true, title: "path", alt: "The path over the contours of the bowl.",
        x: { label: "w₁", domain: [-2.4, 2.4] }, y: { label: "w₂", domain: [-2, 2] },
      });
      const fall = gradlab.plot(place, {
        title: "distance along the axes", alt: "Distance along both axes of the bowl against the step.",
        x: { label: "step", domain: [0, 30] }, y: { domain: [1e-6, 1e3], log: true },
      });

      return ({ path, distances }, state) => {
        const columns = 80, rows = 70, points = map.grid(columns, rows);
        map.contours("bowl", { values: values(points, state), columns, rows, levels: [0.02, 0.1, 0.3, 0.65, 1.2, 2] });
        const x = path.map(p => p[0]), y = path.map(p => p[1]);
        map.line("path", { x, y, color: blue, width: 1.1 }).points("steps", { x, y, color: blue });
        map.points("minimum", { x: [0], y: [0], mark: "+", color: green });
        map.text("start", { x: START[0] - 0.1, y: START[1], text: "start", anchor: "end" });
        // Five decades at least, as far as ten to the power of twelve either way.
        const seen = distances.flat().filter(v => v > 0 && Number.isFinite(v));
        const within = (v, low, high) => Math.min(high, Math.max(low, v));
        const low = 10 ** within(Math.floor(Math.log10(d3.min(seen))), -12, -4), high = 10 ** within(Math.ceil(Math.log10(d3.max(seen))), 1, 12);
        fall.axes({ x: { domain: [0, state.steps] }, y: { domain: [low, high] } });
        AXES.forEach(({ name, color, dash, mark }, axis) => {
          const at = { x: d3.range(path.length), y: distances[axis].map(v => Math.max(v, low)), color };
          fall.line(`${name} line`, { ...at, dash }).points(`${name} points`, { ...at, mark });
          // The names stand one below the other in the upper right corner.
          const shift = (high / low) ** (0.05 + 0.08 * axis);
          fall.text(name, { x: state.steps * 0.98, y: high / shift, text: name, anchor: "end" });
          fall.points(`${name} key`, { x: [state.steps * 0.6], y: [(high / shift) * (high / low) ** 0.02], color, mark });
        });
        fall.describe(`Distance along the axes after ${state.steps} steps: steep ${short(distances[0].at(-1), 2)}, flat ${short(distances[1].at(-1), 2)}.`);
      };

      function values(points, state) {
        const at = k.array([points.length / 2, 2], points), out = k.array(points.length / 2);
        k[VALUE](at, k.array([2, 2], hessian(state.correlation)), out);
        return out.numbers();
      }
    },
  });
}
