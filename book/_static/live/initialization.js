// Initialization: a signal goes through twenty layers and a gradient comes back, by rules that the reader compares.
{
  const { blue, orange, green, purple, gray } = gradlab.colors, red = "#c0475f", gold = "#9a7b10", ink = "currentColor";
  const LAYERS = 20, NUMBERS = 2048;

  // Variance of a weight by fan-in, fan-out and the reader's deviation; what is drawn, normal where nothing else stands.
  const RULES = {
    he: { label: "He", color: blue, dash: "-", mark: "o", variance: i => 2 / i },
    average: {
      label: "He, average of fans (deck S)", name: "deck S's average",
      color: gray, dash: "--", mark: "s", variance: (i, o) => 4 / (i + o),
    },
    lecun: { label: "LeCun", color: green, dash: "-.", mark: "D", variance: i => 1 / i },
    xavier: { label: "Glorot (Xavier)", name: "Glorot", color: red, dash: "--", mark: "^", variance: (i, o) => 2 / (i + o) },
    torch: { label: "Torch's old rule", color: orange, dash: "--", mark: "s", variance: i => 1 / (3 * i), drawn: "uniform" },
    orthogonal: {
      label: "orthogonal", color: ink, dash: ":", mark: "^", variance: (i, o) => 1 / Math.max(i, o), drawn: "orthogonal",
    },
    level: {
      label: "orthogonal, He's variance", name: "orthogonal with He's variance",
      color: gold, dash: "-", mark: "D", variance: i => 2 / i, drawn: "orthogonal",
    },
    own: {
      label: "normal, your deviation", name: "your deviation",
      color: purple, dash: ":", mark: "^", variance: (i, o, own) => own * own,
    },
  };
  const nameOf = rule => RULES[rule].name ?? RULES[rule].label;

  const SELU = [1.6732632423543772848170429916717, 1.0507009873554804934193349852946];
  // `alpha` is the slope for negative input, where there is one: the equations of the chapter hold exactly then.
  // `steep` is the largest slope, `range` the values that the histograms show.
  const ACTIVATIONS = {
    relu: { label: "ReLU", kernel: "relu", settings: [], alpha: 0, steep: 1, range: [-3, 3] },
    leaky: { label: "leaky ReLU, slope 0.2", kernel: "leaky_relu", settings: [0.2], alpha: 0.2, steep: 1, range: [-3, 3] },
    tanh: { label: "tanh", kernel: "tanh", settings: [1, 1], steep: 1, range: [-1.05, 1.05] },
    sigmoid: { label: "sigmoid", kernel: "sigmoid", settings: [], steep: 0.25, range: [0, 1] },
    selu: { label: "SELU", kernel: "elu", settings: SELU, steep: SELU[0] * SELU[1], range: [-3, 3] },
    none: { label: "none (linear units)", alpha: 1, steep: 1, range: [-3, 3] },
  };

  const NORMAL = "_random._normal_draws_kernel", UNIFORM = "_random._uniform_draws_kernel";
  const SCALE = "initialization._normal_kernel", STRETCH = "initialization._uniform_kernel";
  const FORWARD = "initialization._forward_kernel", BACKWARD = "initialization._backward_kernel";
  const PRODUCT = "backpropagation._net_input_kernel", BACK = "backpropagation._input_gradient_kernel";
  const SQUARES = "gradient_clipping._square_sum_kernel", SHORTEN = "gradient_clipping._shorten_kernel";
  const NORM = "gradient_bounds._norm_kernel", DEAD = "activations._dead_fraction_kernel";

  // Input, output and the layers between in turn: the even ones are narrower by the ratio.
  const widths = ({ width, ratio }) => d3.range(LAYERS + 1).map(l => (l % 2 ? width : Math.round(width / ratio)));

  // What was computed for the last settings, of which a move mostly changes a part.
  const kept = { draws: {}, runs: {} };

  // The draws of a seed, in the order in which Python draws: the input, the weights layer by layer, the gradient.
  function drawn(k, sizes, examples, seed) {
    const key = [seed, examples, ...sizes].join();
    if (kept.draws.key === key) return kept.draws;
    const places = [[0, examples * sizes[0]]];
    const next = size => { const [at, before] = places.at(-1); places.push([at + before, size]); };
    for (let l = 1; l <= LAYERS; l++) next(sizes[l - 1] * sizes[l]);
    next(examples * sizes[LAYERS]);
    const fill = (kernel, [first, size]) => k.scope(() => {
      const out = k.array(size);
      k[kernel](seed, 0, first, out);
      return out.data.slice();
    });
    const made = {}, lazily = (name, work) => () => (made[name] ??= work());
    // Input and gradient are normal, whatever the weights are.
    const weights = work => (_, l) => (l > 0 && l <= LAYERS ? work(l) : null);
    const normal = lazily("normal", () => places.map(place => fill(NORMAL, place)));
    const uniform = lazily("uniform", () => places.map(weights(l => fill(UNIFORM, places[l]))));
    const orthogonal = lazily("orthogonal", () => places.map(weights(l => orthonormal(k, normal()[l], sizes[l - 1], sizes[l]))));
    kept.runs = {};
    return Object.assign(kept.draws, { key, normal, uniform, orthogonal });
  }

  // Gram and Schmidt's method: rows of length one, or columns where these are fewer. A vector of which little is left is
  // projected once more, for rounding. Like the QR decomposition of gradlab.initialization.orthogonal, with its signs.
  function orthonormal(k, z, fanIn, fanOut) {
    return k.scope(() => {
      const long = Math.max(fanIn, fanOut), short = Math.min(fanIn, fanOut);
      const turned = (values, rows, columns) =>
        Float64Array.from(values, (_, n) => values[(n % columns) * rows + Math.floor(n / columns)]);
      const q = k.array([short, long], turned(z, short, long)), parts = k.array(short), out = k.array([1, long]);
      for (let r = 0; r < short; r++) {
        const v = q.rows(r, r + 1), before = q.rows(0, r), along = parts.view([1, r]), flat = v.flat();
        let length = k[NORM](flat);
        for (let again = r > 0; again;) {
          k[BACK](v, before, along);
          for (let j = 0, values = along.data; j < r; j++) values[j] *= -1;
          k[PRODUCT](along, before, flat, out);
          v.set(out);
          const left = k[NORM](flat);
          again = left < 0.1 * length;
          length = left;
        }
        k[SHORTEN](flat, flat, 1 / length, 1);
      }
      return fanIn < fanOut ? q.data.slice() : turned(q.data, long, short);
    });
  }

  function weight(k, draws, { drawn = "normal" }, l, [fanIn, fanOut], variance) {
    const w = k.array([fanIn, fanOut], draws[drawn]()[l]), flat = w.flat();
    if (drawn === "uniform") k[STRETCH](flat, variance, flat);
    else k[SCALE](flat, drawn === "normal" ? variance : variance * Math.max(fanIn, fanOut), flat);
    return w;
  }

  // An activation and its gradient over arrays of any shape.
  function functions(k, { kernel, settings }) {
    if (!kernel) return [(z, out) => out.set(z), (dout, z, dz) => dz.set(dout)];
    const [there, back] = ["kernel", "backward_kernel"].map(kind => k[`activations._${kernel}_${kind}`]);
    return [
      (z, out) => there(z.flat(), out.flat(), ...settings),
      (dout, z, dz) => back(dout.flat(), z.flat(), dz.flat(), ...settings),
    ];
  }

  // The network of a rule: mean squares, the values that the histograms count, and the units that pass little.
  function through(k, rule, sizes, examples, draws, variances, activation) {
    const [apply, slope] = functions(k, activation), normal = draws.normal(), layers = [], array = l => k.array([examples, sizes[l]]);
    const forward = [], backward = [], hidden = [], gradients = [];
    const note = (values, l, squares, copies) => {
      squares[l] = k[SQUARES](values.flat(), 1) / values.size;
      copies[l] = values.data.slice();
    };
    let h = array(0).set(normal[0]);
    note(h, 0, forward, hidden);
    for (let l = 1; l <= LAYERS; l++) {
      const w = weight(k, draws, rule, l, sizes.slice(l - 1, l + 1), variances[l - 1]), z = array(l);
      k[PRODUCT](h, w, k.array(sizes[l]), z);
      h = array(l);
      apply(z, h);
      note(h, l, forward, hidden);
      layers[l] = [w, z];
    }
    let gradient = array(LAYERS).set(normal[LAYERS + 1]);
    note(gradient, LAYERS, backward, gradients);
    for (let l = LAYERS; l > 0; l--) {
      const [w, z] = layers[l], passed = array(l);
      slope(gradient, z, passed);
      gradient = array(l - 1);
      k[BACK](passed, w, gradient);
      note(gradient, l - 1, backward, gradients);
    }
    return { forward, backward, hidden, gradients, ...passing(k, layers.slice(1).map(each => each[1]), slope, activation) };
  }

  // The share of outputs with a slope below a tenth of the largest, and of ReLUs that are off for all examples.
  function passing(k, inputs, slope, { kernel, steep }) {
    let little = 0, dead = 0, units = 0;
    for (const z of inputs) {
      const [examples, size] = z.shape, slopes = k.array([examples, size], 1);
      slope(slopes, z, slopes);
      little += slopes.data.reduce((sum, each) => sum + (each < 0.1 * steep), 0) / (z.size * inputs.length);
      if (kernel === "relu") dead += k[DEAD](z, k.array(size, 0, "bool")) * size;
      units += size;
    }
    return { little, dead: dead / units };
  }

  // The middles of steps from -8 to 8, none of them at 0, where a function may bend; and roots of their probabilities.
  const GRIDS = {};
  function grid(step) {
    if (GRIDS[step]) return GRIDS[step];
    const far = Math.ceil(8 / step), t = Float64Array.from({ length: 2 * far }, (_, n) => (n - far + 0.5) * step);
    const root = t.map(each => Math.sqrt((step / Math.sqrt(2 * Math.PI)) * Math.exp((-each * each) / 2)));
    return (GRIDS[step] = { t, root });
  }

  // E[g(z)^2] / E[z^2] and E[g'(z)^2] for a normal z whose mean square is given.
  function factors(k, activation, square) {
    const { alpha } = activation;
    if (alpha !== undefined) return [(1 + alpha * alpha) / 2, (1 + alpha * alpha) / 2];
    const [apply, slope] = functions(k, activation);
    const s = Math.sqrt(square), { t, root } = grid(s < 20 ? 0.01 : s < 40 ? 0.005 : 0.002);
    return k.scope(() => {
      const z = k.array(t.length, t), out = k.array(t.length), slopes = k.array(t.length, root);
      k[SCALE](z, square, z);
      apply(z, out);
      for (let n = 0, values = out.data; n < t.length; n++) values[n] *= root[n];
      slope(slopes, z, slopes);
      return [k[SQUARES](out, 1) / square, k[SQUARES](slopes, 1)];
    });
  }

  // What the equations predict from the measured mean squares of the input and of the gradient at the output.
  function predicted(k, sizes, variances, activation, start, end) {
    const n = k.array(LAYERS + 1, sizes), v = k.array(LAYERS, variances);
    const q = k.array(LAYERS + 1, start), delta = k.array(LAYERS + 1, end), back = [];
    const pair = (array, l) => array.view([2], l - 1), one = l => v.view([1], l - 1);
    for (let l = 1; l <= LAYERS; l++) {
      k[FORWARD](pair(n, l), one(l), 1, pair(q, l));
      const [kept, slope] = factors(k, activation, q.data[l]);
      k[FORWARD](pair(n, l), one(l), kept, pair(q, l));
      back[l] = slope;
    }
    for (let l = LAYERS; l > 0; l--) k[BACKWARD](pair(n, l), one(l), back[l], pair(delta, l));
    return { forward: q.numbers(), backward: delta.numbers() };
  }

  // Powers of ten around all mean squares: an even number of them, so that the axis seldom changes.
  function decades(series) {
    const logs = series.flat().filter(each => each > 0).map(Math.log10);
    const low = Math.min(-2, ...logs), high = Math.max(2, ...logs), each = high - low > 16 ? 10 : 2;
    return [each * Math.floor(low / each + 0.05), each * Math.ceil(high / each - 0.05)];
  }

  // The share of the values in each of the bins, by their size or by themselves; 0 has no logarithm.
  function counted(values, [low, high], bins, log) {
    const counts = new Array(bins).fill(0), scale = bins / (high - low);
    for (const value of values) {
      const at = Math.floor(((log ? Math.log10(Math.abs(value)) : value) - low) * scale);
      if (at >= 0 && at < bins) counts[at]++;
    }
    return counts.map(count => count / values.length);
  }

  // The outlines of one rule's histograms, each about its layer and as wide as the share is large, at most `top`.
  function outlines(histograms, height, top) {
    const x = [], y = [];
    histograms.forEach((shares, l) => {
      const half = shares.map(share => 0.48 * Math.min(1, share / top));
      const at = d3.range(shares.length).filter(n => shares[n] > 0);
      for (const n of at) { x.push(l + half[n]); y.push(height(n + 0.5)); }
      for (const n of at.reverse()) { x.push(l - half[n]); y.push(height(n + 0.5)); }
      x.push(NaN);
      y.push(NaN);
    });
    return { x, y };
  }

  gradlab.figure("initialization", {
    title: "A signal and its gradient through twenty layers whose initial weights you choose",
    kernels: [
      NORMAL, UNIFORM, SCALE, STRETCH, FORWARD, BACKWARD, PRODUCT, BACK, SQUARES, SHORTEN, NORM, DEAD,
      ...Object.values(ACTIVATIONS).filter(each => each.kernel)
        .flatMap(({ kernel }) => ["kernel", "backward_kernel"].map(kind => `activations._${kernel}_${kind}`)),
    ],
    controls: {
      rules: { label: "rules", several: true, choices: RULES, value: ["he", "lecun", "torch", "own"] },
      own: { label: "your standard deviation", min: 0.001, max: 1, log: true, digits: 2, value: 0.25 },
      gain: { label: "gain, a factor on all weights", min: 0.1, max: 4, log: true, digits: 3, value: 1 },
      activation: {
        label: "activation", value: "relu",
        choices: Object.fromEntries(Object.entries(ACTIVATIONS).map(([name, { label }]) => [name, label])),
      },
      width: { label: "width", unit: "units in a layer", min: 8, max: 128, step: 8, value: 64 },
      ratio: { label: "even layers narrower by a factor of", min: 1, max: 6, step: 0.5, value: 1 },
      axis: { label: "histograms show", choices: { size: "sizes, on a logarithmic axis", value: "values" }, value: "size" },
      seed: { label: "seed of the random numbers", min: 0, max: 99, step: 1, value: 0 },
      again: { label: "Draw again", press: ({ seed }) => ({ seed: (seed + 1) % 100 }) },
    },

    compute(k, state) {
      const sizes = widths(state), examples = Math.round(NUMBERS / state.width);
      const activation = ACTIVATIONS[state.activation], each = work => Object.fromEntries(state.rules.map(name => [name, work(name)]));
      const draws = drawn(k, sizes, examples, state.seed), runs = {};
      for (const name of state.rules) {
        const variances = sizes.slice(1).map((o, l) => state.gain ** 2 * RULES[name].variance(sizes[l], o, state.own));
        const key = [state.activation, ...variances].join();
        if (kept.runs[name]?.key !== key) {
          kept.runs[name] = k.scope(() => {
            const run = through(k, RULES[name], sizes, examples, draws, variances, activation);
            const { forward: [start], backward: { [LAYERS]: end } } = run;
            return { key, ...run, predicted: predicted(k, sizes, variances, activation, start, end) };
          });
        }
        runs[name] = kept.runs[name];
      }
      const parts = ["forward", "backward", "predicted", "little", "dead"];
      const numbers = Object.fromEntries(parts.map(part => [part, each(name => runs[name][part])]));
      Object.assign(numbers, { examples, histograms: {}, domains: {} });
      for (const [way, values] of [["forward", "hidden"], ["backward", "gradients"]]) {
        const [low, high] = decades(state.rules.flatMap(name => [runs[name][way], runs[name].predicted[way]]));
        const log = state.axis === "size", linear = way === "forward" ? activation.range : [-3, 3];
        const range = log ? [low / 2 - 1, high / 2 + 0.5] : linear, bins = log ? Math.round(6 * (range[1] - range[0])) : 41;
        numbers.domains[way] = [low, high];
        numbers.histograms[way] = { range, bins, counts: each(name => runs[name][values].map(h => counted(h, range, bins, log))) };
      }
      return numbers;
    },

    say({ examples, forward, backward, little, dead }, state) {
      const { short } = gradlab, percent = share => `${short(100 * share, 2)}\u00a0%`, { rules, activation } = state;
      if (!rules.length) return "No rule is chosen.";
      const list = (names, text) => names.map(name => `${nameOf(name)} ${text(name)}`.trim()).join("; "), said = [];
      const lost = rules.filter(name => !(forward[name][LAYERS] > 0 && backward[name][0] > 0));
      const passed = rules.filter(name => !lost.includes(name));
      const factor = (end, start) => short((end / start) ** (1 / LAYERS));
      if (passed.length) {
        const factors = list(passed, name => {
          const [q, delta] = [forward[name], backward[name]];
          return `${factor(q[LAYERS], q[0])} and ${factor(delta[0], delta[LAYERS])}`;
        });
        said.push(`In this network a layer multiplies the mean square, forward and back, by: ${factors} (geometric means of the twenty).`);
      }
      if (lost.length) {
        said.push(`Nothing comes through, because a layer passes no signal or no gradient at all: ${list(lost, () => "")}.`);
      }
      if (activation === "relu") {
        const shares = list(rules, name => `${percent(little[name])} and ${percent(dead[name])}`);
        said.push(`Share of the outputs that are 0, and of the units that are so for all ${examples} examples (dead): ${shares}.`);
      } else if (ACTIVATIONS[activation].alpha === undefined) {
        said.push(`Saturated, with a slope below a tenth of the largest: ${list(rules, name => percent(little[name]))}.`);
      }
      return said.join(" ");
    },

    draw(place) {
      const x = { label: "layer", domain: [-0.7, 20.7], ticks: 5 }, margin = { left: 50 };
      const WAYS = { forward: "activations", backward: "gradients" };
      const plots = (title, options) => Object.fromEntries(Object.entries(WAYS).map(([way, what]) =>
        [way, gradlab.plot(place, { title: `${title} of the ${what}`, alt: what, margin, x, ...options })]));
      const squares = plots("mean square", { height: 175, y: { domain: [1e-2, 1e2], log: true, ticks: 6 } });
      const ridges = plots("histograms", { height: 190, y: { label: "size", domain: [-3, 3] } });
      const note = gradlab.tag("p", { className: "note" });
      place.append(note);
      const layers = d3.range(LAYERS + 1);

      return ({ forward, backward, predicted, histograms, domains }, state) => {
        const measured = { forward, backward }, log = state.axis === "size";
        for (const way of Object.keys(WAYS)) {
          const { range, bins, counts } = histograms[way], plot = squares[way], ridge = ridges[way];
          const value = at => (log ? 10 ** at : at), height = n => value(range[0] + (n / bins) * (range[1] - range[0]));
          plot.axes({ y: { domain: domains[way].map(each => 10 ** each) } });
          ridge.axes({ y: { label: log ? "size" : "value", domain: range.map(value), log } });
          for (const name of state.rules) {
            const { color, dash, mark } = RULES[name];
            plot.points(name, { x: layers, y: measured[way][name], color, mark, opacity: 0.5 });
            plot.line(`${name} line`, { x: layers, y: predicted[name][way], color, dash, width: 1.2 });
            const top = log ? Math.max(...counts[name].flat()) : 3 / bins;
            ridge.line(name, { ...outlines(counts[name], height, top), color, width: 0.5, fill: 0.35 });
          }
          plot.only(state.rules.flatMap(name => [`${name} line`, name]));
          ridge.only(state.rules);
          const from = way === "forward" ? 0 : LAYERS, to = LAYERS - from, { short } = gradlab;
          const ends = state.rules.map(name => {
            const [found, expected] = [measured[way][name], predicted[name][way]].map(line => short(line[to], 2));
            return `${nameOf(name)} ${found}, predicted ${expected}`;
          });
          plot.describe(`Mean square of the ${WAYS[way]}, about 1 in layer ${from}; in layer ${to}: ${ends.join("; ")}.`);
          ridge.describe(`Histograms of the ${WAYS[way]} of each layer, about the roots of these mean squares.`);
        }
        note.textContent = "Marks are measured, lines are predicted. A shape is the histogram of a layer and its mirror image: " +
          (log ? "it is wide where many sizes are. A value of 0, as of a ReLU that is off, has no place on the axis."
            : "it is wide where many values are, and cut off where it would be wider than its place.");
      };
    },
  });
}
