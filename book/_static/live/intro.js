// The front page: a small network learns the digits, or does not, for want of one thing.
{
  const { colors, plot, short, tag } = gradlab;
  const EPOCHS = 12, SHOWN = 48, HELD_OUT = 290;
  const FAULTS = {
    none: { label: "as it should be", changes: {}, color: colors.blue, dash: "-" },
    normalization: { label: "without normalization", changes: { normalization: "none" }, color: colors.orange, dash: "--" },
    initialization: { label: "with all weights 0", changes: { initialization: "zeros" }, color: colors.green, dash: "-." },
    rate: { label: "at 100 times the rate", changes: { rate: 30 }, color: colors.purple, dash: ":" },
  };
  const settings = ({ fault, seed }) => gradlab.train.settings({
    widths: [32, 32, 32], activation: "sigmoid", initialization: "xavier", normalization: "batch", optimizer: "sgd",
    rate: 0.3, batch: 32, epochs: EPOCHS, inputs: "pixels", seed, ...FAULTS[fault].changes,
  });

  const counted = epochs => `${epochs} ${epochs === 1 ? "epoch" : "epochs"}`;

  // One sentence on what was measured in a run that fails.
  const cause = {
    none: () => "",
    normalization: ({ first }) => `In the first epoch the gradient of the first layer's weights had ${short(first[0] / first[3], 2)} times the norm of ` +
      "the last layer's: it vanishes on its way down through three sigmoids.",
    initialization: () => "All units of a layer are equal and stay so, and zero weights pass no gradient to the layers below them.",
    rate: ({ record: { trainLoss } }) => `The loss, ${short(trainLoss[0], 2)} before training, is ${short(trainLoss.at(-1), 2)} now; it rose in ` +
      `${trainLoss.filter((loss, epoch) => loss > trainLoss[epoch - 1]).length} of ${counted(trainLoss.length - 1)}.`,
  };

  // What the latest run has shown so far.
  let latest = null;

  gradlab.figure("intro", {
    title: "A network that learns to read digits",
    kernels: gradlab.train.kernels,
    controls: {
      fault: { label: "Train the network", buttons: true, value: "none", choices: FAULTS },
      seed: { label: "seed of its random draws", min: 0, max: 99, step: 1, value: 0 },
    },
    run: "Again",
    work: gradlab.train,
    input: state => ({ data: gradlab.digits.split("chapter"), runs: [settings(state)] }),

    say(_numbers, { fault }) {
      if (!latest) return "A network of three hidden layers, with 4,416 weights. It has not seen a digit yet; it will be shown 1,147 of them, twelve times over.";
      const { record, first, seconds } = latest, accuracy = record.heldAccuracy.at(-1), epochs = record.heldAccuracy.length - 1;
      return `After ${counted(epochs)} and ${short(seconds, 2)} seconds it reads ${Math.round(HELD_OUT * accuracy)} of ${HELD_OUT} digits ` +
        `that it has never seen, ${(100 * accuracy).toFixed(1)} %. ${accuracy < 0.5 && first ? cause[fault](latest) : ""}`;
    },

    draw(place) {
      const grid = tag("div", { className: "panel digits" }), caption = tag("p", { className: "caption" });
      const list = tag("ul");
      grid.append(caption, list);
      place.append(grid);
      const { heldX, heldLabels } = gradlab.digits.split("chapter");
      // The held-out digits stand class by class: every fifth is shown.
      const shown = Array.from({ length: SHOWN }, (_, k) => Math.floor((k * HELD_OUT) / SHOWN));
      const cells = shown.map(index => {
        const pixels = heldX.subarray(64 * index, 64 * index + 64);
        const answer = tag("span"), image = tag("img", { src: gradlab.picture(pixels, 8, 8, value => [122, 122, 122, 255 * value]), className: "dark-light", alt: "" });
        const cell = tag("li", {}, image, answer);
        list.append(cell);
        return [cell, answer, image];
      });
      const curve = plot(place, {
        title: "held-out digits it reads, %", alt: "", height: 170,
        x: { label: "epoch", domain: [0, EPOCHS] }, y: { domain: [0, 100], ticks: 5 },
      });
      // Under each digit what the network takes it for.
      function read(wrong) {
        const answers = new Map(wrong);
        shown.forEach((index, k) => {
          const [cell, answer, image] = cells[k];
          cell.classList.toggle("wrong", answers.has(index));
          answer.textContent = wrong ? (answers.has(index) ? answers.get(index) ?? "?" : heldLabels[index]) : "";
          image.alt = `A ${heldLabels[index]}${wrong ? `, read as ${answer.textContent}` : ""}`;
        });
        const count = shown.filter(index => answers.has(index)).length;
        caption.textContent = `${SHOWN} held-out digits${wrong ? `, ${count} read wrongly` : ""}`;
      }
      let kept = {}, keptSeed = 0, begun = 0;

      return (numbers, { fault, seed }) => {
        if (seed !== keptSeed) [kept, keptSeed] = [{}, seed];
        if (!numbers) latest = null;
        if (numbers?.record) {
          if (numbers.epoch === 0) begun = performance.now();
          const first = numbers.epoch === 1 && numbers.norms ? numbers.norms : latest?.first;
          latest = { record: numbers.record, first, seconds: (performance.now() - begun) / 1000 };
          kept[fault] = numbers.record.heldAccuracy;
        }
        if (!numbers || numbers.wrong) read(numbers?.wrong);
        const runs = Object.keys(FAULTS).filter(name => kept[name]);
        for (const name of runs) {
          const { color, dash } = FAULTS[name], y = kept[name].map(part => 100 * part);
          curve.line(name, { x: y.map((_, epoch) => epoch), y, color, dash, width: name === fault ? 2.2 : 1.1 });
        }
        curve.only(runs);
        curve.describe(runs.map(name => `Trained ${FAULTS[name].label}: ${(100 * kept[name].at(-1)).toFixed(1)} percent.`).join(" ") || "Nothing is trained yet.");
      };
    },
  });
}
