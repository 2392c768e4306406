"use strict";
// Vanishing and exploding gradients: a gradient goes back through a random network, between the bounds on its length.
{
  const { blue, orange, green, purple, gray } = gradlab.colors, { short } = gradlab;
  const FUNCTIONS = {
    sigmoid: { label: "sigmoid", color: orange, mark: "s", settings: [] },
    tanh: { label: "tanh", color: green, mark: "^", settings: [1, 1] },
    relu: { label: "ReLU", color: blue, mark: "o", settings: [] },
    softplus: { label: "softplus", color: purple, mark: "D", settings: [] },
    linear: { label: "none (linear units)", name: "linear units", color: gray, mark: "+" },
  };
  const nameOf = each => FUNCTIONS[each].name ?? FUNCTIONS[each].label;
  // The variance of a weight by the larger of the fans and the fan-in.
  const RULES = {
    lecun: { label: "LeCun, variance 1/n", variance: n => 1 / n },
    he: { label: "He, variance 2/n", variance: n => 2 / n },
    torch: { label: "Torch's old uniform, variance 1/(3n)", variance: n => 1 / (3 * n), drawn: "uniform" },
    orthogonal: { label: "orthogonal", variance: () => 1, drawn: "orthogonal" },
  };

  const NORMAL = "_random._normal_draws_kernel", UNIFORM = "_random._uniform_draws_kernel";
  const SCALE = "initialization._normal_kernel", STRETCH = "initialization._uniform_kernel";
  const FORWARD = "backpropagation._net_input_kernel", BACK = "gradient_bounds._sensitivities_kernel";
  const NORM = "gradient_bounds._norm_kernel", PRODUCTS = "gradient_bounds._products_kernel";

  // Units of the input, of the hidden layers, of which the middle one may be narrow, and of the output.
  const units = ({ depth, width, narrow }) =>
    d3.range(depth + 2).map(l => (narrow && l === Math.ceil(depth / 2) ? Math.floor(width / 2) : width));

  // The columns of a long matrix made orthonormal, each against those before it, twice for rounding: the QR decomposition of
  // gradlab.initialization.orthogonal, with its signs. Columns are handed in and returned as rows.
  function orthonormal(columns) {
    columns.forEach((v, j) => {
      for (let round = 0; round < 2; round++) {
        for (const before of columns.slice(0, j)) {
          let along = 0;
          for (let i = 0; i < v.length; i++) along += v[i] * before[i];
          for (let i = 0; i < v.length; i++) v[i] -= along * before[i];
        }
        const length = Math.hypot(...v);
        for (let i = 0; i < v.length; i++) v[i] /= length;
      }
    });
    return columns;
  }

  // The reflection that leaves of a vector its first entry, which it returns; the vector becomes the normal of the mirror.
  function mirror(v) {
    let squares = 0;
    for (let i = 0; i < v.length; i++) squares += v[i] * v[i];
    const left = v[0] > 0 ? -Math.sqrt(squares) : Math.sqrt(squares), length = squares - v[0] * left;
    v[0] -= left;
    return [left, length > 0 ? 1 / length : 0];
  }

  // The least and the greatest singular value of a matrix with as many rows as columns or more, given as columns. Reflections
  // from both sides leave the diagonal and the numbers beside it; the singular values are then counted below a number.
  function extremes(columns) {
    const n = columns.length, m = columns[0].length, beside = [];
    for (let k = 0; k < n; k++) {
      const down = columns[k].subarray(k), [diagonal, scale] = mirror(down);
      beside.push(diagonal);
      for (let j = k + 1; j < n; j++) {
        const other = columns[j].subarray(k);
        let along = 0;
        for (let i = 0; i < down.length; i++) along += down[i] * other[i];
        along *= scale;
        for (let i = 0; i < down.length; i++) other[i] -= along * down[i];
      }
      if (k + 1 === n) break;
      const across = Float64Array.from({ length: n - k - 1 }, (_, j) => columns[k + 1 + j][k]), [next, weight] = mirror(across);
      beside.push(next);
      const along = new Float64Array(m - k - 1);
      across.forEach((part, j) => {
        const other = columns[k + 1 + j].subarray(k + 1);
        for (let i = 0; i < along.length; i++) along[i] += part * other[i];
      });
      across.forEach((part, j) => {
        const other = columns[k + 1 + j].subarray(k + 1), times = part * weight;
        for (let i = 0; i < along.length; i++) other[i] -= times * along[i];
      });
    }
    // Of the 2n eigenvalues of the matrix with these numbers beside an empty diagonal, plus and minus each singular value.
    const below = x => {
      let q = -x, count = Number(q < 0);
      for (const b of beside) {
        q = -x - (b * b) / (q || 1e-300);
        count += q < 0;
      }
      return count;
    };
    const bisect = few => {
      let low = 0, high = 2 * Math.hypot(...beside);
      for (let round = 0; round < 64; round++) {
        const middle = (low + high) / 2;
        if (below(middle) <= few) low = middle;
        else high = middle;
      }
      return high;
    };
    const [least, greatest] = [bisect(n), bisect(2 * n - 1)];
    return [least <= m * Number.EPSILON * greatest ? 0 : least, greatest];
  }

  // The weights from one layer to the next, and what they do to a length at least and at most, before the reader's factor.
  const kept = { key: "", layers: new Map() };
  function layer(k, { rule, seed }, first, fanIn, fanOut) {
    if (kept.key !== `${rule} ${seed}`) Object.assign(kept, { key: `${rule} ${seed}`, layers: new Map() });
    const key = `${first} ${fanIn} ${fanOut}`;
    if (kept.layers.has(key)) return kept.layers.get(key);
    const made = k.scope(() => {
      const { variance, drawn } = RULES[rule], w = k.array(fanIn * fanOut);
      k[drawn === "uniform" ? UNIFORM : NORMAL](seed, 0, first, w);
      k[drawn === "uniform" ? STRETCH : SCALE](w, variance(fanIn), w);
      const long = Math.max(fanIn, fanOut), turned = fanIn < fanOut, values = w.data.slice();
      const column = (width, j) => Float64Array.from({ length: values.length / width }, (_, i) => values[i * width + j]);
      if (drawn !== "orthogonal") {
        const columns = turned ? d3.range(fanIn).map(i => values.slice(i * fanOut, (i + 1) * fanOut)) : d3.range(fanOut).map(j => column(fanOut, j));
        const [least, greatest] = extremes(columns);
        return { values, sides: [turned ? 0 : least, greatest] };
      }
      const short = values.length / long, columns = orthonormal(d3.range(short).map(j => column(short, j)));
      const at = turned ? (i, j) => columns[i][j] : (i, j) => columns[j][i];
      return { values: values.map((_, n) => at(Math.floor(n / fanOut), n % fanOut)), sides: [turned ? 0 : 1, 1] };
    });
    kept.layers.set(key, made);
    return made;
  }

  // All weights, with zeros where a layer is narrow, the example and the gradient at the output, in the order in which
  // gradlab.gradient_bounds.propagate_norms draws them.
  function network(k, state) {
    const sizes = units(state), { depth, width, gain } = state, weights = k.array([depth + 1, width, width]), sides = [];
    let first = 0;
    for (let l = 0; l <= depth; l++) {
      const [fanIn, fanOut] = sizes.slice(l, l + 2), { values, sides: [least, greatest] } = layer(k, state, first, fanIn, fanOut);
      k.scope(() => {
        const w = k.array(values.length, values);
        k[SCALE](w, gain * gain, w);
        for (let i = 0; i < fanIn; i++) weights.data.set(w.data.subarray(i * fanOut, (i + 1) * fanOut), (l * width + i) * width);
      });
      sides.push([gain * least, gain * greatest]);
      first += fanIn * fanOut;
    }
    const vector = at => { const v = k.array(width); k[NORMAL](state.seed, 0, at, v); return v; };
    const input = vector(first), end = vector(first + width), norm = k[NORM](end);
    return { sizes, weights, sides, input, end: Array.from(end.data, each => each / norm) };
  }

  // There and back with one activation: norms of the sensitivities from the first layer to the output, and the bounds.
  function lengths(k, name, { sizes, weights, sides, input, end }) {
    const [, width] = weights.shape, depth = sizes.length - 2, { settings } = FUNCTIONS[name];
    const slopes = k.array([depth, width], 1), s = k.array([depth + 1, width]), none = k.array(width), ones = k.array(width, 1);
    let h = k.array([1, width]).set(input);
    for (let l = 0; l < depth; l++) {
      const z = k.array([1, width]);
      k[FORWARD](h, weights.row(l), none, z);
      if (settings) {
        h = k.array([1, width]);
        k[`activations._${name}_kernel`](z.flat(), h.flat(), ...settings);
        k[`activations._${name}_backward_kernel`](ones, z.flat(), slopes.row(l), ...settings);
      } else h = z;
    }
    s.row(depth).set(end);
    k[BACK](weights.rows(1, depth + 1), slopes, s);
    const steep = d3.range(depth).map(l => d3.extent(slopes.row(l).data.subarray(0, sizes[l + 1]), Math.abs));
    const factors = [0, 1].map(side => steep.map((extent, l) => extent[side] * sides[l + 1][side]));
    const [lower, upper] = factors.map(each => { const out = k.array(depth); k[PRODUCTS](k.array(depth, each), out); return [...out.numbers(), 1]; });
    // On its way back the gradient meets the last layer first.
    const layer = factors[0].lastIndexOf(0), flat = layer < 0 ? 0 : slopes.row(layer).data.subarray(0, sizes[layer + 1]).filter(slope => slope === 0).length;
    return { norm: d3.range(depth + 1).map(l => k[NORM](s.row(l))), lower, upper, factors, lost: layer < 0 ? null : { layer: layer + 1, flat } };
  }

  // Geometric mean. The product of the lower factors may be out of the range of numbers.
  const typical = factors => Math.exp(d3.mean(factors, Math.log));

  const listed = names => [names.slice(0, -1).join(", "), names.at(-1)].filter(Boolean).join(" and ");

  // Where the gradient meets a factor of 0 first, and why.
  function reason({ layer, flat }, sizes) {
    if (flat) return `from layer ${layer} down, where ${flat} of ${sizes[layer]} units have the slope 0`;
    const why = sizes[layer] < sizes[layer + 1] ? "which has fewer units than the next, so that its matrix is wide" : "whose matrix does not have full rank";
    return `from layer ${layer} down, ${why}`;
  }

  gradlab.figure("gradient-bounds", {
    title: "A gradient on its way back through a random network, and the bounds on its length",
    kernels: [
      NORMAL, UNIFORM, SCALE, STRETCH, FORWARD, BACK, NORM, PRODUCTS,
      ...Object.keys(FUNCTIONS).filter(name => FUNCTIONS[name].settings)
        .flatMap(name => ["kernel", "backward_kernel"].map(kind => `activations._${name}_${kind}`)),
    ],
    controls: {
      functions: { label: "activations", several: true, choices: FUNCTIONS, value: ["sigmoid", "tanh", "relu"] },
      rule: { label: "weights", choices: Object.fromEntries(Object.entries(RULES).map(([name, { label }]) => [name, label])), value: "lecun" },
      gain: { label: "factor on all weights", min: 0.1, max: 30, log: true, digits: 2, value: 1 },
      depth: { label: "hidden layers", min: 1, max: 40, step: 1, value: 24 },
      width: { label: "units in a layer", min: 2, max: 64, step: 1, value: 64 },
      narrow: { label: "a middle layer of half the units", value: false },
      seed: { label: "seed of the random numbers", min: 0, max: 99, step: 1, value: 0 },
      again: { label: "Another network", press: ({ seed }) => ({ seed: (seed + 1) % 100 }) },
    },

    compute(k, state) {
      const net = network(k, state), found = {};
      for (const name of state.functions) found[name] = k.scope(() => lengths(k, name, net));
      return { found, sizes: net.sizes };
    },

    say({ found, sizes }, { functions, depth }) {
      if (!functions.length) return "No activation is chosen.";
      const each = functions.map(name => {
        const { norm, factors: [low, high] } = found[name];
        const [least, is, most] = [typical(low), norm[0] ** (1 / depth), typical(high)].map(value => short(value, 2));
        return `${nameOf(name)} ${is} (${least} to ${most})`;
      });
      const means = depth === 1 ? "with the bounds" : `geometric means of the ${depth} layers, with those of the bounds`;
      const said = [`A layer of this network multiplies the length of the gradient by the following (${means}): ${each.join("; ")}.`];
      const lost = {};
      for (const name of functions.filter(each => found[each].lost)) (lost[reason(found[name].lost, sizes)] ??= []).push(nameOf(name));
      const why = Object.entries(lost).map(([text, names]) => `with ${listed(names)} ${text}`);
      if (why.length) said.push(`The lower bound is 0 and says nothing ${why.join("; ")}.`);
      return said.join(" ");
    },

    draw(place) {
      const y = { domain: [1e-20, 1e10], log: true, ticks: 5 }, x = { domain: [0, 24] };
      const way = gradlab.plot(place, {
        title: "length of the gradient", alt: "Length of the gradient against the layers passed.", height: 220,
        x: { ...x, label: "layers passed on the way back" }, y, margin: { left: 44 },
      });
      const step = gradlab.plot(place, {
        title: "what each layer multiplies it by", alt: "Factor of each layer.", height: 220,
        x: { ...x, label: "layers passed on the way back" }, y, margin: { left: 44 },
      });
      const note = gradlab.tag("p", {
        className: "note",
        textContent: "The length at the output is taken as 1. What the bounds allow is shaded. A lower bound leaves the plot where it is far " +
          "below, and has no line where it is 0.",
      });
      place.append(note);

      return ({ found }, { functions, depth }) => {
        const passed = d3.range(depth + 1), back = line => [...line].reverse();
        const curves = {}, ratios = {};
        for (const name of functions) {
          const { norm, lower, upper, factors: [low, high] } = found[name];
          curves[name] = [lower, norm, upper].map(back);
          ratios[name] = [low, norm.slice(0, -1).map((each, l) => each / norm[l + 1]), high].map(back);
        }
        paint(way, passed, curves, 15, 5);
        paint(step, passed.slice(1), ratios, 2, 1);
        const { length } = passed;
        way.describe(`Length of the gradient after ${depth} layers, with its bounds: ` +
          functions.map(name => `${nameOf(name)} ${curves[name].map(line => short(line[length - 1], 2)).join(" ≤ ")}`).join("; ") + ".");
        step.describe("Factor of each layer, from the least to the greatest of all layers: " +
          functions.map(name => `${nameOf(name)} ${d3.extent(ratios[name][1]).map(each => short(each, 2)).join(" to ")}`).join("; ") + ".");
      };

      // Lines of the lower bound, the gradient and the upper bound; the axis goes `deep` decades below the gradients at most.
      function paint(plot, x, lines, deep, each) {
        const logs = all => all.flat().filter(v => v > 0 && Number.isFinite(v)).map(Math.log10), all = Object.values(lines), last = Math.max(...x);
        const middle = logs(all.map(line => line[1])), floor = d3.min([0, ...middle]) - deep;
        const bottom = Math.max(floor, d3.min([0, ...middle, ...logs(all.map(line => line[0]))]));
        const top = d3.max([0, ...middle, ...logs(all.map(line => line[2]))]);
        const low = each * Math.floor(bottom / each - 0.01), high = each * Math.ceil(top / each + 0.01);
        plot.axes({ x: { domain: [-0.02 * last, 1.02 * last] }, y: { domain: [10 ** low, 10 ** high] } });
        plot.line("one", { x: [0, last], y: [1, 1], color: "currentColor", width: 0.6 });
        const keys = ["one"];
        for (const [name, [lower, norm, upper]] of Object.entries(lines)) {
          const { color, mark } = FUNCTIONS[name], every = Math.ceil(x.length / 12);
          const at = x.map((_, n) => n).filter(n => (x.length - 1 - n) % every === 0);
          plot.band(`${name} band`, { x, low: lower.map(v => Math.max(v, 10 ** (low - 1))), high: upper, color, opacity: 0.07 });
          plot.line(`${name} low`, { x, y: lower, color, dash: ":", width: 1.2 }).line(`${name} high`, { x, y: upper, color, dash: "--", width: 1.1 });
          plot.line(name, { x, y: norm, color, width: 1.6 }).points(`${name} marks`, { x: at.map(n => x[n]), y: at.map(n => norm[n]), color, mark });
          keys.push(...["", " band", " low", " high", " marks"].map(part => name + part));
        }
        plot.only(keys);
      }
    },
  });
}
