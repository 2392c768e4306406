// Transfer learning: networks learn the digits 5 to 9 from few labels, from scratch and on layers that have learned 0 to 4.
"use strict";
{
  const { colors, plot, short, swatch } = gradlab;
  const CANVAS = 12, SEEDS = 5, WIDTH = 48, LAYERS = 2, COPIES = 4, ROWS = 400, BATCH = 20, EPOCHS = 10, STEPS = ROWS / BATCH, TEST = 360;
  const CROP = "data_augmentation._crop_kernel", UNIFORM = "_random._uniform_draws_kernel", PERMUTATION = "_random._permutation_kernel";
  const COUNTS = [1, 2, 5, 10, 20, 40, 80];
  const WAYS = {
    scratch: { label: "from scratch", color: colors.orange, dash: "--", mark: "s" },
    frozen: { label: "base frozen throughout", color: colors.green, dash: "-.", mark: "^" },
    tuned: { label: "base unfrozen at half time", color: colors.blue, dash: "-", mark: "o" },
  };
  const split = gradlab.digits.split("test");

  // Digits at random places of the canvas, as random_crop puts them there by LiveGenerator's draws; classes from 0.
  function placed(k, pixels, labels, fresh, copies, seed) {
    const chosen = d3.range(labels.length).filter(i => (labels[i] >= 5) === fresh), count = copies * chosen.length;
    const images = k.array([count, 8, 8]), u = k.array(2 * count), out = k.array([count, CANVAS, CANVAS]), { data } = images;
    for (let i = 0; i < count; i++) {
      const from = 64 * chosen[i % chosen.length];
      data.set(pixels.subarray(from, from + 64), 64 * i);
    }
    k[UNIFORM](seed, 0, 0, u);
    const corner = first => k.array(count, Array.from(u.data.slice(first, first + count), value => Math.floor(5 * value)), "int64");
    k[CROP](images, corner(0), corner(count), 4, 1, 0, out);
    return { x: Float64Array.from(out.data), labels: d3.range(count).map(i => labels[chosen[i % chosen.length]] % 5) };
  }
  const joined = (train, held) => ({ ...train, heldX: held.x, heldLabels: held.labels, classes: 5 });

  let old = null, pool = null, test = null, bases = {};
  function prepare(k) {
    old = joined(placed(k, split.x, split.labels, false, COPIES, 1), placed(k, split.heldX, split.heldLabels, false, 1, 4));
    pool = placed(k, split.x, split.labels, true, 1, 2);
    test = placed(k, split.heldX, split.heldLabels, true, 2, 3);
  }
  // As many labeled pictures of each class, over and over until an epoch has 20 mini-batches.
  function labeled(k, count, seed) {
    const order = k.array(pool.labels.length, d3.range(pool.labels.length), "int64");
    k[PERMUTATION](100 + seed, 0, 0, order);
    const shuffled = order.numbers(), rows = d3.range(5).flatMap(c => shuffled.filter(i => pool.labels[i] === c).slice(0, count));
    const all = d3.range(ROWS).map(i => rows[i % rows.length]), size = CANVAS * CANVAS, x = new Float64Array(ROWS * size);
    all.forEach((from, to) => x.set(pool.x.subarray(from * size, (from + 1) * size), to * size));
    return joined({ x, labels: all.map(i => pool.labels[i]) }, test);
  }

  // Runs, one after the other: the bases, unless they are kept from an earlier press, and for each seed the ways.
  function runs(begun, { base, reused, reduction, rate, unfrozen }) {
    const list = [], common = { widths: Array(LAYERS).fill(WIDTH), inputs: "pixels" }, depth = LAYERS + 1, layers = Number(reused);
    const add = (way, seed, more) => list.push(gradlab.train.settings({ ...common, way, seed, ...more })) - 1 + begun.length;
    if (!begun.length) d3.range(SEEDS).forEach(seed => add("base", seed, { batch: 64, epochs: base === "old" ? 6 : 1, rate: base === "old" ? 0.05 : 0 }));
    for (let seed = 0; seed < SEEDS; seed++) {
      const own = { batch: BATCH, epochs: EPOCHS, rate, data: 1 + seed };
      add("scratch", seed, { ...own, epochs: 2 * EPOCHS });
      const head = add("head", seed, { ...own, from: seed, reused: layers, frozen: layers });
      add("frozen", seed, { ...own, from: head, reused: depth, frozen: layers });
      add("tuned", seed, { ...own, from: head, reused: depth, frozen: Math.max(0, layers - Number(unfrozen)), rate: rate * reduction });
    }
    return list;
  }

  // What is recorded of the last press, and the ends of all presses that differ in the labels alone.
  let records = [], ends = {}, settled = "", sets = null;
  const of = (way, seed) => records.find(each => each.settings.way === way && each.settings.seed === seed);
  // Accuracy in percent at the end of each epoch. A network that is transferred has two phases.
  function curveOf(way, seed) {
    const first = of(way === "scratch" ? way : "head", seed)?.heldAccuracy ?? [], second = way === "scratch" ? [] : of(way, seed)?.heldAccuracy ?? [];
    return [...first, ...second.slice(1)].map(part => 100 * part);
  }
  const summary = way => gradlab.train.summary(d3.range(SEEDS).map(seed => curveOf(way, seed)), 2 * EPOCHS);

  gradlab.figure("transfer-learning", {
    title: "Networks that learn new digits from few labels, from scratch and on layers of an older network",
    kernels: [...new Set([...gradlab.train.kernels, CROP, UNIFORM, PERMUTATION])],
    controls: {
      labels: { label: "labels for each of the digits 5 to 9", choices: Object.fromEntries(COUNTS.map(count => [count, String(count)])), value: "5" },
      base: { label: "the base has learned", choices: { old: "the digits 0 to 4", none: "nothing: its weights are random" }, value: "old" },
      reused: { label: "layers taken over", choices: { 1: "the first", 2: "both hidden layers" }, value: "2" },
      unfrozen: { label: "unfrozen at half time", choices: { 1: "the upper layer of the base", 2: "all of the base" }, value: "2" },
      rate: { label: "learning rate", min: 0.002, max: 0.3, log: true, digits: 1, value: 0.05 },
      reduction: { label: "second rate, as a share of the first", min: 0.01, max: 1, log: true, digits: 1, value: 0.3 },
    },
    compute(k, state) {
      if (!old) prepare(k);
      const { labels, ...others } = state, key = JSON.stringify(others);
      if (key !== settled) [ends, settled] = [{}, key];
      records = [];
      sets = [old, ...d3.range(SEEDS).map(seed => labeled(k, Number(labels), seed))];
      return { labels: sets[1].labels, pixels: d3.sum(sets[1].x) };
    },
    run: "Train the networks",
    work: gradlab.train,
    input(state) {
      records = [];
      return { data: sets, runs: runs(bases[state.base] ?? [], state), begun: bases[state.base] };
    },

    say(_numbers, { labels, base, reused }) {
      const found = Object.keys(WAYS).map(way => [way, summary(way)]).filter(([, each]) => each.count);
      const what = `${labels} ${labels === "1" ? "label" : "labels"} for each digit`;
      if (!found.length) {
        return `Press the button to train on ${what}, with ${SEEDS} seeds: a new network, one whose base stays frozen, and one whose base is unfrozen at half time. ` +
          `${bases[base] ? "" : "The first time the bases are trained as well. "}Then choose another number of labels and press again: the second diagram keeps what you have found.`;
      }
      const told = found.map(([way, { count, low, high, mean }]) =>
        `${WAYS[way].label} ${short(mean[2 * EPOCHS])} % (${short(low[2 * EPOCHS])} to ${short(high[2 * EPOCHS])}${count < SEEDS ? `, ${count} ${count === 1 ? "run" : "runs"}` : ""})`);
      return `With ${what}, after ${2 * EPOCHS * STEPS} steps, of the ${TEST} test pictures are read, mean and range: ${told.join("; ")}. The base ` +
        `${base === "old" ? `is ${reused === "1" ? "the first layer" : "both hidden layers"} of networks that have learned 0 to 4` : "has random weights"}. One in five would be guessed.`;
    },

    draw(place) {
      const legend = gradlab.tag("p", { className: "legend" });
      legend.innerHTML = `${Object.values(WAYS).map(way => `${swatch(way)} ${way.label}`).join(" ")}; means of ${SEEDS} seeds, bands and upright lines from worst to best`;
      place.before(legend);
      const steps = d3.range(2 * EPOCHS + 1).map(epoch => epoch * STEPS);
      const learning = plot(place, { title: "test pictures that are read, %", alt: "", x: { label: "step", domain: [0, steps[2 * EPOCHS]] }, y: { domain: [0, 100], ticks: 5 } });
      const needed = plot(place, { title: "at the end, for all labels you tried, %", alt: "", x: { label: "labels for each digit", domain: [0.8, 100], log: true }, y: { domain: [0, 100], ticks: 5 } });

      return (numbers, state) => {
        if (numbers?.ended) {
          const { settings } = numbers.record;
          records[numbers.run] = numbers.record;
          // Bases are trained once: they do not depend on what the reader sets for the new digits.
          if (settings.way === "base" && settings.seed === SEEDS - 1) bases[state.base] = d3.range(SEEDS).map(seed => of("base", seed));
        } else if (numbers?.record) records[numbers.run] = numbers.record;
        else if (numbers?.loss !== undefined) return;
        learning.line("half", { x: [EPOCHS * STEPS, EPOCHS * STEPS], y: [0, 100], color: "currentColor", width: 0.8, dash: ":" });
        const kept = ["half"], told = [];
        for (const [way, { color, dash }] of Object.entries(WAYS)) {
          const { count, low, high, mean } = summary(way);
          learning.band(`band ${way}`, { x: steps, low, high, color }).line(`mean ${way}`, { x: steps, y: mean, color, dash, width: 1.8 });
          if (!count) continue;
          told.push(`${WAYS[way].label} ${short(mean.at(-1))} percent`);
          if (count === SEEDS) ends[state.labels] = { ...ends[state.labels], [way]: [low.at(-1), mean.at(-1), high.at(-1)] };
        }
        Object.keys(WAYS).forEach((way, n) => {
          const { color, mark, dash } = WAYS[way], tried = COUNTS.filter(count => ends[count]?.[way]), values = tried.map(count => ends[count][way]);
          // Side by side, where they would lie over each other.
          const x = tried.map(count => count * 1.06 ** (n - 1));
          needed.line(`line ${way}`, { x, y: values.map(each => each[1]), color, dash }).points(`points ${way}`, { x, y: values.map(each => each[1]), color, mark });
          needed.line(`range ${way}`, { x: x.flatMap(each => [each, each, NaN]), y: values.flatMap(([low, , high]) => [low, high, NaN]), color });
          kept.push(`band ${way}`, `mean ${way}`);
        });
        learning.only(kept);
        learning.describe(`Test pictures that are read against the step: ${told.join(", ") || "nothing is trained yet"}.`);
        needed.describe(Object.entries(ends).map(([count, found]) => `${count} labels: ${Object.entries(found).map(([way, each]) => `${WAYS[way].label} ${short(each[1])} percent`).join(", ")}.`).join(" ") || "No number of labels has been tried yet.");
      };
    },
  });
}
