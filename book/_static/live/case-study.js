// The list of the case study, with its items switched on and off: all selections were trained beforehand.
"use strict";
{
  const { colors, plot, short } = gradlab, lists = gradlab.lists;
  const LABELS = lists.items, EPOCHS = 8, TEST = 1000;
  const NAMES = ["schedule", "relu", "normalization", "clipping", "stopping", "dropout"];
  const keyOf = items => NAMES.map(name => Number(items.includes(name))).join("");
  const percent = count => (100 * count) / TEST, signed = value => (Math.abs(value) < 0.05 ? "0" : `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(1)}`);

  gradlab.figure("case-study", {
    title: "The items of the list, switched on and off",
    kernels: [],
    controls: {
      items: { label: "items that the networks have", several: true, choices: Object.fromEntries(NAMES.map((name, k) => [name, { label: LABELS[k] }])), value: NAMES },
      none: { label: "None", press: () => ({ items: [] }) },
      all: { label: "The whole list", press: () => ({ items: NAMES }) },
    },

    compute(_k, { items }) {
      const [rate, runs] = lists.runs[keyOf(items)];
      // What each item is worth beside the others that are on: the same seeds with it and without it.
      const worth = NAMES.map(name => {
        const others = items.filter(each => each !== name), [, without] = lists.runs[keyOf(others)], [, withIt] = lists.runs[keyOf([...others, name])];
        return withIt.map((run, seed) => percent(run.at(-1) - without[seed].at(-1)));
      });
      return { rate, curves: runs.map(run => run.slice(0, -1).map(percent)), final: runs.map(run => percent(run.at(-1))), worth };
    },

    say({ rate, final, worth }, { items }) {
      const means = worth.map(each => d3.mean(each)), order = d3.range(NAMES.length).sort((a, b) => means[b] - means[a]);
      const told = k => `${LABELS[k]} (${signed(means[k])} points, ${signed(d3.min(worth[k]))} to ${signed(d3.max(worth[k]))})`;
      return `With ${items.length ? NAMES.flatMap((name, k) => (items.includes(name) ? LABELS[k].replace(", He", " with He's weights") : [])).join(", ") : "none of the items"}, five networks at the rate ${rate} that held-out digits chose read ${short(d3.mean(final))} % of the test digits ` +
        `(${short(d3.min(final))} to ${short(d3.max(final))}). Beside the others that are on, ${told(order[0])} adds most and ${told(order.at(-1))} least.`;
    },

    draw(place) {
      const legend = gradlab.tag("p", { className: "legend" });
      legend.innerHTML = `${gradlab.swatch({ color: colors.blue })} your selection: mean of five seeds, and from worst to best; ${gradlab.swatch({ color: colors.faint })} the other 63 selections; ` +
        `${gradlab.swatch({ color: colors.green, mark: "o" })} an item that is on, ${gradlab.swatch({ color: colors.orange, mark: "D" })} one that is off: each seed, and an upright line for the mean`;
      place.before(legend);
      const epochs = d3.range(EPOCHS + 1), mean = runs => epochs.map(e => percent(d3.mean(runs, run => run[e])));
      const curve = plot(place, { title: "test digits that are read, %", alt: "", x: { label: "epoch", domain: [0, EPOCHS] }, y: { domain: [0, 100], ticks: 5 } });
      const gains = plot(place, {
        title: "gain of each item", alt: "", margin: { left: 104 },
        x: { label: "points gained by it", domain: [-10, 90], ticks: 5 },
        y: { domain: [NAMES.length - 0.5, -0.5], ticks: NAMES.length, format: k => LABELS[k] ?? "" },
      });
      const all = Object.values(lists.runs).map(([, runs]) => mean(runs));
      curve.line("others", { x: all.flatMap(() => [...epochs, NaN]), y: all.flatMap(each => [...each, NaN]), color: colors.faint, width: 0.6, opacity: 0.5 });

      return ({ curves, final, worth }, { items }) => {
        const of = pick => epochs.map(e => pick(curves, each => each[e]));
        curve.band("band", { x: epochs, low: of(d3.min), high: of(d3.max) }).line("mean", { x: epochs, y: of(d3.mean), width: 2 });
        curve.describe(`Test digits that are read rise from ${short(d3.mean(curves, each => each[0]))} to ${short(d3.mean(final))} percent in eight epochs.`);
        const [low, high] = d3.extent(worth.flat()), room = Math.max(2, 0.08 * (high - low));
        gains.axes({ x: { domain: [Math.min(0, low) - room, Math.max(0, high) + room] } });
        gains.line("zero", { x: [0, 0], y: gains.domain("y"), color: "currentColor", width: 0.8, opacity: 0.7 });
        for (const [key, on, color, mark] of [["on", true, colors.green, "o"], ["off", false, colors.orange, "D"]]) {
          const rows = d3.range(NAMES.length).filter(k => items.includes(NAMES[k]) === on), means = rows.map(k => d3.mean(worth[k]));
          gains.points(key, { x: rows.flatMap(k => worth[k]), y: rows.flatMap(k => worth[k].map(() => k)), color, mark, opacity: 0.6 });
          gains.line(`${key} mean`, { x: means.flatMap(value => [value, value, NaN]), y: rows.flatMap(k => [k - 0.3, k + 0.3, NaN]), color, width: 2 });
        }
        gains.describe(LABELS.map((name, k) => `${name}: ${signed(d3.mean(worth[k]))} points.`).join(" "));
      };
    },
  });
}
