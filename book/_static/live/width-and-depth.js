// Width and depth: a network learns two pentagons in the plane from points, some of them labeled wrongly.
{
  const { colors, plot, short, tag } = gradlab;
  const SIDE = 45, HALF = 1.2, RADIUS = 0.45, CENTERS = [-0.6, 0.6], STEPS = 1500, BATCH = 50, RATE = 0.01;
  // About 560 parameters at every depth.
  const WIDTHS = { 1: 112, 2: 21, 3: 15, 4: 12, 5: 11 };
  const counted = (count, what) => `${count} ${what}${count === 1 ? "" : "s"}`;

  // The directions of the sides of a pentagon that stands on its tip's opposite side.
  const NORMALS = Array.from({ length: 5 }, (_, k) => Math.PI / 2 + (2 * Math.PI * (k + 0.5)) / 5).map(a => [Math.cos(a), Math.sin(a)]);
  const inside = (x, y) => CENTERS.some(c => NORMALS.every(([a, b]) => a * (x - c) + b * y < RADIUS));
  const OUTLINES = CENTERS.map(c => Array.from({ length: 6 }, (_, k) => {
    const angle = Math.PI / 2 + (2 * Math.PI * k) / 5, r = RADIUS / Math.cos(Math.PI / 5);
    return [c + r * Math.cos(angle), r * Math.sin(angle)];
  }));

  // Held out is the whole plane: the middles of its cells, row by row from the top, with their right classes.
  const cell = k => -HALF + ((k + 0.5) * 2 * HALF) / SIDE;
  const heldX = Float64Array.from({ length: 2 * SIDE * SIDE }, (_, k) => {
    const at = Math.floor(k / 2);
    return k % 2 ? -cell(Math.floor(at / SIDE)) : cell(at % SIDE);
  });
  const heldLabels = Array.from({ length: SIDE * SIDE }, (_, k) => Number(inside(heldX[2 * k], heldX[2 * k + 1])));

  // The points of a seed, as gradlab._random.uniform(3 n, seed, stream=1) draws them in Python.
  function drawn(k, { points, wrong, seed }) {
    const count = Number(points), share = Number(wrong), u = k.array(3 * count);
    k["_random._uniform_draws_kernel"](seed, 1, 0, u);
    const numbers = u.data, x = new Float64Array(2 * count), labels = [];
    for (let i = 0; i < count; i++) {
      x[2 * i] = 2 * HALF * numbers[i] - HALF;
      x[2 * i + 1] = 2 * HALF * numbers[count + i] - HALF;
      labels.push(Number(inside(x[2 * i], x[2 * i + 1]) !== numbers[2 * count + i] < share));
    }
    return { x, labels, heldX, heldLabels, classes: 2 };
  }
  const settings = ({ points, layers, decay, seed }) => {
    const batch = Math.min(BATCH, points);
    return gradlab.train.settings({
      widths: Array(layers).fill(WIDTHS[layers]), optimizer: "adamw", rate: RATE, schedule: "cosine", batch,
      epochs: Math.ceil(STEPS / Math.ceil(points / batch)), inputs: "pixels", decay: Number(decay), seed,
    });
  };
  let data = null, record = null;

  gradlab.figure("width-and-depth", {
    title: "A network that learns two pentagons",
    kernels: [...new Set([...gradlab.train.kernels, "_random._uniform_draws_kernel"])],
    controls: {
      layers: { label: "hidden layers, about 560 parameters in all", min: 1, max: 5, step: 1, value: 2 },
      points: { label: "points to learn from", choices: { 30: "30", 100: "100", 500: "500", 2000: "2000" }, value: "100" },
      wrong: { label: "share of wrong labels", choices: { 0: "none", 0.1: "10 %", 0.2: "20 %" }, value: "0" },
      decay: { label: "weight decay (decoupled)", choices: { 0: "none", 0.1: "0.1", 0.3: "0.3", 1: "1" }, value: "0" },
      seed: { label: "seed of points and weights", min: 0, max: 99, step: 1, value: 0 },
    },
    compute(k, state) {
      [data, record] = [drawn(k, state), null];
      return { labels: data.labels, x: Array.from(data.x) };
    },
    run: "Train",
    work: gradlab.train,
    input: state => ({ data, runs: [settings(state)] }),

    say(_numbers, { layers, points, decay }) {
      const what = `${counted(layers, "hidden layer")} of ${WIDTHS[layers]} units`;
      if (!record) return `Press the button to train ${what} on these ${points} points. The dashed line is where the classes really meet.`;
      const [onPoints, onPlane] = [record.trainAccuracy, record.heldAccuracy].map(each => (100 * each.at(-1)).toFixed(1));
      return `With ${what}${Number(decay) ? ` and a decay of ${decay}` : ""}, ${onPoints} % of the ${points} points get the class of their label, and ` +
        `${onPlane} % of the plane gets the right class. Another seed gives other numbers.`;
    },

    draw(place) {
      const legend = tag("p", { className: "legend" });
      legend.innerHTML = `blue and orange: the class that the network says, and the points with their labels; ${gradlab.swatch({ color: "currentColor", dash: "--" })} true border`;
      place.before(legend);
      const plane = plot(place, {
        title: "the plane", alt: "", square: true, height: 260,
        x: { label: "x₁", domain: [-HALF, HALF] }, y: { label: "x₂", domain: [-HALF, HALF] },
      });
      const curve = plot(place, {
        title: "accuracy, %", alt: "", height: 260, x: { label: "epoch", domain: [0, 10] }, y: { domain: [50, 100], ticks: 5 },
      });
      return (numbers, state) => {
        if (numbers?.record) record = numbers.record;
        const epochs = settings(state).epochs, classes = Float64Array.from(heldLabels, () => 0.5);
        if (numbers?.wrong) {
          const answers = new Map(numbers.wrong);
          heldLabels.forEach((label, k) => { classes[k] = answers.has(k) ? answers.get(k) ?? 0.5 : label; });
        }
        if (numbers?.wrong || !record) {
          plane.image("classes", {
            values: classes, columns: SIDE, rows: SIDE, extent: [-HALF, HALF, -HALF, HALF],
            color: value => (value === 0.5 ? [0, 0, 0, 0] : value ? [207, 106, 18, 90] : [53, 120, 185, 70]),
          });
        }
        for (const [name, label, color, mark] of [["zeros", 0, colors.blue, "o"], ["ones", 1, colors.orange, "^"]]) {
          const chosen = data.labels.map((each, k) => k).filter(k => data.labels[k] === label).slice(0, 400);
          plane.points(name, { x: chosen.map(k => data.x[2 * k]), y: chosen.map(k => data.x[2 * k + 1]), color, mark, opacity: 0.9 });
        }
        OUTLINES.forEach((corners, k) => plane.line(`outline${k}`, {
          x: corners.map(c => c[0]), y: corners.map(c => c[1]), color: "currentColor", dash: "--", width: 1,
        }));
        curve.axes({ x: { domain: [0, epochs] } });
        const lines = record ? [["labels of the points", record.trainAccuracy, colors.purple, "--"], ["the plane", record.heldAccuracy, colors.green, "-"]] : [];
        for (const [name, values, color, dash] of lines) {
          curve.line(name, { x: values.map((_, e) => e), y: values.map(part => 100 * part), color, dash, width: 1.8 });
          curve.text(`${name} text`, { x: 0.97 * epochs, y: name === "the plane" ? 57 : 62, text: `${name} ${dash === "-" ? "(solid)" : "(dashed)"}`, color, anchor: "end" });
        }
        curve.only(lines.flatMap(([name]) => [name, `${name} text`]));
        plane.describe(record ? `${(100 * record.heldAccuracy.at(-1)).toFixed(1)} percent of the plane gets the right class.` : `${state.points} points of two classes; inside two pentagons is the second.`);
        curve.describe(lines.map(([name, values]) => `Accuracy on ${name} ${(100 * values.at(-1)).toFixed(1)} percent.`).join(" ") || "Nothing is trained yet.");
      };
    },
  });
}
