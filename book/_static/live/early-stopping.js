// Early stopping: waves are fitted to a few noisy points, and the reader sets the rule and all that makes it necessary.
"use strict";
{
  const { colors, plot, short, swatch, tag } = gradlab;
  const UPDATES = 2000, WAVES = 20, GRID = 100, NEVER = UPDATES + 1;
  const DRAW = "_random._normal_draws_kernel", UNIFORM = "_random._uniform_draws_kernel", SHUFFLE = "_random._permutation_kernel";
  const DESCENT = "gradient_descent._linear_descent_kernel", PRODUCT = "backpropagation._net_input_kernel", STOP = "early_stopping._stopping_kernel";
  const LOOKS = {
    training: { label: "training examples", color: colors.orange, dash: "--" },
    heldOut: { label: "held-out examples, which the rule sees", color: colors.blue, dash: "-" },
    fresh: { label: "new examples, expected", color: colors.green, dash: "-." },
    decay: { label: "new examples, with weight decay 1/(ηt)", color: colors.purple, dash: ":" },
  };
  const PATIENCES = [...new Set(Array.from({ length: 48 }, (_, i) => Math.round(500 ** (i / 47))))];
  const TIMES = Array.from({ length: 60 }, (_, i) => UPDATES ** (i / 59));

  const truth = x => Math.sin(2 * Math.PI * x);
  const middles = count => Array.from({ length: count }, (_, i) => (i + 0.5) / count);
  // Slow waves are large and fast ones small. On evenly spaced inputs they are orthogonal: the curvatures are those of a bowl along its axes.
  const scale = j => (j ? Math.SQRT2 : 1) * (1 + j) ** -0.75;
  const CURVATURES = Array.from({ length: WAVES }, (_, j) => (1 + j) ** -1.5);
  const waves = xs => xs.flatMap(x => Array.from({ length: WAVES }, (_, j) => scale(j) * Math.cos(Math.PI * j * x)));
  const transposed = (flat, rows) => Array.from({ length: flat.length }, (_, at) => flat[(at % rows) * WAVES + Math.floor(at / rows)]);

  function sample(k, { examples, held, noise, seed }) {
    const draws = (count, stream) => { const out = k.array(count); k[DRAW](seed, stream, 0, out); return out.data; };
    const at = k.array(held);
    k[UNIFORM](seed, 1, 0, at);
    const x = middles(examples), heldX = at.numbers(), noisy = (xs, stream) => { const e = draws(xs.length, stream); return xs.map((v, i) => truth(v) + noise * e[i]); };
    return { x, y: noisy(x, 0), heldX, heldY: noisy(heldX, 2) };
  }

  // The weights before training and after each update, through shuffled epochs.
  function descend(k, { x, y }, { batch, rate, seed }) {
    const n = x.length, size = batch === "all" ? n : Math.min(n, Number(batch)), each = Math.ceil(n / size);
    const inputs = k.array([n, WAVES], waves(x)), targets = k.array(n, y), order = k.array(n, d3.range(n), "int64"), weights = k.array([UPDATES + 1, WAVES]);
    for (let done = 0, epoch = 0; done < UPDATES; done += each, epoch++) {
      if (size < n) {
        order.set(d3.range(n));
        k[SHUFFLE](seed, 3, epoch * n, order);
      }
      const count = Math.min(each, UPDATES - done);
      k.scope(() => k[DESCENT](inputs, targets, order, size, k.array(count, rate), weights.rows(done, done + count + 1)));
    }
    return weights;
  }

  // What rows of weights answer at xs, and their mean squared errors.
  const answers = (k, weights, xs) => {
    const out = k.array([weights.shape[0], xs.length]);
    k[PRODUCT](weights, k.array([WAVES, xs.length], transposed(waves(xs), xs.length)), k.array(xs.length), out);
    return out;
  };
  function errors(k, weights, xs, ys) {
    const seen = answers(k, weights, xs).data, count = xs.length;
    return Array.from({ length: weights.shape[0] }, (_, t) => {
      let sum = 0;
      for (let i = 0; i < count; i++) sum += (seen[t * count + i] - ys[i]) ** 2;
      return sum / count;
    });
  }

  function decayed(k, { x, y }, rate) {
    const all = waves(x), projected = d3.range(WAVES).map(j => d3.sum(x, (_, i) => all[i * WAVES + j] * y[i]) / x.length);
    return k.array([TIMES.length, WAVES], TIMES.flatMap(t => projected.map((p, j) => p / (CURVATURES[j] + 1 / (rate * t)))));
  }

  gradlab.figure("early-stopping", {
    title: "Waves fitted to noisy points, and when the rule stops",
    kernels: [DRAW, UNIFORM, SHUFFLE, DESCENT, PRODUCT, STOP],
    controls: {
      patience: { label: "patience", unit: "updates", min: 1, max: 500, log: true, whole: true, value: 10 },
      delta: { label: "least improvement δ", min: 0, max: 0.1, step: 0.002, value: 0 },
      noise: { label: "standard deviation of the noise", min: 0, max: 1, step: 0.05, value: 0.5 },
      examples: { label: "training examples", min: 20, max: 200, log: true, whole: true, value: 30 },
      held: { label: "held-out examples", min: 5, max: 200, log: true, whole: true, value: 30 },
      rate: { label: "learning rate η", min: 0.01, max: 0.5, log: true, digits: 2, value: 0.1 },
      batch: { label: "examples in a mini-batch", choices: { 1: "1", 5: "5", 20: "20", all: "all" }, value: "5" },
      seed: { label: "seed of points and mini-batches", min: 0, max: 99, step: 1, value: 0 },
    },

    compute(k, state) {
      const data = sample(k, state), weights = descend(k, data, state), grid = middles(GRID), right = grid.map(truth), floor = state.noise ** 2;
      const heldOut = errors(k, weights, data.heldX, data.heldY), metrics = k.array(heldOut.length, heldOut);
      const fresh = errors(k, weights, grid, right).map(each => each + floor);
      const rule = patience => {
        const memory = k.array(4, [Infinity, 0, 0, 0]), stopped = k[STOP](metrics, 1, patience, state.delta, memory);
        return { stop: stopped ? memory.data[3] - 1 : NEVER, kept: memory.data[1] };
      };
      const rules = PATIENCES.map(rule), { stop, kept } = rule(state.patience), fits = answers(k, weights, grid);
      return {
        ...data, heldOut, fresh, stop, kept, training: errors(k, weights, data.x, data.y),
        decay: errors(k, decayed(k, data, state.rate), grid, right).map(each => each + floor),
        keptError: rules.map(each => fresh[each.kept]), lastError: rules.map(each => fresh[Math.min(each.stop, UPDATES)]),
        keptFit: fits.row(kept).numbers(), lastFit: fits.row(UPDATES).numbers(),
      };
    },

    say({ stop, kept, heldOut, fresh, decay }, { patience, noise }) {
      const best = d3.scan(fresh), kepts = `the weights of update ${kept}`;
      const ended = stop === NEVER ? `With a patience of ${patience} the ${UPDATES} updates end before the rule stops them, and the best weights are those of update ${kept}`
        : `With a patience of ${patience} training stops at update ${stop} and keeps ${kepts}`;
      return `${ended}, whose error is ${short(heldOut[kept])} on held-out examples and ${short(fresh[kept])} on new ones. ` +
        `Of ${UPDATES} updates, number ${best} is best on new examples (${short(fresh[best])}), and the last has ${short(fresh[UPDATES])}; the best of all decays has ${short(d3.min(decay))}. ` +
        `Noise alone makes ${short(noise ** 2)}.`;
    },

    draw(place) {
      const legend = tag("p", { className: "legend" });
      legend.innerHTML = Object.values(LOOKS).map(look => `${swatch(look)} ${look.label}`).join("; ") + "; ● kept; gray line: stop";
      place.before(legend);
      const curves = plot(place, { title: "mean squared error", alt: "", x: { label: "update t", domain: [1, UPDATES], log: true }, y: { domain: [0, 1] } });
      const points = plot(place, { title: "kept (solid) and last fit (dashed)", alt: "", x: { label: "x", domain: [0, 1] }, y: { domain: [-2.2, 2.2] } });
      const shares = plot(place, {
        title: "share reached: stopped ●, decay ■", alt: "", x: { label: "wave, from slow to fast", domain: [-0.5, WAVES - 0.5] }, y: { domain: [0, 1.05] },
      });
      const rule = plot(place, {
        title: "new examples: kept ●, last ■", alt: "", x: { label: "patience", domain: [1, 500], log: true }, y: { domain: [0, 1] },
      });

      return (n, state) => {
        const { kept, stop } = n, top = Math.min(3, 1.08 * Math.max(n.fresh[0], n.heldOut[0], n.fresh[UPDATES], n.heldOut[UPDATES]));
        const at = Math.min(stop, UPDATES), x = d3.range(1, UPDATES + 1).filter(t => t < 200 || t % 4 === 0);
        curves.axes({ y: { domain: [0, top] } });
        curves.line("stop", { x: [Math.max(1, at), Math.max(1, at)], y: [0, top], color: colors.gray, width: 1, opacity: stop === NEVER ? 0 : 1 });
        for (const name of ["training", "heldOut", "fresh"]) curves.line(name, { ...LOOKS[name], x, y: x.map(t => n[name][t]), width: name === "training" ? 1.1 : 1.5 });
        curves.line("decay", { ...LOOKS.decay, x: TIMES, y: n.decay });
        curves.points("kept", { x: [Math.max(1, kept)], y: [n.heldOut[kept]], color: colors.blue });

        const grid = middles(GRID), reach = 1.1 * Math.max(1.6, d3.max(n.y.map(Math.abs)));
        points.axes({ y: { domain: [-reach, reach] } });
        points.points("examples", { x: n.x, y: n.y, color: colors.gray, size: 0.7 });
        points.line("truth", { x: grid, y: grid.map(truth), color: colors.gray, dash: ":" });
        points.line("last", { x: grid, y: n.lastFit, color: colors.orange, dash: "--", width: 1.1 }).line("kept", { x: grid, y: n.keptFit, color: colors.blue, width: 1.8 });

        const j = d3.range(WAVES), stopped = CURVATURES.map(h => 1 - (1 - state.rate * h) ** kept);
        const decay = CURVATURES.map(h => (kept ? h / (h + 1 / (state.rate * kept)) : 0));
        shares.line("decay", { x: j, y: decay, color: colors.purple, dash: ":" }).points("decays", { x: j, y: decay, color: colors.purple, mark: "s", size: 1 });
        shares.line("stopped", { x: j, y: stopped, color: colors.blue }).points("stops", { x: j, y: stopped, color: colors.blue });

        rule.axes({ y: { domain: [0, 1.08 * Math.max(d3.max(n.keptError), d3.max(n.lastError))] } });
        rule.line("last", { x: PATIENCES, y: n.lastError, color: colors.orange, dash: "--" }).line("kept", { x: PATIENCES, y: n.keptError, color: colors.blue });
        rule.points("last now", { x: [state.patience], y: [n.fresh[at]], color: colors.orange, mark: "s" });
        rule.points("kept now", { x: [state.patience], y: [n.fresh[kept]], color: colors.blue });
        curves.describe(`Mean squared error against the update: on training examples ${short(n.training[UPDATES], 2)} at the end, on held-out ones ${short(n.heldOut[kept], 2)} at update ${kept}, which is kept, and ${short(n.heldOut[UPDATES], 2)} at the end.`);
        points.describe(`${n.x.length} noisy points of a sine, with the fit that is kept and that after ${UPDATES} updates.`);
        shares.describe(`Share of each wave that is reached after ${kept} updates: ${short(stopped[1], 2)} of the second and ${short(stopped[WAVES - 1], 2)} of the fastest; with the decay, ${short(decay[1], 2)} and ${short(decay[WAVES - 1], 2)}.`);
        rule.describe(`Error on new examples against the patience: ${short(n.keptError[0], 2)} with patience 1, ${short(n.fresh[kept], 2)} with ${state.patience}, ${short(n.keptError.at(-1), 2)} with 500.`);
      };
    },
  });
}
