// The graph of a small program: values, local derivatives, and what forward and reverse mode find at each node.
{
  const { colors, short, swatch, tag } = gradlab;
  const OPERATION = "autodiff._operation_kernel", FORWARD = "autodiff._forward_sweep_kernel", REVERSE = "autodiff._reverse_sweep_kernel";
  // The rows of the tape: the inputs x and y, and four operations. The numbers are those of the kernel.
  const NAMES = ["x", "y", "a", "b", "c", "f"], SUM = 0, PRODUCT = 2;
  const MIDDLE = { tanh: { label: "tanh", code: 7 }, exp: { label: "exp", code: 5 }, relu: { label: "ReLU", code: 8 } };
  const OPERANDS = [[-1, -1], [-1, -1], [0, 1], [2, -1], [0, 3], [4, 1]];
  const PLACES = [[0, 0], [0, 2], [1.4, 1], [2.8, 1], [4.2, 0], [5.6, 1]];
  // Where the local derivative of an arrow stands, by operand and result.
  const EDGES = { "0,2": [0.42, 0.68], "1,2": [1.02, 1.62], "2,3": [2.1, 1.17], "0,4": [2.1, 0.15], "3,4": [3.76, 0.72], "4,5": [4.62, 0.68], "1,5": [3.2, 2.05] };
  const shown = value => short(Math.abs(value) < 5e-4 ? 0 : value).replace("-", "−");
  const dotted = (name, mark) => name.normalize("NFD") + mark;

  gradlab.figure("autodiff", {
    title: "Forward and reverse mode on the graph of a program",
    kernels: [OPERATION, FORWARD, REVERSE],
    controls: {
      x: { label: "x", min: -2, max: 2, step: 0.1, value: 0.5 },
      y: { label: "y", min: -3, max: 3, step: 0.1, value: 2 },
      p: { label: "seed of x in forward mode", min: -2, max: 2, step: 0.5, value: 1 },
      q: { label: "seed of y in forward mode", min: -2, max: 2, step: 0.5, value: 0 },
      middle: { label: "operation that makes b from a", choices: Object.fromEntries(Object.entries(MIDDLE).map(([key, { label }]) => [key, label])), value: "tanh" },
    },

    compute(k, state) {
      const out = k.array(3), values = [state.x, state.y], partials = [[0, 0], [0, 0]];
      const codes = [PRODUCT, MIDDLE[state.middle].code, SUM, PRODUCT];
      for (const [n, code] of codes.entries()) {
        const [left, right] = OPERANDS[n + 2];
        k[OPERATION](code, values[left], right < 0 ? 0 : values[right], out);
        const [value, ...both] = out.numbers();
        values.push(value);
        partials.push(both);
      }
      const operands = k.array([6, 2], OPERANDS.flat(), "int64"), local = k.array([6, 2], partials.flat());
      const dot = k.array(6, [state.p, state.q, 0, 0, 0, 0]), bar = k.array(6, [0, 0, 0, 0, 0, 1]);
      k[FORWARD](operands, local, dot);
      k[REVERSE](operands, local, bar);
      return { values, partials, dot: dot.numbers(), bar: bar.numbers() };
    },

    say({ values, dot, bar }, state) {
      const [x, y] = bar, factor = value => (value < 0 ? `(${shown(value)})` : shown(value));
      return `Reverse mode finds both derivatives of f = ${shown(values[5])} in one pass: ${shown(x)} with respect to x and ${shown(y)} with respect to y. ` +
        `Forward mode with the seeds ${shown(state.p)} and ${shown(state.q)} finds ${shown(dot[5])} at f, which is ${factor(state.p)} · ${factor(x)} + ${factor(state.q)} · ${factor(y)}.`;
    },

    draw(place) {
      const legend = tag("p", { className: "legend" });
      legend.innerHTML = `${swatch({ color: colors.blue })} derivatives of forward mode, with the arrows; ${swatch({ color: colors.orange })} of reverse mode, against them`;
      place.append(legend);
      const svg = d3.select(place).append("svg").attr("viewBox", "0 0 330 180").attr("role", "img").style("max-width", "620px").style("grid-column", "1 / -1").style("justify-self", "center");
      const at = ([x, y]) => [24 + 50 * x, 132 - 52 * y];
      const shapes = svg.append("g"), words = svg.append("g");
      for (const [result, pair] of OPERANDS.entries()) {
        for (const operand of pair.filter(each => each >= 0)) {
          const [x0, y0] = at(PLACES[operand]), [x1, y1] = at(PLACES[result]), bent = operand === 1 && result === 5;
          // The long arrow from y bends above the others.
          const [mx, my] = [(x0 + x1) / 2, (y0 + y1) / 2 - (bent ? 34 : 0)];
          const toward = ([px, py], [qx, qy], far) => { const l = Math.hypot(qx - px, qy - py); return [px + (far * (qx - px)) / l, py + (far * (qy - py)) / l]; };
          const [p, q] = [toward([x0, y0], [mx, my], 16.5), toward([x1, y1], [mx, my], 23)], tip = toward([x1, y1], [mx, my], 16.5);
          const long = Math.hypot(tip[0] - q[0], tip[1] - q[1]), [a, b] = [(tip[0] - q[0]) / long, (tip[1] - q[1]) / long];
          shapes.append("path").attr("d", `M${p}Q${[mx, my]} ${q}`).attr("fill", "none").attr("stroke", "currentColor");
          shapes.append("path").attr("d", `M${tip}l${-7 * a - 3 * b} ${-7 * b + 3 * a}l${6 * b} ${-6 * a}z`).attr("fill", "currentColor");
        }
      }
      for (const node of PLACES) {
        const [x, y] = at(node);
        shapes.append("circle").attr("cx", x).attr("cy", y).attr("r", 16).attr("fill", "none").attr("stroke", "currentColor");
      }
      const write = (x, y, text, color = "currentColor") => words.append("text").attr("x", x).attr("y", y).attr("text-anchor", "middle").style("fill", color)
        .style("stroke", "var(--pst-color-background)").style("stroke-width", 2.5).style("paint-order", "stroke").text(text);

      return ({ values, partials, dot, bar }) => {
        words.selectAll("*").remove();
        for (const [edge, where] of Object.entries(EDGES)) {
          const [operand, result] = edge.split(",").map(Number), [x, y] = at(where);
          write(x, y + 3, shown(partials[result][OPERANDS[result].indexOf(operand)]));
        }
        NAMES.forEach((name, n) => {
          const [x, y] = at(PLACES[n]);
          write(x, y - 2, name);
          write(x, y + 9, shown(values[n]));
          write(x, y + 28, `${dotted(name, "\u0307")} = ${shown(dot[n])}`, colors.blue);
          write(x, y + 39, `${dotted(name, "\u0304")} = ${shown(bar[n])}`, colors.orange);
        });
        svg.attr("aria-label", "The graph of the program. " + NAMES.map((name, n) =>
          `${name} has the value ${shown(values[n])}, the forward derivative ${shown(dot[n])} and the adjoint ${shown(bar[n])}`).join("; ") + ".");
      };
    },
  });
}
