// Mini-batches that move: what goes into batch normalization, what comes out in training, and at inference.
{
  const { colors, plot, short } = gradlab;
  const STEPS = 40, EPS = 1e-5;
  const DRAW = "_random._normal_draws_kernel", FORWARD = "batch_normalization._batch_norm_forward_kernel";
  const INFERENCE = "batch_normalization._batch_norm_inference_kernel", RUNNING = "batch_normalization._running_statistics_kernel";

  // Where a mini-batch comes from: mean and deviation of its distribution, which move from step to step.
  const center = (state, t) => state.drift * t;
  const spread = (state, t) => state.growth ** t;
  const mean = values => values.reduce((a, b) => a + b, 0) / values.length;
  const deviation = values => Math.sqrt(mean(values.map(v => (v - mean(values)) ** 2)));

  gradlab.figure("batch-normalization", {
    title: "Mini-batches that move, before and behind batch normalization",
    kernels: [DRAW, FORWARD, INFERENCE, RUNNING],
    controls: {
      batch: { label: "examples in a mini-batch B", min: 2, max: 128, log: true, digits: 2, whole: true, value: 16 },
      drift: { label: "drift of the mean, a mini-batch", min: -0.5, max: 0.5, step: 0.05, value: 0.2 },
      growth: { label: "factor of the deviation, a mini-batch", min: 0.9, max: 1.1, step: 0.01, value: 1.02 },
      gamma: { label: "scale γ", min: -3, max: 3, step: 0.1, value: 1 },
      beta: { label: "shift β", min: -4, max: 4, step: 0.1, value: 0 },
      momentum: { label: "weight m of the newest statistics", min: 0.01, max: 1, log: true, digits: 2, value: 0.1 },
      seed: { label: "seed", min: 0, max: 99, step: 1, value: 0 },
    },

    compute(k, state) {
      const B = state.batch, z = k.array([B, 1]), out = k.array([B, 1]), columns = k.array([6, 1]);
      const gamma = k.array(1, state.gamma), beta = k.array(1, state.beta), moments = k.array([1, 2, 1]);
      const runningMean = k.array(1, 0), runningVar = k.array(1, 1), moved = k.array([2, 1]);
      const rows = { before: [], after: [], inference: [], batchMean: [], runningMean: [], runningVar: [] };
      for (let t = 0; t < STEPS; t++) {
        k[DRAW](state.seed, 0, t * B, z.flat());
        z.set(z.data.map(draw => center(state, t) + spread(state, t) * draw));
        // At inference with what is known before this mini-batch.
        k[INFERENCE](0, B, z, gamma, beta, runningMean, runningVar, EPS, columns, out);
        rows.inference.push(out.numbers());
        k[FORWARD](z, gamma, beta, EPS, moments, columns, out);
        rows.before.push(z.numbers());
        rows.after.push(out.numbers());
        const [mu, variance] = [columns.row(0), columns.row(1)];
        rows.batchMean.push(mu.data[0]);
        k[RUNNING](runningMean, runningVar, mu, variance, state.momentum, B / (B - 1), moved);
        runningMean.set(moved.row(0));
        runningVar.set(moved.row(1));
        rows.runningMean.push(runningMean.data[0]);
        rows.runningVar.push(runningVar.data[0]);
      }
      return rows;
    },

    say({ before, after, inference, batchMean, runningMean }, state) {
      const last = STEPS - 1, means = after.map(mean), spreads = after.map(deviation);
      const number = value => short(Math.abs(value) < 1e-9 ? 0 : value, 2);
      const range = values => {
        const [low, high] = [number(Math.min(...values)), number(Math.max(...values))];
        return low === high ? low : `${low} to ${high}`;
      };
      return `What goes in has means of ${range(before.map(mean))} in these ${STEPS} mini-batches. In training each leaves with a mean of ` +
        `${range(means)} and a deviation of ${range(spreads)}. The running mean ends at ${number(runningMean[last])}, the last mini-batch's is ` +
        `${number(batchMean[last])}: at inference its examples would leave with mean ${number(mean(inference[last]))} and deviation ${number(deviation(inference[last]))}.`;
    },

    draw(place) {
      const legend = gradlab.tag("p", { className: "legend" });
      legend.innerHTML = `points: examples; ${gradlab.swatch({ color: "currentColor" })} their mean; ` +
        `${gradlab.swatch({ color: colors.purple, dash: "--" })} running mean`;
      place.before(legend);
      const axis = { label: "mini-batch", domain: [0, STEPS + 1] }, common = { width: 240, height: 170 };
      const plots = [
        ["before", "what goes in", colors.orange], ["after", "what comes out in training", colors.blue],
        ["inference", "what would come out at inference", colors.green],
      ].map(([key, title, color]) => [key, color, plot(place, { ...common, title, alt: "", x: axis, y: { domain: [-1, 1] } })]);

      return (rows, state) => {
        const steps = Array.from({ length: STEPS }, (_, t) => t + 1);
        const all = [...rows.before, ...rows.after, ...rows.inference, rows.runningMean].flat().filter(Number.isFinite);
        // One scale for all three, so that they can be compared.
        const domain = [Math.min(-3, ...all), Math.max(3, ...all)];
        for (const [key, color, axes] of plots) {
          const values = rows[key], x = values.flatMap((list, t) => list.map(() => t + 1)), means = values.map(mean);
          axes.axes({ y: { domain } });
          axes.points("examples", { x, y: values.flat(), color, size: 0.4, opacity: 0.45 });
          axes.line("mean", { x: steps, y: means, color, width: 1.8 });
          if (key === "before") axes.line("running", { x: steps, y: rows.runningMean, color: colors.purple, dash: "--", width: 1.6 });
          axes.describe(`Means of the mini-batches from ${short(means[0], 2)} in the first to ${short(means[STEPS - 1], 2)} in the last, ` +
            `deviations from ${short(deviation(values[0]), 2)} to ${short(deviation(values[STEPS - 1]), 2)}` +
            (key === "before" ? `; the running mean ends at ${short(rows.runningMean[STEPS - 1], 2)}.` : "."));
        }
      };
    },
  });
}
