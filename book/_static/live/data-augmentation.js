// Data augmentation: the reader changes digits, which networks read that were trained without changes and with some.
"use strict";
{
  const { colors, plot, short, swatch } = gradlab;
  const SIDE = 8, PIXELS = 64, COPIES = 4, SEEDS = 3, WIDTH = 48, HELD_OUT = 290;
  const FLIP = "data_augmentation._flip_kernel", WARP = "data_augmentation._warp_kernel", CROP = "data_augmentation._crop_kernel";
  const NOISE = "data_augmentation._noise_kernel", PRODUCT = "backpropagation._net_input_kernel", RELU = "activations._relu_kernel";
  const SOFTMAX = "activations._softmax_kernel", UNIFORM = "_random._uniform_draws_kernel", NORMAL = "_random._normal_draws_kernel";
  const WAYS = [{ label: "digits as they are", color: colors.orange, dash: "--" }, { label: "changed copies, too", color: colors.blue, dash: "-" }];
  const CHANGES = {
    rotation: "rotation to 30°", zoom: "zoom 0.75 to 1.33", shift: "shift by 1", noise: "noise 0.3", flip: "flip, left-right",
  };
  const ALONG = {
    angle: { label: "angle, degrees", at: d3.range(-90, 91, 15) }, size: { label: "size, times", at: d3.range(0.4, 2.01, 0.2) },
    right: { label: "shift to the right, pixels", at: d3.range(-3, 4) }, down: { label: "shift down, pixels", at: d3.range(-3, 4) },
    noise: { label: "noise, standard deviation", at: d3.range(0, 1.01, 0.1) },
  };
  const digits = gradlab.digits.split("chapter");

  // Each image by its own angle, size and shift, as rotate, random_zoom, random_crop, add_noise and random_flip do it.
  function changed(k, pixels, { angle, size, right, down, noise, normal, flip }) {
    const count = pixels.length / PIXELS, image = () => k.array([count, SIDE, SIDE, 1]);
    let now = image().set(pixels);
    const rows = array => array.view([count, SIDE, SIDE]);
    const warped = matrix => {
      const out = image();
      k[WARP](now, k.array([count, 2, 2], d3.range(count).flatMap(matrix)), 0, false, out);
      now = out;
    };
    if (angle) {
      warped(i => {
        const turn = angle(i) * (Math.PI / 180), [c, s] = [Math.cos(turn), Math.sin(turn)];
        return [c, s, -s, c];
      });
    }
    if (size) warped(i => [1 / size(i), 0, 0, 1 / size(i)]);
    if (right) {
      const out = image(), places = by => k.array(count, d3.range(count).map(i => 3 - by(i)), "int64");
      k[CROP](rows(now), places(down), places(right), 3, 1, 0, rows(out));
      now = out;
    }
    if (noise) k[NOISE](now.flat(), normal, noise, 0, 1, now.flat());
    if (flip) {
      const out = image();
      k[FLIP](rows(now), k.array(count, d3.range(count).map(i => Number(flip(i))), "bool"), false, 1, rows(out));
      now = out;
    }
    return now;
  }

  function drawn(k, kernel, seed, first, count) {
    const out = k.array(count);
    k[kernel](seed, 0, first, out);
    return out;
  }
  // The training digits and four changed copies of each, as public functions make them of LiveGenerator's draws.
  function augmented(k, names) {
    const count = COPIES * digits.labels.length, pixels = new Float64Array(count * PIXELS), has = name => names.includes(name);
    for (let copy = 0; copy < COPIES; copy++) pixels.set(digits.x, copy * digits.x.length);
    const uniform = (seed, first = 0) => { const { data } = drawn(k, UNIFORM, seed, first, count), kept = Float64Array.from(data); return i => kept[i]; };
    const [turn, grow, down, right, side] = [uniform(1), uniform(2), uniform(3), uniform(3, count), uniform(5)];
    const third = u => i => 1 - Math.floor(3 * u(i)), [low, high] = [Math.log(0.75), Math.log(1.33)];
    const images = changed(k, pixels, {
      angle: has("rotation") && (i => -30 + 60 * turn(i)), size: has("zoom") && (i => Math.exp(low + (high - low) * grow(i))),
      right: has("shift") && third(right), down: has("shift") && third(down),
      noise: has("noise") ? 0.3 : 0, normal: has("noise") && drawn(k, NORMAL, 4, 0, count * PIXELS), flip: has("flip") && (i => side(i) < 0.5),
    });
    const x = new Float64Array((COPIES + 1) * digits.x.length);
    x.set(digits.x);
    x.set(images.data, digits.x.length);
    return { ...digits, x, labels: d3.range(COPIES + 1).flatMap(() => [...digits.labels]) };
  }
  // As many steps both ways. Run 2 s + w is seed s in the way w, so that both grow together.
  const runs = d3.range(2 * SEEDS).map(run => gradlab.train.settings({
    widths: [WIDTH], rate: 0.1, batch: 32, inputs: "pixels", epochs: run % 2 ? 6 : 30, data: run % 2, seed: Math.floor(run / 2),
  }));

  // The networks that are trained, of which each is its layers' weights and biases, and what they were trained with.
  let networks = [], learned = "", sets = null, curve = null, normal = null;

  // What the networks say of the held-out digits under the reader's change; `seen` gets the images, and each one's answers.
  function read(k, { angle, size, right, down, noise, flip }, seen = () => {}) {
    return k.scope(() => {
      normal ??= Float64Array.from(drawn(k, NORMAL, 9, 0, HELD_OUT * PIXELS).data);
      const images = changed(k, digits.heldX, {
        angle: angle && (() => angle), size: size !== 1 && (() => size), right: (right || down) && (() => right), down: () => down,
        noise, normal: noise && k.array(normal.length, normal), flip: flip && (() => true),
      });
      const hidden = k.array([HELD_OUT, WIDTH]), logits = k.array([HELD_OUT, 10]), p = k.array([HELD_OUT, 10]);
      seen(images.data);
      return networks.map(layers => k.scope(() => {
        const [[w1, b1], [w2, b2]] = layers.map(([w, b]) => [k.array([w.length / b.length, b.length], w), k.array(b.length, b)]);
        k[PRODUCT](images.view([HELD_OUT, PIXELS]), w1, b1, hidden);
        k[RELU](hidden.flat(), hidden.flat());
        k[PRODUCT](hidden, w2, b2, logits);
        k[SOFTMAX](logits, p);
        const { data } = p;
        let hits = 0;
        for (let i = 0; i < HELD_OUT; i++) {
          let top = 0;
          for (let c = 1; c < 10; c++) if (data[10 * i + c] > data[10 * i + top]) top = c;
          hits += top === digits.heldLabels[i];
        }
        seen(data);
        return (100 * hits) / HELD_OUT;
      }));
    });
  }
  const byWay = values => WAYS.map((_, way) => values.filter((_value, run) => run % 2 === way));
  function measured(k, state) {
    const { digit, along } = state, sizes = [PIXELS, 10], seen = [];
    const accuracies = read(k, state, data => {
      const size = sizes[Math.min(1, seen.length)];
      seen.push(Array.from(data.slice(size * digit, size * (digit + 1))));
    });
    const key = JSON.stringify({ ...state, digit: 0, [along]: 0, trained: networks.length, learned });
    if (networks.length && curve?.key !== key) {
      curve = { key, ways: ALONG[along].at.map(at => byWay(read(k, { ...state, [along]: at }))) };
    }
    const [image, ...answers] = seen, ways = networks.length ? WAYS.map((_, way) => curve.ways.map(each => each[way])) : null;
    return { image, label: digits.heldLabels[digit], p: byWay(answers), accuracy: byWay(accuracies), curve: ways };
  }
  const average = values => d3.mean(values) ?? NaN;
  const probabilities = answers => d3.range(10).map(c => average(answers.map(p => p[c])));
  let found = null;

  gradlab.figure("data-augmentation", {
    title: "Digits that you change, read by networks trained without and with changed copies",
    kernels: [...new Set([...gradlab.train.kernels, FLIP, WARP, CROP, NOISE, PRODUCT, RELU, SOFTMAX, UNIFORM, NORMAL])],
    controls: {
      changes: { label: "changes of the copies that half of the networks are trained on", several: true, choices: Object.fromEntries(Object.entries(CHANGES).map(([name, label]) => [name, { label }])), value: ["rotation"] },
      digit: { label: "held-out digit, number", min: 0, max: HELD_OUT - 1, step: 1, value: 177 },
      angle: { label: "turn it, anticlockwise", unit: "degrees", min: -180, max: 180, step: 5, value: 30 },
      size: { label: "size, times", min: 0.4, max: 2, step: 0.05, value: 1 },
      right: { label: "shift it to the right, pixels", min: -3, max: 3, step: 1, value: 0 },
      down: { label: "shift it down, pixels", min: -3, max: 3, step: 1, value: 0 },
      noise: { label: "noise, standard deviation", min: 0, max: 1, step: 0.05, value: 0 },
      flip: { label: "mirror it", value: false },
      along: { label: "draw the accuracy against", choices: Object.fromEntries(Object.entries(ALONG).map(([name, { label }]) => [name, label])), value: "angle" },
    },
    compute(k, state) {
      const names = String(state.changes);
      if (sets === null || names !== learned) [sets, networks, learned] = [[digits, augmented(k, state.changes)], [], names];
      found = measured(k, state);
      return found;
    },
    run: "Train six networks",
    work: gradlab.train,
    input() {
      networks = [];
      return { data: sets, runs };
    },

    say(_numbers, { angle, size, right, down, noise, flip, changes }) {
      const { label, p, accuracy } = found;
      const done = [flip && "mirrored", angle && `turned by ${short(angle)}°`.replace("-", "−"), size !== 1 && `${short(size)} times as large`, (right || down) && "shifted", noise && "with noise"].filter(Boolean);
      const what = `a ${label}${done.length ? `, ${done.join(", ")}` : " as it is"}`;
      if (accuracy.some(each => !each.length)) return `This is ${what}. Press the button to train three networks on 1,147 digits as they are, and three on these and four changed copies of each, for as many steps.`;
      const answers = WAYS.map((_, way) => {
        const mean = probabilities(p[way]), top = d3.scan(mean, d3.descending);
        return `${short(100 * mean[label], 2)} % for ${label}${top === label ? "" : ` (and ${short(100 * mean[top], 2)} % for ${top})`}`;
      });
      const counts = accuracy.map(each => each.length), trained = counts[0] === counts[1] ? counts[0] : counts.join(" and ");
      const read = accuracy.map(each => `${short(average(each))} % (${short(d3.min(each))} to ${short(d3.max(each))})`);
      return `This is ${what}. The probabilities are, in the mean, ${answers[0]} by the networks trained on digits as they are and ${answers[1]} by those trained on ` +
        `${changes.length ? `copies with ${changes.map(name => CHANGES[name]).join(", ")}` : "unchanged copies"} as well. Of all ${HELD_OUT} held-out digits, changed like this one, they read ${read[0]} and ${read[1]}: mean and range of ${trained} networks.`;
    },

    draw(place, k) {
      const legend = gradlab.tag("p", { className: "legend" });
      legend.innerHTML = `trained on: ${WAYS.map(way => `${swatch(way)} ${way.label}`).join(" ")}; bars and lines are means of three networks, thin lines and bands their range`;
      place.before(legend);
      const bare = { label: "", domain: [0, 1], ticks: 1, format: () => "" };
      const picture = plot(place, {
        height: 122, margin: { bottom: 4 }, title: "as it is, and as you changed it", alt: "", x: { ...bare, domain: [0, 17] }, y: { ...bare, domain: [0, 8] },
      });
      d3.select(picture.svg).selectAll(".domain, .tick, .grid").remove();
      const bars = plot(place, { title: "probability of each digit, %", alt: "", x: { label: "digit", domain: [-0.6, 9.6], ticks: 10 }, y: { domain: [0, 100] } });
      const accuracy = plot(place, { title: "held-out digits that are read, %", alt: "", x: { label: "", domain: [0, 1], ticks: 5 }, y: { domain: [0, 100] } });
      const gray = value => { const level = 255 * Math.max(0, Math.min(1, value)); return [level, level, level, 255]; };
      const drawImage = (key, values, extent) => picture.image(key, { values, columns: SIDE, rows: SIDE, color: gray, extent });

      return (numbers, state) => {
        if (numbers?.ended) {
          networks[numbers.run] = numbers.record.parameters.map(layer => layer.map(values => Float64Array.from(values)));
          found = measured(k, state);
        } else if (numbers?.record || numbers?.loss !== undefined) return;
        const { digit, along } = state, { image, label, p, curve: ways } = found, now = state[along];
        drawImage("before", digits.heldX.slice(PIXELS * digit, PIXELS * (digit + 1)), [0, 8, 0, 8]);
        drawImage("after", image, [9, 17, 0, 8]);
        picture.describe(`A handwritten ${label} of 8 by 8 pixels, as it is and as it is changed.`);
        const at = ALONG[along].at;
        accuracy.axes({ x: { label: ALONG[along].label, domain: d3.extent(at) } });
        accuracy.line("now", { x: [now, now], y: [0, 100], color: "currentColor", width: 0.8, opacity: 0.7 });
        const keys = ["now"], shown = [];
        WAYS.forEach(({ color, dash }, way) => {
          if (!p[way].length) return;
          const left = way ? 0 : -0.4, mean = probabilities(p[way]).map(value => 100 * value), middles = d3.range(10).map(c => c + left + 0.2);
          bars.bars(`bars${way}`, { edges: [...d3.range(10).flatMap(c => [c + left, c + left + 0.4]), 10 + left], heights: mean.flatMap(value => [value, 0]), color });
          const range = pick => d3.range(10).map(c => 100 * pick(p[way], each => each[c])), [low, high] = [range(d3.min), range(d3.max)];
          bars.line(`range${way}`, { x: middles.flatMap(x => [x, x, NaN]), y: middles.flatMap((_, c) => [low[c], high[c], NaN]), color: "currentColor", width: 0.8 });
          shown.push(`bars${way}`, `range${way}`);
          if (!ways) return;
          accuracy.band(`band${way}`, { x: at, low: ways[way].map(each => d3.min(each)), high: ways[way].map(each => d3.max(each)), color });
          accuracy.line(`mean${way}`, { x: at, y: ways[way].map(average), color, dash, width: 1.8 });
          keys.push(`band${way}`, `mean${way}`);
        });
        bars.only(shown);
        accuracy.only(keys);
        const means = WAYS.map(({ label: name }, way) => `${name}: ${probabilities(p[way]).map(value => short(100 * value, 2)).join(", ")}`);
        bars.describe(shown.length ? `Probabilities of the digits 0 to 9 in percent. Trained on ${means.join("; ")}.` : "No network is trained yet.");
        accuracy.describe(ways ? `Held-out digits that are read against ${ALONG[along].label}: ${WAYS.map(({ label: name }, way) => `${name} from ${short(average(ways[way][0]))} to ${short(d3.max(ways[way], average))} percent at most`).join("; ")}.` : "No network is trained yet.");
      };
    },
  });
}
