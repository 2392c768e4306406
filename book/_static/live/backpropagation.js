// A network of six units: numbers go up, gradients come down, and the loss along one weight has the slope they say.
{
  const { colors, plot, short, swatch, tag } = gradlab;
  const WEIGHTS = [[[0.8, -0.6], [0.5, 1]], [[1.2, -0.7], [0.4, 0.9]]], BIASES = [[0.1, -0.2], [0, 0.3]], TARGET = [1, 0];
  const REACH = 3, CURVE = 121;
  const FUNCTIONS = { tanh: "tanh", sigmoid: "sigmoid", relu: "ReLU", identity: "none (linear)" };
  const kernel = (name, way = "") => `activations._${name}${way}_kernel`;
  const HEIGHTS = { tanh: [1, 1], sigmoid: [], relu: [] };
  const digits = "₀₁₂";
  // At most four decimals: more do not fit beside a unit.
  const shown = value => short(Math.abs(value) < 5e-4 ? 0 : Math.abs(value) < 0.01 ? +value.toFixed(4) : value).replace("-", "−");
  const factor = value => (value < 0 ? `(${shown(value)})` : shown(value));
  const nameOf = (l, j, k) => (l === 0 ? `from x${digits[j + 1]} to h${digits[k + 1]}` : `from h${digits[j + 1]} to ŷ${digits[k + 1]}`);
  const ALL = [0, 1].flatMap(l => [0, 1].flatMap(j => [0, 1].map(k => [l, j, k])));

  function matrices(k, { weight, nudge }) {
    const [l, j, unit] = weight.split("").map(Number);
    return WEIGHTS.map((matrix, layer) => {
      const made = k.array([2, 2], matrix.flat());
      if (layer === l) made.data[2 * j + unit] += nudge;
      return made;
    });
  }

  // Both passes for one example.
  function passes(k, weights, biases, x, activation) {
    const rows = () => k.array([1, 2]), [z1, h, out, s2, grad, s1, dx] = Array.from({ length: 7 }, rows);
    const entrywise = (way, ...arrays) => (activation === "identity" ? arrays.at(-1).set(arrays[0])
      : k[kernel(activation, way)](...arrays.map(a => a.flat()), ...HEIGHTS[activation]));
    k["backpropagation._net_input_kernel"](x, weights[0], biases[0], z1);
    entrywise("", z1, h);
    k["backpropagation._net_input_kernel"](h, weights[1], biases[1], out);
    const loss = TARGET.reduce((sum, target, unit) => sum + (out.data[unit] - target) ** 2, 0);
    s2.set(Float64Array.from(TARGET, (target, unit) => 2 * (out.data[unit] - target)));
    k["backpropagation._input_gradient_kernel"](s2, weights[1], grad);
    entrywise("_backward", grad, z1, s1);
    k["backpropagation._input_gradient_kernel"](s1, weights[0], dx);
    const gradients = [[x, s1], [h, s2]].map(([below, above]) => {
      const made = k.array([2, 2]);
      k["backpropagation._weight_gradient_kernel"](below, above, made);
      return [made.row(0).numbers(), made.row(1).numbers()];
    });
    const [zs, hs, outs, tops, arriving, hidden, inputs] = [z1, h, out, s2, grad, s1, dx].map(a => a.flat().numbers());
    return { loss, netInputs: [zs, outs], h: hs, out: outs, sensitivities: [hidden, tops], arriving, gradients, inputs };
  }

  gradlab.figure("backpropagation", {
    title: "A network with the numbers that go up and the gradients that come down",
    kernels: ["net_input", "input_gradient", "weight_gradient"].map(name => `backpropagation._${name}_kernel`)
      .concat(Object.keys(HEIGHTS).flatMap(name => [kernel(name), kernel(name, "_backward")])),
    controls: {
      weight: { label: "the weight", choices: Object.fromEntries(ALL.map(at => [at.join(""), nameOf(...at)])), value: "000" },
      nudge: { label: "added to this weight", min: -REACH, max: REACH, step: 0.05, value: 0 },
      step: { label: "step: 1 to 3 up, 3 to 6 down", min: 1, max: 6, step: 1, value: 6 },
      x1: { label: "input x₁", min: -2, max: 2, step: 0.1, value: 1 },
      x2: { label: "input x₂", min: -2, max: 2, step: 0.1, value: -0.5 },
      activation: { label: "activation of the hidden units", choices: FUNCTIONS, value: "tanh" },
    },

    compute(k, state) {
      const x = k.array([1, 2], [state.x1, state.x2]), biases = BIASES.map(bias => k.array(2, bias));
      const now = k.scope(() => passes(k, matrices(k, state), biases, x, state.activation));
      const [l, j, unit] = state.weight.split("").map(Number), middle = WEIGHTS[l][j][unit];
      const along = Array.from({ length: CURVE }, (_, t) => REACH * ((2 * t) / (CURVE - 1) - 1));
      const curve = along.map(nudge => k.scope(() => passes(k, matrices(k, { ...state, nudge }), biases, x, state.activation).loss));
      return { ...now, x: [state.x1, state.x2], weight: middle + state.nudge, slope: now.gradients[l][j][unit], along: along.map(nudge => middle + nudge), curve };
    },

    say(n, state) {
      const [l, j, unit] = state.weight.split("").map(Number), w = WEIGHTS.map((matrix, layer) => matrix.map((row, a) =>
        row.map((value, b) => (layer === l && a === j && b === unit ? value + state.nudge : value))));
      const [s1, s2] = n.sensitivities, slope = n.arriving[0] === 0 ? 0 : s1[0] / n.arriving[0];
      const steps = [
        `The first hidden unit sums ${shown(n.x[0])} · ${factor(w[0][0][0])} + ${factor(n.x[1])} · ${factor(w[0][1][0])} + 0.1 = ${shown(n.netInputs[0][0])}, and its output is ${shown(n.h[0])}.`,
        `The first output sums ${shown(n.h[0])} · ${factor(w[1][0][0])} + ${factor(n.h[1])} · ${factor(w[1][1][0])} = ${shown(n.out[0])}.`,
        `The loss is (${shown(n.out[0])} − 1)² + (${shown(n.out[1])})² = ${shown(n.loss)}. Its derivatives, ${shown(s2[0])} and ${shown(s2[1])}, are the sensitivities of the outputs.`,
        `The first hidden unit collects ${shown(s2[0])} · ${factor(w[1][0][0])} + ${factor(s2[1])} · ${factor(w[1][0][1])} = ${shown(n.arriving[0])}; times its slope ${shown(slope)} this is ${shown(s1[0])}.`,
        `The gradient of the weight ${nameOf(l, j, unit)} is ${shown((l ? n.h : n.x)[j])} · ${factor(n.sensitivities[l][unit])} = ${shown(n.slope)}.`,
        `The first input collects ${shown(s1[0])} · ${factor(w[0][0][0])} + ${factor(s1[1])} · ${factor(w[0][0][1])} = ${shown(n.inputs[0])}.`,
      ];
      return `Step ${state.step}: ${steps[state.step - 1]} The weight ${nameOf(l, j, unit)} is ${shown(n.weight)} and the loss ${shown(n.loss)}; ` +
        `raising this weight by 0.01 changes the loss by about ${shown(0.01 * n.slope)}.`;
    },

    draw(place) {
      const legend = tag("p", { className: "legend" });
      legend.innerHTML = `${swatch({ color: colors.blue })} goes up: outputs and net inputs z; ` +
        `${swatch({ color: colors.orange })} comes down: sensitivities s and gradients`;
      place.append(legend);
      const svg = d3.select(place).append("svg").attr("viewBox", "0 0 290 262").attr("role", "img")
        .style("max-width", "450px").style("grid-column", "1 / -1").style("justify-self", "center");
      const at = (layer, unit) => [unit ? 206 : 84, 232 - 88 * layer];
      const edges = svg.append("g"), nodes = svg.append("g"), words = svg.append("g");
      const write = (x, y, text, color = "currentColor", anchor = "middle", weight = "normal") => words.append("text")
        .attr("x", x).attr("y", y).attr("text-anchor", anchor).attr("font-weight", weight).style("fill", color)
        // A rim of the page's color, where a number lies on an arrow.
        .style("stroke", "var(--pst-color-background)").style("stroke-width", 2.5).style("paint-order", "stroke").text(text);
      for (const layer of [0, 1, 2]) for (const unit of [0, 1]) {
        const [x, y] = at(layer, unit);
        nodes.append("circle").attr("cx", x).attr("cy", y).attr("r", 19).attr("fill", "none").attr("stroke", "currentColor");
      }
      const arrow = ([x0, y0], [x1, y1], color, thick) => {
        const long = Math.hypot(x1 - x0, y1 - y0), [a, b] = [(x1 - x0) / long, (y1 - y0) / long];
        const [px, py, qx, qy] = [x0 + 20 * a, y0 + 20 * b, x1 - 20 * a, y1 - 20 * b];
        edges.append("path").attr("d", `M${px} ${py}L${qx - 5 * a} ${qy - 5 * b}`).attr("stroke", color).attr("stroke-width", thick);
        edges.append("path").attr("d", `M${qx} ${qy}l${-8 * a - 3.5 * b} ${-8 * b + 3.5 * a}l${7 * b} ${-7 * a}z`).attr("fill", color);
      };
      const curve = plot(place, {
        title: "the loss along this weight", alt: "", height: 230, x: { label: "weight", domain: [-1, 1] }, y: { domain: [0, 1] },
      });

      return (n, state) => {
        const { step } = state, chosen = state.weight;
        edges.selectAll("*").remove();
        words.selectAll("*").remove();
        for (const [l, j, k] of ALL) {
          const [from, to] = [at(l, j), at(l + 1, k)], mine = chosen === `${l}${j}${k}`;
          const color = step === l + 1 ? colors.blue : (step === 4 && l === 1) || (step === 6 && l === 0) ? colors.orange : "currentColor";
          arrow(...(color === colors.orange ? [to, from] : [from, to]), color, mine ? 3 : color === "currentColor" ? 1 : 1.8);
          const outward = j ? 1 : -1, crossing = j !== k, part = crossing ? 0.27 : 0.5;
          const x = from[0] + part * (to[0] - from[0]) + outward * (crossing ? 6 : 7), y = from[1] + part * (to[1] - from[1]) - (crossing ? 20 : 2);
          const anchor = crossing ? "middle" : j ? "start" : "end";
          const weight = WEIGHTS[l][j][k] + (mine ? state.nudge : 0);
          write(x, y, shown(weight), "currentColor", anchor, mine ? "bold" : "normal");
          if (step >= 5) write(x, y + 11, shown(n.gradients[l][j][k]), colors.orange, anchor, mine ? "bold" : "normal");
        }
        [n.x, n.h, n.out].forEach((values, layer) => values.forEach((value, unit) => {
          const [x, y] = at(layer, unit), side = unit ? 23 : -23, anchor = unit ? "start" : "end";
          write(x, y - 3, `${["x", "h", "ŷ"][layer]}${digits[unit + 1]}`);
          if (step >= layer) write(x, y + 9, shown(value), colors.blue);
          if (layer && step >= layer) write(x + side, y - 2, `z = ${shown(n.netInputs[layer - 1][unit])}`, colors.blue, anchor);
          const known = step >= [6, 4, 3][layer];
          if (known) write(x + side, y + 10, layer ? `s = ${shown(n.sensitivities[layer - 1][unit])}` : `∂: ${shown(n.inputs[unit])}`, colors.orange, anchor);
        }));
        if (step >= 3) write(145, 14, `targets 1 and 0: loss ${shown(n.loss)}`);
        svg.attr("aria-label", `Step ${step}. Inputs ${n.x.map(shown).join(", ")}; hidden outputs ${n.h.map(shown).join(", ")}; outputs ${n.out.map(shown).join(", ")}; ` +
          `loss ${shown(n.loss)}. Sensitivities of the outputs ${n.sensitivities[1].map(shown).join(", ")}, of the hidden units ${n.sensitivities[0].map(shown).join(", ")}.`);

        const high = 1.1 * Math.max(...n.curve), [left, right] = [n.along[0], n.along.at(-1)];
        curve.axes({ x: { domain: [left, right], label: `weight ${nameOf(...chosen.split("").map(Number))}` }, y: { domain: [-0.05 * high, high] } });
        curve.line("loss", { x: n.along, y: n.curve, color: colors.blue, width: 1.8 });
        curve.line("tangent", { x: [left, right], y: [left, right].map(w => n.loss + n.slope * (w - n.weight)), color: colors.orange, dash: "--" });
        curve.points("here", { x: [n.weight], y: [n.loss], color: colors.orange });
        curve.describe(`The loss against this weight, from ${shown(n.curve[0])} at ${shown(left)} to ${shown(n.curve.at(-1))} at ${shown(right)}. ` +
          `At ${shown(n.weight)} it is ${shown(n.loss)}, and the line there has the slope ${shown(n.slope)} of the backward pass.`);
      };
    },
  });
}
