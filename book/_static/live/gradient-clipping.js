// Gradient clipping on a cliff: the reader drags the start, and sets the rate, the threshold and the depth.
"use strict";
{
  const { blue, orange, purple, gray } = gradlab.colors, { short } = gradlab;
  const SIGMOID = "activations._sigmoid_kernel", STEP = "optimizers._sgd_kernel", BY_VALUE = "gradient_clipping._clip_by_value_kernel";
  const SQUARES = "gradient_clipping._square_sum_kernel", SHORTEN = "gradient_clipping._shorten_kernel";
  const WAYS = {
    plain: { label: "unclipped", color: purple, dash: ":", mark: "^" },
    value: { label: "clipped by value", color: orange, dash: "--", mark: "s" },
    norm: { label: "clipped by norm", color: blue, dash: "-", mark: "o" },
  };
  const PART = { w: [3.2, 5.6], b: [-2.9, -1.3] }, COLUMNS = 168, ROWS = 112;
  const signed = (value, digits = 3) => short(value, digits).replace(/^-/, "−");

  // The loss of chains with these (w, b), and its gradient, by forward accumulation as on the page.
  function chains(k, count) {
    const h = k.array(count), s = k.array(count), byW = new Float64Array(count), byB = new Float64Array(count);
    return (points, depth, losses, gradients) => {
      h.set(0.5);
      byW.fill(0);
      byB.fill(0);
      for (let t = 0; t < depth; t++) {
        k[SIGMOID](h, s);
        const before = s.data, after = h.data;
        for (let i = 0; i < count; i++) {
          const w = points[2 * i], slope = w * before[i] * (1 - before[i]);
          after[i] = w * before[i] + points[2 * i + 1];
          byW[i] = before[i] + slope * byW[i];
          byB[i] = 1 + slope * byB[i];
        }
      }
      k[SIGMOID](h, s);
      s.data.forEach((y, i) => {
        const outer = 2 * (y - 0.7) * y * (1 - y);
        losses[i] = (y - 0.7) ** 2;
        if (gradients) gradients.set([outer * byW[i], outer * byB[i]], 2 * i);
      });
    };
  }

  // What each way makes of a gradient; it returns whether it changed anything.
  const clips = k => ({
    plain: () => false,
    value(g, out, limit) {
      k[BY_VALUE](g, out, limit);
      return g.data.some((each, j) => each !== out.data[j]);
    },
    norm(g, out, limit) {
      const square = k[SQUARES](g, 1), largest = Math.max(...g.data.map(Math.abs));
      // By a power of two, and only where squares overflow.
      const scale = square < Infinity ? 1 : 2 ** -Math.ceil(Math.log2(largest)), units = Math.sqrt(scale === 1 ? square : k[SQUARES](g, scale));
      if (!(units / scale > limit)) return false;
      k[SHORTEN](g, out, scale, limit / units);
      return true;
    },
  });

  // The loss over the picture, which depends on the depth alone.
  const surfaces = {};
  function surface(k, depth, points) {
    surfaces[depth] ??= k.scope(() => {
      const losses = new Float64Array(points.length / 2);
      chains(k, losses.length)(points, depth, losses);
      return losses;
    });
    return surfaces[depth];
  }

  const far = value => (Number.isFinite(value) ? signed(value) : "no longer a number");

  gradlab.figure("gradient-clipping", {
    title: "Descent on a cliff, with and without clipping, from where you put the start",
    kernels: [SIGMOID, STEP, BY_VALUE, SQUARES, SHORTEN],
    controls: {
      threshold: { label: "threshold τ", min: 0.01, max: 30, log: true, digits: 2, value: 0.1 },
      rate: { label: "learning rate η", min: 0.01, max: 30, log: true, digits: 2, value: 2 },
      w: { label: "start: weight w", min: PART.w[0], max: PART.w[1], step: 0.01, value: 5.2 },
      b: { label: "start: bias b", min: PART.b[0], max: PART.b[1], step: 0.01, value: -1.8 },
      steps: { label: "steps", min: 1, max: 100, step: 1, value: 40 },
      depth: { label: "layers of the chain", min: 1, max: 100, step: 1, value: 50 },
      ways: { label: "ways", several: true, choices: WAYS, value: Object.keys(WAYS) },
    },

    compute(k, { threshold, rate, w, b, steps, depth, ways }) {
      const count = ways.length, points = k.array([count, 2], ways.flatMap(() => [w, b])), g = k.array([count, 2]), clipped = k.array([count, 2]);
      const rows = ways.map((way, n) => [clips(k)[way], g.row(n), clipped.row(n)]), at = chains(k, count), losses = new Float64Array(count);
      const each = value => Object.fromEntries(ways.map(way => [way, value()]));
      const found = { paths: each(() => []), losses: each(() => []), lengths: {}, cut: each(() => 0) };
      for (let step = 0; count && step <= steps; step++) {
        at(points.data, depth, losses, g.data);
        ways.forEach((way, n) => {
          found.paths[way].push(points.row(n).numbers());
          found.losses[way].push(losses[n]);
        });
        if (step === steps) break;
        clipped.set(g);
        rows.forEach(([clip, before, after], n) => { found.cut[ways[n]] += clip(before, after, threshold); });
        k[STEP](points.flat(), clipped.flat(), 1, 0, rate);
      }
      for (const way of ways) {
        found.lengths[way] = d3.pairs(found.paths[way], (p, q) => Math.hypot(q[0] - p[0], q[1] - p[1]));
      }
      return found;
    },

    say({ paths, losses, lengths, cut }, { threshold, rate, steps, ways }) {
      if (!ways.length) return "No way is chosen.";
      const told = ways.map(way => {
        const [w, b] = paths[way].at(-1), longest = Math.max(...lengths[way].filter(Number.isFinite)), still = lengths[way].at(-1) === 0;
        const { label } = WAYS[way], where = `(${far(w)}, ${far(b)})${still ? ", where it stands still" : ""}`;
        return `${label[0].toUpperCase()}${label.slice(1)}: loss ${short(losses[way].at(-1), 2)} at ${where}; longest step ` +
          `${short(longest, 2)}${way === "plain" ? "" : `, ${cut[way]} of ${steps} cut`}.`;
      });
      return `${told.join(" ")} A step clipped by norm is at most ητ = ${short(threshold * rate)} long, one clipped by value at most ${short(Math.SQRT2 * threshold * rate)}.`;
    },

    draw(place, k) {
      const map = gradlab.plot(place, {
        square: true, height: 178, title: "paths; the start can be dragged", alt: "",
        x: { label: "weight w", domain: PART.w }, y: { label: "bias b", domain: PART.b },
      });
      const step = { label: "step", domain: [0, 40] };
      const fall = gradlab.plot(place, { height: 178, title: "loss", alt: "", x: step, y: { domain: [1e-6, 1], log: true } });
      const lengths = gradlab.plot(place, { height: 178, title: "length of the step; gray: ητ", alt: "", x: step, y: { domain: [1e-3, 100], log: true } });
      const start = (w, b) => gradlabLive["gradient-clipping"].set({ w: Number(w.toFixed(2)), b: Number(b.toFixed(2)) });

      // Decades from `from` to `to`, stretched to what is seen, within bounds.
      const decades = (values, [from, to], [low, high]) => {
        const seen = values.filter(v => v > 0 && Number.isFinite(v));
        const down = 10 ** Math.floor(Math.log10(d3.min(seen) ?? from)), up = 10 ** Math.ceil(Math.log10(d3.max(seen) ?? to));
        return [Math.max(low, Math.min(from, down)), Math.min(high, Math.max(to, up))];
      };

      return (found, state) => {
        const values = surface(k, state.depth, map.grid(COLUMNS, ROWS));
        map.image("shade", { values, columns: COLUMNS, rows: ROWS, color: value => [122, 122, 122, Math.min(150, 420 * value)] });
        map.contours("surface", { values, columns: COLUMNS, rows: ROWS, levels: [0.02, 0.1, 0.2, 0.3, 0.4] });
        fall.axes({ x: { domain: [0, state.steps] }, y: { domain: decades(Object.values(found.losses).flat(), [1e-4, 1], [1e-12, 1]) } });
        const bound = state.rate * state.threshold, moved = [...Object.values(found.lengths).flat(), bound];
        lengths.axes({ x: { domain: [0, state.steps] }, y: { domain: decades(moved, [1e-2, 1], [1e-6, 1e6]) } });
        lengths.line("bound", { x: [0, state.steps], y: [bound, bound], color: gray, width: 1 });
        for (const way of state.ways) {
          const { color, dash, mark } = WAYS[way], path = found.paths[way], x = path.map(p => p[0]), y = path.map(p => p[1]), size = state.steps > 60 ? 0.5 : 1;
          map.line(way, { x, y, color, dash, width: 1.1 }).points(`${way} points`, { x, y, color, mark, size });
          const [lowLoss, lowLength] = [fall.domain("y")[0], lengths.domain("y")[0]];
          fall.line(way, { x: d3.range(path.length), y: found.losses[way].map(v => Math.max(v, lowLoss)), color, dash });
          const long = { x: d3.range(1, path.length), y: found.lengths[way].map(v => Math.max(v, lowLength)), color };
          lengths.line(way, { ...long, dash }).points(`${way} points`, { ...long, size: 0.6 });
        }
        map.handle("start", { x: state.w, y: state.b }, start);
        map.only(["surface", "shade", "start", ...state.ways.flatMap(way => [way, `${way} points`])]);
        fall.only(state.ways);
        lengths.only(["bound", ...state.ways.flatMap(way => [way, `${way} points`])]);
        const each = what => state.ways.map(way => `${WAYS[way].label} ${what(way)}`).join("; ");
        map.describe(`Paths over the loss of the chain from (${signed(state.w)}, ${signed(state.b)}), which end at: ` +
          `${each(way => `(${found.paths[way].at(-1).map(far).join(", ")})`)}.`);
        fall.describe(`Loss against the step; at the end: ${each(way => short(found.losses[way].at(-1), 2))}.`);
        lengths.describe(`Length of each step; the longest: ${each(way => short(Math.max(...found.lengths[way]), 2))}.`);
      };
    },
  });
}
