// A small network at the reader's rate, with and without batch normalization, over five seeds.
{
  const { colors, plot, short } = gradlab;
  const SEEDS = 5, EPOCHS = 10, HELD_OUT = 290;
  const WAYS = [
    { label: "without", normalization: "none", color: colors.orange, dash: "--" },
    { label: "with batch normalization", normalization: "batch", color: colors.blue, dash: "-" },
  ];

  // Run 2 s + w is seed s in the way w, so that both ways grow together.
  const runs = ({ rate, layers, activation }) => Array.from({ length: 2 * SEEDS }, (_, run) => gradlab.train.settings({
    widths: Array(layers).fill(32), activation, initialization: activation === "relu" ? "he" : "xavier", optimizer: "sgd",
    rate, batch: 32, epochs: EPOCHS, normalization: WAYS[run % 2].normalization, seed: Math.floor(run / 2),
  }));
  // A run that overflowed stays where guessing is.
  const curve = record => Array.from({ length: EPOCHS + 1 }, (_, e) => 100 * (record.heldAccuracy[e] ?? (record.stopped ? 0.1 : NaN)));
  let records = [];

  const summary = (way) => gradlab.train.summary(
    records.filter((record, run) => record && run % 2 === way).map(curve), EPOCHS);

  gradlab.figure("batch-normalization-rates", {
    title: "A network at your learning rate, with and without batch normalization",
    kernels: gradlab.train.kernels,
    controls: {
      rate: { label: "learning rate", min: 0.0003, max: 300, log: true, digits: 1, value: 0.1 },
      layers: { label: "hidden layers of 32 units", min: 1, max: 8, step: 1, value: 3 },
      activation: { label: "activation", choices: { sigmoid: "sigmoid", tanh: "tanh", relu: "ReLU" }, value: "sigmoid" },
    },
    run: "Train ten networks",
    work: gradlab.train,
    input: state => ({ data: gradlab.digits.split("chapter"), runs: runs(state) }),

    say(_numbers, { rate }) {
      if (!records.length) return `Press the button to train five networks without batch normalization and five with it, at a rate of ${short(rate)}.`;
      const found = WAYS.map(({ label }, way) => {
        const { count, low, high, mean } = summary(way);
        return count ? `${label}: ${short(mean[EPOCHS])} % (${short(low[EPOCHS])} to ${short(high[EPOCHS])}) in ${count} ${count === 1 ? "run" : "runs"}` : `${label}: no run has ended`;
      });
      return `At a rate of ${short(rate)}, held-out digits that are read after ${EPOCHS} epochs, mean and range, ${found.join("; ")}. ` +
        `One standard error of an accuracy near 95 % of ${HELD_OUT} digits is 1.3 points.`;
    },

    draw(place) {
      const legend = gradlab.tag("p", { className: "legend" });
      legend.innerHTML = WAYS.map(way => `${gradlab.swatch(way)} ${way.label}`).join(" ") + "; bands from the worst seed to the best";
      place.before(legend);
      const axes = plot(place, {
        height: 180, title: "held-out accuracy, %", alt: "",
        x: { label: "epoch", domain: [0, EPOCHS] }, y: { domain: [0, 100], ticks: 5 },
      });
      const epochs = Array.from({ length: EPOCHS + 1 }, (_, e) => e);

      return numbers => {
        if (!numbers || (numbers.run === 0 && numbers.epoch === 0)) records = [];
        if (numbers?.record) records[numbers.run] = numbers.record;
        else if (Array.isArray(numbers)) records = numbers;
        const told = WAYS.map(({ label, color, dash }, way) => {
          const { low, high, mean } = summary(way);
          axes.band(`band${way}`, { x: epochs, low, high, color }).line(`mean${way}`, { x: epochs, y: mean, color, dash, width: 1.8 });
          return Number.isFinite(mean[EPOCHS]) ? `${label} ${short(mean[EPOCHS])} percent` : `${label} not yet`;
        });
        axes.describe(`Held-out accuracy against epochs, means over seeds in bands from worst to best: at the end ${told.join(", ")}.`);
      };
    },
  });
}
