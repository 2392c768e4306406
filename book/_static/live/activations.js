// Activation functions over each other, their slopes, and what they make of net inputs that the reader places.
{
  const { colors, plot, short, swatch, tag } = gradlab;
  const LEFT = -5, RIGHT = 5, CURVE = 201, NODES = 1201, REACH = 6, FLAT = 0.01;
  const NORMAL_HEIGHT = 1 / Math.sqrt(2 * Math.PI);
  const SELU = [1.6732632423543772, 1.0507009873554805];
  // Each: its name on the page and its look, and what its kernels take beside arrays, forwards and backwards.
  const FUNCTIONS = {
    sigmoid: { label: "sigmoid", color: colors.purple, dash: "-." },
    tanh: { label: "tanh", color: colors.orange, dash: "--", numbers: [1, 1] },
    softplus: { label: "softplus", color: colors.orange, dash: ":" },
    relu: { label: "ReLU", color: colors.blue, dash: "-" },
    leaky_relu: { label: "leaky ReLU", color: colors.blue, dash: ":", numbers: state => [state.alpha] },
    elu: { label: "ELU", color: colors.green, dash: "-.", kernel: "elu", numbers: [1, 1] },
    selu: { label: "SELU", color: colors.green, dash: "-", kernel: "elu", numbers: SELU },
    gelu: { label: "GELU", color: colors.purple, dash: "-", numbers: [], backward: [NORMAL_HEIGHT] },
    silu: { label: "SiLU", color: colors.purple, dash: ":" },
  };
  const kernel = (name, way) => `activations._${FUNCTIONS[name].kernel ?? name}${way}_kernel`;
  const extra = (given, state) => (typeof given === "function" ? given(state) : given ?? []);
  const fixed = value => (Math.abs(value) < 5e-4 ? "0" : value.toFixed(3)).replace("-", "−");

  gradlab.figure("activations", {
    title: "Activation functions, their slopes, and what they make of their net inputs",
    kernels: [...new Set(Object.keys(FUNCTIONS).flatMap(name => [kernel(name, ""), kernel(name, "_backward")]))],
    controls: {
      mean: { label: "mean of the net inputs z", min: -4, max: 4, step: 0.1, value: 0 },
      deviation: { label: "their standard deviation", min: 0.05, max: 5, log: true, digits: 2, value: 1 },
      alpha: { label: "slope of the leaky ReLU on the left", min: 0, max: 0.5, step: 0.01, value: 0.1 },
      functions: { label: "functions", several: true, choices: FUNCTIONS, value: ["tanh", "relu", "gelu"] },
    },

    compute(k, state) {
      const z = Float64Array.from({ length: CURVE }, (_, t) => LEFT + ((RIGHT - LEFT) * t) / (CURVE - 1));
      const steps = Array.from({ length: NODES }, (_, t) => REACH * ((2 * t) / (NODES - 1) - 1));
      const weights = steps.map(u => Math.exp(-u * u / 2)), total = weights.reduce((a, b) => a + b);
      const nodes = Float64Array.from(steps, u => state.mean + state.deviation * u);
      const average = values => values.reduce((sum, value, t) => sum + value * weights[t], 0) / total;
      const found = { z: [...z], values: {}, slopes: {}, mean: {}, variance: {}, slope: {}, flat: {} };
      for (const name of state.functions) {
        const { numbers, backward } = FUNCTIONS[name];
        const both = points => k.scope(() => {
          const x = k.array(points.length, points), ones = k.array(points.length, 1), out = k.array(points.length), dx = k.array(points.length);
          k[kernel(name, "")](x, out, ...extra(numbers, state));
          k[kernel(name, "_backward")](ones, x, dx, ...extra(backward ?? numbers, state));
          return [out.numbers(), dx.numbers()];
        });
        [found.values[name], found.slopes[name]] = both(z);
        const [out, slopes] = both(nodes), mean = average(out);
        found.mean[name] = mean;
        found.variance[name] = average(out.map(value => (value - mean) ** 2));
        found.slope[name] = average(slopes.map(value => value * value));
        found.flat[name] = average(slopes.map(value => Number(Math.abs(value) < FLAT)));
      }
      found.summary = state.functions.map(name => [found.mean, found.variance, found.slope, found.flat].map(each => each[name]));
      return found;
    },

    say(n, state) {
      const names = state.functions;
      if (!names.length) return "No function is chosen.";
      const of = name => FUNCTIONS[name].label;
      const extreme = (values, sign) => names.reduce((a, b) => (sign * values[b] > sign * values[a] ? b : a));
      const offset = Object.fromEntries(names.map(name => [name, Math.abs(n.mean[name])]));
      const [far, strong, weak] = [extreme(offset, 1), extreme(n.slope, 1), extreme(n.slope, -1)];
      const inputs = `For net inputs of mean ${short(state.mean).replace("-", "−")} and standard deviation ${short(state.deviation)}, `;
      if (names.length === 1) {
        return `${inputs}${of(far)} has outputs of mean ${fixed(n.mean[far])} and variance ${fixed(n.variance[far])}. Its slopes have the mean square ` +
          `${fixed(n.slope[far])}; ${short(100 * n.flat[far], 2)} % of them are below ${FLAT}.`;
      }
      return `${inputs}the mean of the outputs is farthest from 0 for ${of(far)}, ${fixed(n.mean[far])}. The mean square of the slopes is largest for ` +
        `${of(strong)}, ${fixed(n.slope[strong])}, and smallest for ${of(weak)}, ${fixed(n.slope[weak])}.`;
    },

    draw(place) {
      const legend = tag("p", { className: "legend" });
      legend.innerHTML = "gray: how often a net input occurs";
      place.append(legend);
      const x = { label: "net input z", domain: [LEFT, RIGHT] }, common = { alt: "", height: 200, x };
      const plots = {
        values: plot(place, { ...common, title: "function g(z)", y: { domain: [-2.2, 3.4] } }),
        slopes: plot(place, { ...common, title: "slope g′(z)", y: { domain: [-0.3, 1.9] } }),
      };
      const table = tag("table"), panel = tag("div", { className: "earlier panel wide" }, table);
      place.append(panel);

      return (n, state) => {
        const density = n.z.map(z => Math.exp(-(((z - state.mean) / state.deviation) ** 2) / 2));
        for (const [kind, axes] of Object.entries(plots)) {
          const [low, high] = axes.domain("y");
          axes.band("inputs", { x: n.z, low: n.z.map(() => low), high: density.map(d => low + 0.45 * (high - low) * d), color: colors.gray, opacity: 0.2 });
          for (const name of state.functions) {
            const { color, dash } = FUNCTIONS[name];
            axes.line(name, { x: n.z, y: n[kind][name], color, dash, width: 1.8 });
          }
          axes.only(["inputs", ...state.functions]);
          axes.describe(`${kind === "values" ? "Functions" : "Slopes"} from ${LEFT} to ${RIGHT}: ` + (state.functions.map(name =>
            `${FUNCTIONS[name].label} from ${short(n[kind][name][0])} by ${short(n[kind][name][(CURVE - 1) / 2])} at 0 to ${short(n[kind][name].at(-1))}`).join("; ") || "none"));
        }
        const cell = (text, kind = "td") => `<${kind}>${text}</${kind}>`;
        table.innerHTML = `<thead><tr>${["", "mean of g(z)", "variance", "mean of g′(z)²", `|g′(z)| &lt; ${FLAT}`].map(text => cell(text, "th")).join("")}</tr></thead><tbody>` +
          state.functions.map(name => `<tr>${cell(swatch(FUNCTIONS[name]) + " " + FUNCTIONS[name].label, "th")}` +
            `${[n.mean, n.variance, n.slope].map(each => cell(fixed(each[name]))).join("")}${cell(`${(100 * n.flat[name]).toFixed(1)} %`)}</tr>`).join("") + "</tbody>";
      };
    },
  });
}
