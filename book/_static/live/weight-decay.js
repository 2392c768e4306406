// Weight decay on a polynomial: the reader sets the strength, the degree, the points and their noise.
"use strict";
{
  const { colors, plot, short } = gradlab;
  const LINE = 201, DRAWS = 5, LOWEST = 1e-8, HIGHEST = 10;
  const STRENGTHS = Array.from({ length: 55 }, (_, k) => 10 ** (-8 + k / 6));
  const PRODUCT = "backpropagation._net_input_kernel", ERROR = "losses._squared_error_kernel", PENALTY = "weight_decay._l2_penalty_kernel";
  const UNIFORM = "_random._uniform_draws_kernel", NORMAL = "_random._normal_draws_kernel";
  const truth = x => 1 + Math.sin(Math.PI * x);
  const line = Float64Array.from({ length: LINE }, (_, k) => -1 + (2 * k) / (LINE - 1));
  const dot = (a, b) => a.reduce((sum, value, k) => sum + value * b[k], 0);
  const mean = values => values.reduce((a, b) => a + b, 0) / values.length;

  // Turns columns into each other until they are orthogonal (one-sided Jacobi), with the directions that they stand for.
  function orthogonal(columns) {
    const turned = columns.map(each => [...each]), directions = columns.map((_, k) => columns.map((_, j) => Number(j === k)));
    const least = 1e-30 * Math.max(...turned.map(each => dot(each, each)));
    const rotate = (pair, c, s) => pair[0].forEach((value, i) => {
      [pair[0][i], pair[1][i]] = [c * value - s * pair[1][i], s * value + c * pair[1][i]];
    });
    for (let sweep = 0, again = true; again && sweep < 60; sweep++) {
      again = false;
      for (let p = 0; p < turned.length; p++) {
        for (let q = p + 1; q < turned.length; q++) {
          const a = dot(turned[p], turned[p]), b = dot(turned[q], turned[q]), g = dot(turned[p], turned[q]);
          if (a < least || b < least || Math.abs(g) <= 1e-15 * Math.sqrt(a * b)) continue;
          const half = (b - a) / (2 * g), t = (half < 0 ? -1 : 1) / (Math.abs(half) + Math.hypot(1, half)), c = 1 / Math.hypot(1, t);
          for (const pair of [[turned[p], turned[q]], [directions[p], directions[q]]]) rotate(pair, c, c * t);
          again = true;
        }
      }
    }
    return [turned, directions];
  }

  // One draw of the points, as gradlab._random gives it in Python, and what each strength makes of it.
  function fitted(k, { degree, points: count, noise, bias }, seed, strengths) {
    const u = k.array(count), e = k.array(count);
    k[UNIFORM](seed, 0, 0, u);
    k[NORMAL](seed, 1, 0, e);
    // One point in each part of the line.
    const x = Array.from(u.data, (value, i) => (2 * i + 2 * value) / count - 1), y = Array.from(e.data, (value, i) => truth(x[i]) + noise * value);
    const powers = Array.from({ length: degree }, (_, d) => x.map(each => each ** (d + 1)));
    const means = powers.map(mean), level = mean(y);
    // A bias outside the penalty is what makes the mean right; inside, it is the weight of a power 0.
    const columns = bias ? [...powers, x.map(() => 1)] : powers.map((each, d) => each.map(value => value - means[d]));
    const targets = bias ? y : y.map(value => value - level);
    const [turned, directions] = orthogonal(columns), along = turned.map(each => dot(each, targets)), squares = turned.map(each => dot(each, each));
    const rows = strengths.map(strength => {
      const parts = along.map((value, j) => value / (squares[j] + count * strength));
      const w = columns.map((_, d) => parts.reduce((sum, part, j) => sum + part * directions[j][d], 0));
      return bias ? w : [...w, level - dot(w, means)];
    });
    const all = [...x, ...line], inputs = [...Array.from({ length: degree }, (_, d) => all.map(each => each ** (d + 1))), all.map(() => 1)].flat();
    const weights = k.array([strengths.length, degree + 1], rows.flat()), out = k.array([strengths.length, all.length]);
    k[PRODUCT](weights, k.array([degree + 1, all.length], inputs), k.array(all.length), out);
    const given = k.array([1, count], y), curve = k.array([1, LINE], line.map(truth));
    const found = { x, y, h: squares.map(each => each / count), train: [], error: [], norm: [], slope: [], fit: [] };
    strengths.forEach((_, at) => {
      const row = out.row(at), fit = row.view([1, LINE], count), values = fit.numbers();
      found.train.push(Math.sqrt((2 * k[ERROR](row.view([1, count]), given, 1)) / count));
      found.error.push(Math.sqrt((2 * k[ERROR](fit, curve, 1)) / LINE));
      found.norm.push(Math.sqrt(k[PENALTY](weights.row(at).view([degree]), 2)));
      found.slope.push(d3.max(d3.pairs(values), ([a, b]) => (Math.abs(b - a) * (LINE - 1)) / 2));
      found.fit.push(values);
    });
    return found;
  }

  gradlab.figure("weight-decay", {
    title: "A polynomial fitted to noisy points under weight decay",
    kernels: [PRODUCT, ERROR, PENALTY, UNIFORM, NORMAL],
    controls: {
      strength: { label: "strength λ", min: LOWEST, max: HIGHEST, log: true, value: 1e-7 },
      degree: { label: "degree of the polynomial", min: 1, max: 15, step: 1, value: 12 },
      points: { label: "points", min: 4, max: 60, step: 1, value: 14 },
      noise: { label: "noise, standard deviation", min: 0, max: 1, step: 0.05, value: 0.25 },
      seed: { label: "draw of the points", min: 0, max: 99, step: 1, value: 2 },
      bias: { label: "decay the bias, too", value: false },
    },

    compute(k, state) {
      const each = d3.range(DRAWS).map(draw => fitted(k, state, state.seed + draw, STRENGTHS));
      const draws = Object.fromEntries(["train", "error", "norm", "slope"].map(name => [name, each.map(draw => draw[name])]));
      const now = fitted(k, state, state.seed, [state.strength]);
      return {
        draws, x: now.x, y: now.y, h: now.h.sort(d3.descending), fit: now.fit[0],
        at: [now.train[0], now.error[0], now.norm[0], now.slope[0]],
        best: draws.error.map(error => STRENGTHS[d3.scan(error)]),
      };
    },

    say({ draws, at, h, best }, { strength, degree, points, noise }) {
      const kept = h.filter(each => each >= strength).length, [low, high] = d3.extent(best).map(each => short(each, 1));
      const spread = low === high ? `${low} in each` : `between ${low} and ${high}`;
      return `With λ = ${short(strength, 2)} the polynomial is ${short(at[0], 2)} from its points and ${short(at[1], 2)} from the curve that they were drawn from (root mean ` +
        `squares); its weights have the length ${short(at[2], 2)}. ${kept} of ${h.length} directions have a curvature of λ or more. In this draw the curve is approached ` +
        `best at λ = ${short(best[0], 1)}, with an error of ${short(d3.min(draws.error[0]), 2)}; in five draws of ${points} points with noise of ${short(noise, 2)} the best ` +
        `strength for degree ${degree} is ${spread}.`;
    },

    draw(place) {
      const legend = gradlab.tag("p", { className: "legend" });
      const look = (color, dash) => gradlab.swatch({ color, dash });
      legend.innerHTML = `${look(colors.blue, "-")} polynomial, its error on the curve; ${look(colors.gray, "--")} curve; ${look(colors.orange, "--")} error on the points ` +
        "(diamonds). Bold: this draw of the points; faint: the next four draws. Upright line: the strength that you set.";
      place.before(legend);
      const strengths = { label: "strength λ", domain: [LOWEST, HIGHEST], log: true, ticks: 4 };
      const map = plot(place, { title: "polynomial", alt: "", x: { label: "x", domain: [-1, 1] }, y: { domain: [-1.5, 3.5] } });
      const errors = plot(place, { title: "root mean square error", alt: "", x: strengths, y: { domain: [0.02, 10], log: true } });
      const sizes = plot(place, { title: "length of the weights, steepest slope", alt: "", x: strengths, y: { domain: [0.01, 1000], log: true } });
      const shares = plot(place, {
        title: "share left of each direction, h / (h + λ)", alt: "",
        x: { label: "curvature h of the loss along it", domain: [LOWEST, HIGHEST], log: true, ticks: 4 }, y: { domain: [0, 1.05] },
      });
      const curves = [
        [errors, "train", "on the points (dashed)", colors.orange, "--", 0, [7, 5.5]], [errors, "error", "on the curve (solid)", colors.blue, "-", 1, [7, 2.8]],
        [sizes, "norm", "length of the weights (solid)", colors.green, "-", 2, [7, 500]], [sizes, "slope", "steepest slope (dashed)", colors.purple, "--", 3, [7, 180]],
      ];
      for (const [axes, name, text, color, , , [x, y]] of curves) axes.text(`${name} text`, { x, y, text, color, anchor: "end" });

      return ({ draws, x, y, fit, at, h }, { strength }) => {
        map.line("truth", { x: line, y: Array.from(line, truth), color: colors.gray, dash: "--", width: 1 }).line("fit", { x: line, y: fit, color: colors.blue, width: 1.8 });
        map.points("points", { x, y, color: colors.orange, mark: "D" });
        for (const [axes, name, , color, dash, which] of curves) {
          const [low] = axes.domain("y"), raised = all => all.map(value => Math.max(value, low));
          draws[name].forEach((values, n) => axes.line(`${name}${n}`, { x: STRENGTHS, y: raised(values), color, dash, width: n ? 0.8 : 1.8, opacity: n ? 0.35 : 1 }));
          axes.points(`${name} now`, { x: [strength], y: raised([at[which]]), color });
          axes.line("now", { x: [strength, strength], y: axes.domain("y"), color: "currentColor", width: 0.8, opacity: 0.7 });
        }
        const share = each => each / (each + strength), shown = h.filter(each => each >= LOWEST);
        shares.line("law", { x: STRENGTHS, y: STRENGTHS.map(share), color: colors.gray });
        shares.line("now", { x: [strength, strength], y: [0, 1.05], color: "currentColor", width: 0.8, opacity: 0.7 });
        shares.points("directions", { x: shown, y: shown.map(share), color: colors.green });
        map.describe(`A polynomial through ${x.length} points: ${short(at[0], 2)} from them and ${short(at[1], 2)} from the curve.`);
        errors.describe(`Errors against the strength; at ${short(strength, 2)} on the points ${short(at[0], 2)} and on the curve ${short(at[1], 2)}.`);
        sizes.describe(`At ${short(strength, 2)} the weights have the length ${short(at[2], 2)}, and the steepest slope is ${short(at[3], 2)}.`);
        shares.describe(`Of ${h.length} directions the share that is left: ${h.map(each => short(share(each), 1)).join(", ")}.`);
      };
    },
  });
}
