// A playground on the digits: the parts of this book together, their curves, and what went wrong, measured.
(() => {
  "use strict";
  const { tag, colors, plot, short } = gradlab;
  const SHOWN = 66, MISTAKES = 30, EARLIER = 6, HELD_OUT = 290;
  const LAYER_STYLES = [
    [colors.blue, "-"], [colors.orange, "--"], [colors.green, "-."], [colors.purple, ":"], [colors.gray, "-"], [colors.blue, "--"], [colors.orange, "-"],
  ].map(([color, dash]) => ({ color, dash }));

  const named = (...texts) => Object.fromEntries(texts.map(text => [String(parseFloat(text) || 0), text]));
  const FIRST = {
    layers: 2, width: 64, activation: "relu", initialization: "he", normalization: "none",
    optimizer: "momentum", rate: 0.05, schedule: "constant", batch: "64", epochs: 20,
    dropout: 0, decay: "0", clip: "0", patience: "0", examples: "0", inputs: "standardized", seed: 0,
  };
  const controls = {
    layers: { label: "Hidden layers", min: 0, max: 6, step: 1 },
    width: { label: "Units in each", min: 2, max: 256, log: true, digits: 2 },
    activation: {
      label: "Activation",
      choices: { relu: "ReLU", leaky_relu: "leaky ReLU", elu: "ELU", gelu: "GELU", silu: "SiLU", tanh: "tanh", sigmoid: "sigmoid" },
    },
    initialization: {
      label: "Initialization",
      choices: {
        he: "He, normal", xavier: "Xavier, normal", lecun: "LeCun, normal", torch: "old Torch, uniform",
        small: "deviation 0.01", large: "deviation 1", zeros: "all zero",
      },
    },
    normalization: { label: "Normalization", choices: { none: "none", batch: "batch", layer: "layer" } },
    dropout: { label: "Dropout rate", min: 0, max: 0.8, step: 0.05 },
    optimizer: {
      label: "Optimizer",
      choices: {
        sgd: "gradient descent", momentum: "momentum 0.9", nesterov: "Nesterov 0.9", rmsprop: "RMSProp", adam: "Adam", adamw: "AdamW",
      },
    },
    rate: { label: "Learning rate", min: 1e-4, max: 10, log: true, digits: 2 },
    schedule: {
      label: "Schedule",
      choices: {
        constant: "constant", cosine: "cosine", warmup: "warm-up, then cosine", exponential: "exponential, to 1 %",
        step: "a tenth after each third", one_cycle: "one cycle", plateau: "half when held-out loss stalls",
      },
    },
    decay: { label: "Weight decay", choices: named("none", "0.0001", "0.001", "0.01", "0.1") },
    clip: { label: "Clipping (norm)", choices: named("none", "0.1", "0.3", "1", "3") },
    patience: {
      label: "Early stopping",
      choices: { 0: "off", 3: "patience 3", 5: "patience 5", 10: "patience 10", 100: "best epoch, never earlier" },
    },
    batch: { label: "Mini-batch", choices: named("1", "8", "16", "32", "64", "128", "256", "1147") },
    epochs: { label: "Epochs", min: 5, max: 100, step: 5 },
    examples: { label: "Training digits", choices: { 0: "all 1,147", 500: "500", 150: "150", 50: "50" } },
    inputs: { label: "Inputs", choices: { standardized: "standardized", pixels: "pixels from 0 to 1" } },
    seed: { label: "Seed", min: 0, max: 99, step: 1 },
  };
  for (const [name, value] of Object.entries(FIRST)) controls[name].value = value;

  const STARTS = {
    "settings at first": {},
    "the chapter's recipe": {
      width: 128, normalization: "batch", dropout: 0.2, decay: "0.001", clip: "1", rate: 0.1, schedule: "warmup", patience: "100",
    },
    "a rate too large": { rate: 0.5 },
    "weights too large": { initialization: "large", rate: 0.02 },
    "a deep sigmoid network": { layers: 5, activation: "sigmoid", initialization: "torch" },
    "50 digits": { examples: "50", epochs: 40 },
  };

  function settings(state) {
    const { layers, width, batch, decay, clip, patience, examples, ...same } = state;
    return gradlab.train.settings({
      ...same, widths: Array(layers).fill(width), batch: Number(batch), decay: Number(decay), clip: Number(clip),
      patience: Number(patience), examples: Number(examples),
    });
  }
  const worded = (name, value) => controls[name].choices?.[value] ?? String(value);
  function difference(state, base = FIRST) {
    const changed = Object.keys(FIRST).filter(name => String(state[name]) !== String(base[name]));
    return changed.map(name => `${controls[name].label.toLowerCase()} ${worded(name, state[name])}`).join(", ");
  }

  // --- What a run has told so far ------------------------------------------------------------------------------------

  let current = null, earlier = [];
  function taken(value, state) {
    if (value.step === 0 && value.epoch === 0) {
      if (current?.record.heldLoss.length > 1) {
        const same = (a, b) => !difference(a.state, b.state);
        earlier = [current, ...earlier.filter(each => !same(each, current))].filter(each => !same(each, { state })).slice(0, EARLIER);
      }
      current = { state: { ...state }, stepLoss: [], norms: [], ended: false };
    }
    if (value.loss !== undefined) current.stepLoss.push(value.loss);
    if (value.norms) current.stepNorms = value.norms;
    if (value.record) {
      Object.assign(current, { record: value.record, weights: value.weights, wrong: value.wrong, ended: value.ended ?? false });
      if (value.layers) current.layers = value.layers;
      if (value.norms) current.norms.push(value.norms);
    }
    current.step = value.step;
  }

  // --- The finding, in words -----------------------------------------------------------------------------------------

  const percent = part => `${Number((100 * part).toFixed(1))} %`;
  const last = list => list[list.length - 1];
  const layerName = k => ["first", "second", "third", "fourth", "fifth", "sixth"][k];

  // What is behind a loss that is bad on the training digits themselves; each sentence states what was measured.
  function failure({ record, layers, norms }) {
    const worst = (key, bound) => layers.map((layer, k) => [layer[key], k]).filter(([part]) => part !== null && part > bound)
      .sort((a, b) => b[0] - a[0])[0];
    const dead = worst("dead", 0.5), flat = worst("saturated", 0.5);
    if (record.stopped.includes("not finite")) {
      const finite = record.norms.filter(Number.isFinite), top = Math.max(...finite);
      return `The run stopped with a ${record.stopped}. Before that the norm of the gradient had gone from ${short(finite[0])} to ` +
        `${short(top)}: lower the rate, clip, or draw smaller weights.`;
    }
    if (dead) {
      return `In the ${layerName(dead[1])} hidden layer ${percent(dead[0])} of the units are dead: they give 0 for every training digit, so no ` +
        "gradient passes through them.";
    }
    if (flat) {
      return `In the ${layerName(flat[1])} hidden layer ${percent(flat[0])} of all outputs are saturated: the activation is less than a ` +
        "twentieth as steep there as at 0.";
    }
    const early = norms[0] ?? [], bottom = early[0], top = last(early);
    if (early.length > 1 && bottom < 1e-2 * top) {
      return bottom === 0
        ? "In the first epoch the gradient of the first layer's weights was exactly 0: equal weights get equal gradients, and zero weights pass none down."
        : `In the first epoch the gradient of the first layer's weights had ${short(bottom / top, 2)} times the norm of the last layer's: it ` +
          "vanishes on its way down.";
    }
    if (early.length && early.every(each => each === 0)) return "Every gradient is 0.";
    const narrow = layers.findIndex(layer => layer.deviation < 0.02);
    if (narrow >= 0) {
      return `The outputs of the ${layerName(narrow)} hidden layer have a deviation of ${short(layers[narrow].deviation, 2)} over units and ` +
        "digits: the network gives nearly the same answer for every digit.";
    }
    return "";
  }

  function finding(run) {
    const { record, ended } = run, epochs = record.heldLoss.length - 1;
    if (epochs < 1 && record.stopped) return failure(run);
    if (epochs < 1) {
      return `Before training the loss is ${short(record.heldLoss[0])} on the held-out digits; a network that knows nothing pays ln 10 = 2.30.`;
    }
    const accuracy = ended ? record.final.accuracy : last(record.heldAccuracy), loss = ended ? record.final.loss : last(record.heldLoss);
    const error = Math.sqrt((accuracy * (1 - accuracy)) / HELD_OUT), trained = last(record.trainLoss);
    const parts = [`After ${epochs} epoch${epochs > 1 ? "s" : ""}: ${percent(accuracy)} of the held-out digits are right ` +
      `(standard error ${(100 * error).toFixed(1)} points), at a loss of ${short(loss)}; training loss ${short(trained)}.`];
    if (record.best !== null && ended && record.best < epochs) parts.push(`These are the weights of epoch ${record.best}, the best one on the held-out digits.`);
    const failed = !Number.isFinite(trained) || trained > 1 || record.stopped.includes("not finite") ? failure(run) : "";
    if (failed) {
      parts.push(failed);
    } else {
      const lowest = Math.min(...record.heldLoss), at = record.heldLoss.indexOf(lowest), now = last(record.heldLoss);
      const before = record.trainLoss[record.trainLoss.length - 2], known = last(record.trainAccuracy);
      if (record.heldLoss[0] > 10) {
        parts.push(`At the start the loss was ${short(record.heldLoss[0])}, where knowing nothing costs 2.30: the weights are too large for the inputs.`);
      }
      if (now > 1.1 * lowest && trained < record.trainLoss[at]) {
        parts.push(`Held-out loss was lowest after epoch ${at}, at ${short(lowest)}, and has risen by ${Math.round(100 * (now / lowest - 1))} % ` +
          "since, while training loss fell: overfitting.");
      } else if (now > 3 * trained && known > 0.995) {
        parts.push(`On held-out digits the loss is ${short(now / trained, 2)} times that on the training digits, of which it knows ${percent(known)} by heart.`);
      } else if (trained < (trained > 0.5 ? 0.999 : 0.95) * before) {
        parts.push(`Training loss fell by ${short(100 * (1 - trained / before), 2)} % in the last epoch: more of them, or a higher rate, may help.`);
      }
    }
    return parts.filter(Boolean).join(" ");
  }

  // --- Drawing -------------------------------------------------------------------------------------------------------

  function frame(place, title, className) {
    const picture = tag("div", { className });
    const caption = tag("p", { className: "caption", textContent: title });
    place.append(tag("div", { className: "panel" }, caption, picture));
    return [picture, caption];
  }

  // Units of the first layer as images, eleven in a row, with a line between.
  function weightImage(weights, units) {
    const shown = Math.min(units, SHOWN), columns = Math.min(11, shown), rows = Math.ceil(shown / columns);
    const wide = 9 * columns - 1, high = 9 * rows - 1, values = new Float64Array(wide * high);
    let bound = 0;
    for (let unit = 0; unit < shown; unit++) {
      const [left, up] = [9 * (unit % columns), 9 * Math.floor(unit / columns)];
      for (let pixel = 0; pixel < 64; pixel++) {
        const value = weights[pixel * units + unit];
        bound = Math.max(bound, Math.abs(value));
        values[(up + Math.floor(pixel / 8)) * wide + left + (pixel % 8)] = value;
      }
    }
    return [gradlab.picture(values, wide, high, gradlab.diverging(bound || 1)), shown, wide / high];
  }

  const ink = value => [122, 122, 122, 255 * value];

  function draw(place) {
    place.classList.add("playground");
    const view = place.parentElement, starts = tag("div", { className: "starts" }, "Start from ");
    for (const [label, changes] of Object.entries(STARTS)) {
      const button = tag("button", { type: "button", textContent: label });
      button.onclick = () => gradlabLive["in-practice"].set({ ...FIRST, ...changes });
      starts.append(button);
    }
    view.prepend(starts);
    view.classList.add("compact");
    const legend = tag("p", { className: "legend" });
    legend.innerHTML = `${gradlab.swatch({ color: colors.blue })} held out ${gradlab.swatch({ color: colors.orange, dash: "--" })} training ` +
      `${gradlab.swatch({ color: colors.gray })} earlier runs, held out; thin, each mini-batch`;
    place.append(legend);
    const axis = { label: "epoch", domain: [0, FIRST.epochs] };
    const loss = plot(place, { title: "loss", x: axis, y: { label: "", domain: [0.001, 5], log: true }, alt: "" });
    const right = plot(place, { title: "accuracy, %", x: { ...axis }, y: { label: "", domain: [80, 100] }, alt: "" });
    const [below, belowCaption] = frame(place, "", "slopes");
    const slopes = plot(below, { height: 170, x: { ...axis }, y: { label: "", domain: [1e-4, 10], log: true }, alt: "" });
    const [weights, weightsCaption] = frame(place, "weights of the first layer, an image a unit", "weights");
    const [mistakes, mistakesCaption] = frame(place, "held-out digits that it gets wrong", "mistakes");
    mistakes.parentElement.classList.add("wide");
    const table = tag("div", { className: "earlier" });
    const code = tag("pre"), copy = tag("button", { type: "button", textContent: "Copy as Python" });
    code.tabIndex = 0;
    code.setAttribute("aria-label", "Python program");
    const more = tag("details", { className: "script" }, tag("summary", { textContent: "The same run in Python" }), code);
    const foot = view.querySelector(".foot");
    foot.before(table, more);
    foot.append(copy);
    const digits = gradlab.digits.split("chapter");

    const recorded = JSON.parse(place.closest("[data-live]").dataset.numbers || "{}");
    if (recorded.heldLoss) earlier = [{ state: { ...FIRST }, record: recorded, ended: true, built: true }];

    let shownState = FIRST;
    copy.onclick = async () => {
      try {
        await navigator.clipboard.writeText(code.textContent);
        copy.textContent = "Copied";
      } catch {
        // Where a page may not write to the clipboard, the reader can.
        more.open = true;
        getSelection().selectAllChildren(code);
        copy.textContent = "Selected: press Ctrl+C";
      }
      setTimeout(() => { copy.textContent = "Copy as Python"; }, 2500);
    };

    function curves() {
      const runs = [...earlier].reverse(), all = current ? [...runs, current] : runs;
      const epochs = Math.max(shownState.epochs, ...all.map(({ record }) => record.heldLoss.length - 1));
      const values = all.flatMap(({ record }) => [...record.heldLoss, ...record.trainLoss]).filter(value => value > 0 && Number.isFinite(value));
      const low = Math.max(1e-4, Math.min(0.05, ...values) / 1.3), high = Math.min(1e3, Math.max(3, ...values) * 1.3);
      loss.axes({ x: { domain: [0, epochs] }, y: { domain: [low, high] } });
      // The axis is that of this run; an earlier one that failed lies below it.
      const parts = (current ?? all[0])?.record.heldAccuracy.slice(1) ?? [];
      right.axes({ x: { domain: [0, epochs] }, y: { domain: [Math.min(80, Math.floor(10 * Math.min(1, ...parts)) * 10), 100] } });
      const keys = [];
      const curve = (key, record, kind, style) => {
        const x = record[`${kind}Loss`].map((_, k) => k), hundred = record[`${kind}Accuracy`].map(value => 100 * value);
        loss.line(key, { x, y: record[`${kind}Loss`], ...style });
        right.line(key, { x, y: hundred, ...style });
        keys.push(key);
      };
      runs.forEach(({ record }, k) => curve(`earlier${k}`, record, "held", { color: colors.gray, width: 1, opacity: 0.55 }));
      if (current) {
        const { record, stepLoss } = current, each = Math.ceil(trainedOn(current) / Number(current.state.batch));
        loss.line("steps", { x: stepLoss.map((_, k) => (k + 1) / each), y: stepLoss, color: colors.orange, width: 0.6, opacity: 0.45 });
        keys.push("steps");
        curve("train", record, "train", { color: colors.orange, dash: "--" });
        curve("held", record, "held", { color: colors.blue, width: 1.8 });
      }
      loss.only(keys);
      right.only(keys);
      const now = current ?? earlier[0];
      const told = now ? `held out ${short(last(now.record.heldLoss))}, training ${short(last(now.record.trainLoss))}` : "nothing yet";
      loss.describe(`Loss against epochs on a logarithmic axis: ${told}, and ${runs.length} earlier runs.`);
      right.describe(now ? `Accuracy against epochs: held out ${percent(last(now.record.heldAccuracy))}.` : "Accuracy: nothing yet.");

      const norms = current?.norms ?? [], positive = norms.flat().filter(value => value > 0 && Number.isFinite(value));
      slopes.axes({ x: { domain: [0, epochs] }, y: { domain: positive.length ? [Math.min(...positive) / 2, Math.max(...positive) * 2] : [1e-3, 10] } });
      const layers = norms[0]?.length ?? 0;
      for (let k = 0; k < layers; k++) {
        slopes.line(`layer${k}`, { x: norms.map((_, e) => e + 0.5), y: norms.map(each => each[k]), ...LAYER_STYLES[k] });
      }
      const names = Array.from({ length: layers }, (_, k) => `${gradlab.swatch(LAYER_STYLES[k])} ${k + 1 === layers ? "output" : k + 1}`);
      belowCaption.innerHTML = `norm of the gradient of each layer's weights ${names.join(" ")}`;
      slopes.only(Array.from({ length: layers }, (_, k) => `layer${k}`));
      slopes.describe(layers ? `Mean norm in each epoch, layers from the first to the output: ${last(norms).map(value => short(value)).join(", ")}.` : "Gradient norms: nothing yet.");
    }

    function trainedOn({ state }) {
      return Number(state.examples) || digits.labels.length;
    }

    function pictures() {
      if (!current?.weights) {
        weights.textContent = mistakes.textContent = "Press Run, or Step.";
        return;
      }
      const units = current.state.layers ? current.state.width : 10;
      const [url, shown, ratio] = weightImage(current.weights, units);
      const image = tag("img", { src: url, className: "dark-light", alt: `Weights of ${shown} units as images of 8 by 8 pixels, orange where positive and blue where negative.` });
      image.style.aspectRatio = ratio;
      weights.replaceChildren(image);
      weightsCaption.textContent = `weights of the first layer, ${shown < units ? `${shown} of ${units}` : shown} units: orange positive, blue negative`;
      const list = tag("ul");
      // The held-out digits stand class by class: those shown are from all of them.
      const { wrong } = current, count = Math.min(wrong.length, MISTAKES);
      for (const [index, answer] of Array.from({ length: count }, (_, k) => wrong[Math.floor((k * wrong.length) / count)])) {
        const label = digits.heldLabels[index], pixels = digits.heldX.subarray(64 * index, 64 * index + 64);
        const said = answer === null ? "?" : String(answer);
        list.append(tag("li", {},
          tag("img", { src: gradlab.picture(pixels, 8, 8, ink), className: "dark-light", alt: "" }),
          tag("span", { textContent: said }), tag("small", { textContent: `is ${label}` })));
      }
      mistakes.replaceChildren(list);
      mistakesCaption.textContent = `${wrong.length} of ${HELD_OUT} held-out digits wrong: its answer, and what it is` +
        (count < wrong.length ? `; ${count} of them` : "");
    }

    function runsTable() {
      if (!earlier.length) { table.replaceChildren(); return; }
      const rows = earlier.map(each => {
        const { record, state, built } = each, query = Object.keys(FIRST).filter(name => String(state[name]) !== String(FIRST[name]))
          .map(name => `${name}=${encodeURIComponent(state[name])}`).join("&");
        const link = tag("a", { href: `#live-in-practice?${query}`, textContent: difference(state) || "settings at first" });
        return tag("tr", {}, tag("td", {}, link, built ? " (computed by Python)" : ""),
          tag("td", { textContent: short(record.final?.loss ?? last(record.heldLoss)) }),
          tag("td", { textContent: percent(record.final?.accuracy ?? last(record.heldAccuracy)) }));
      });
      const head = tag("tr", {}, ...["Earlier run", "loss", "accuracy"].map(text => tag("th", { scope: "col", textContent: text })));
      table.replaceChildren(tag("table", {}, tag("thead", {}, head), tag("tbody", {}, ...rows)));
    }

    let waiting = false;
    return (value, state) => {
      shownState = state;
      // A record at the end of the run has been told before.
      if (value && !Array.isArray(value)) taken(value, state);
      if (!waiting) {
        waiting = true;
        requestAnimationFrame(() => { waiting = false; curves(); pictures(); runsTable(); });
      }
      if (!value) code.textContent = gradlab.train.script(settings(state));
    };
  }

  gradlab.figure("in-practice", {
    title: "A playground: train a network on the digits",
    kernels: gradlab.train.kernels,
    controls,
    step: true,
    work: gradlab.train,
    input: state => ({ data: gradlab.digits.split("chapter"), runs: [settings(state)] }),
    draw,
    say(numbers, state) {
      if (!current) return "Press Run to train the network in this page, or Step to take one step of it. The gray line is the same run, computed by Python when the book was built.";
      const changed = difference(state, current.state);
      const where = current.ended ? "" : `In epoch ${current.record.heldLoss.length}, at step ${current.step}. `;
      return where + finding(current) + (changed ? ` The settings have changed since: ${changed}.` : "");
    },
  });
})();
