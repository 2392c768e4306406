// Dropout: networks learn a few digits, some of them labeled wrongly, with dropout and without, over five seeds.
{
  const { colors, plot, short } = gradlab;
  const SEEDS = 5, EPOCHS = 40, HELD_OUT = 290;
  const WAYS = [
    { label: "without", color: colors.orange, dash: "--" },
    { label: "with dropout", color: colors.blue, dash: "-" },
  ];

  // Run 2 s + w is seed s in the way w, so that both ways grow together.
  const runs = ({ rate, examples, layers, width }) => Array.from({ length: 2 * SEEDS }, (_, run) => gradlab.train.settings({
    widths: Array(layers).fill(Number(width)), dropout: run % 2 ? rate : 0, examples: Number(examples), rate: 0.05, batch: 50,
    epochs: EPOCHS, inputs: "pixels", seed: Math.floor(run / 2),
  }));

  // The same wrong labels for all runs, of which each learns some of the digits.
  let data = null, records = [];
  function labeled(k, { wrong }) {
    const digits = gradlab.digits.split("chapter"), count = digits.labels.length, u = k.array(2 * count);
    k["_random._uniform_draws_kernel"](0, 1, 0, u);
    const numbers = u.data;
    const labels = Array.from(digits.labels, (label, i) => (numbers[i] < Number(wrong) ? Math.floor(10 * numbers[count + i]) : label));
    return { ...digits, labels };
  }

  const summary = (way, name) => gradlab.train.summary(
    records.filter((record, run) => record && run % 2 === way).map(record => record[name].map(part => 100 * part)), EPOCHS);

  gradlab.figure("dropout", {
    title: "Networks that learn a few digits, with and without dropout",
    kernels: [...new Set([...gradlab.train.kernels, "_random._uniform_draws_kernel"])],
    controls: {
      rate: { label: "drop probability", min: 0.05, max: 0.9, step: 0.05, value: 0.5 },
      wrong: { label: "labels at random", choices: { 0: "none", 0.1: "10 %", 0.2: "20 %", 0.4: "40 %" }, value: "0.2" },
      examples: { label: "digits to learn from", choices: { 50: "50", 100: "100", 200: "200", 1000: "1000" }, value: "200" },
      layers: { label: "hidden layers", min: 1, max: 3, step: 1, value: 2 },
      width: { label: "units in each", choices: { 16: "16", 32: "32", 64: "64", 128: "128" }, value: "64" },
    },
    compute(k, state) {
      [data, records] = [labeled(k, state), []];
      return { labels: data.labels };
    },
    run: "Train ten networks",
    work: gradlab.train,
    input: state => ({ data, runs: runs(state) }),

    say(_numbers, { rate, examples, wrong }) {
      if (!records.length) return `Press the button to train five networks without dropout and five with a drop probability of ${short(rate)}.`;
      const found = WAYS.map(({ label }, way) => {
        const { count, low, high, mean } = summary(way, "heldAccuracy");
        return count ? `${label} ${short(mean[EPOCHS])} % (${short(low[EPOCHS])} to ${short(high[EPOCHS])}) in ${count} ${count === 1 ? "run" : "runs"}` : `${label} no run has ended`;
      });
      return `After ${EPOCHS} epochs on ${examples} digits, ${Number(wrong) ? `${100 * wrong} % of their labels at random` : "all with their right labels"}, ` +
        `held-out digits that are read, mean and range: ${found.join("; ")}. One standard error of an accuracy near 85 % of ${HELD_OUT} digits is two points.`;
    },

    draw(place) {
      const legend = gradlab.tag("p", { className: "legend" });
      legend.innerHTML = WAYS.map(way => `${gradlab.swatch(way)} ${way.label}`).join(" ") + "; bands from the worst seed to the best";
      place.before(legend);
      const epochs = Array.from({ length: EPOCHS + 1 }, (_, e) => e);
      const axes = [["trainAccuracy", "on the labels that were given, %"], ["heldAccuracy", "on held-out digits, %"]].map(([name, title]) =>
        [name, title, plot(place, { height: 190, title, alt: "", x: { label: "epoch", domain: [0, EPOCHS] }, y: { domain: [0, 100], ticks: 5 } })]);

      return numbers => {
        if (numbers?.record) {
          if (numbers.run === 0 && numbers.epoch === 0) records = [];
          records[numbers.run] = numbers.record;
        } else if (Array.isArray(numbers)) records = numbers;
        for (const [name, title, plotted] of axes) {
          const told = WAYS.map(({ label, color, dash }, way) => {
            const { low, high, mean } = summary(way, name);
            plotted.band(`band${way}`, { x: epochs, low, high, color }).line(`mean${way}`, { x: epochs, y: mean, color, dash, width: 1.8 });
            return Number.isFinite(mean[EPOCHS]) ? `${label} ${short(mean[EPOCHS])} percent` : `${label} not yet`;
          });
          plotted.describe(`Accuracy ${title.replace(", %", "")} against epochs, means in bands from worst to best: at the end ${told.join(", ")}.`);
        }
      };
    },
  });
}
