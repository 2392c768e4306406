// Drawing over D3, in the style of the static figures: the same size, in points, and the same colors.
(() => {
  "use strict";

  // gradlab.plotting says why these; they stand on a light page and on a dark one.
  const colors = { blue: "#3578b9", orange: "#cf6a12", green: "#1f8a70", purple: "#a25bb5", gray: "#7a7a7a", faint: "#8a8a8a" };
  const dashes = { "-": null, "--": "5.2 2.2", "-.": "9 2.2 1.4 2.2", ":": "1.4 2.3" };
  const marks = {
    o: "M-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0z", s: "M-3-3h6v6h-6z", "^": "M0-4l3.5 6.5h-7z",
    D: "M0-4l4 4l-4 4l-4-4z", "+": "M-5 0h10m-5-5v10",
  };
  let plots = 0;

  // Axes in `place`, of a size in points: two stand side by side, and below each other on a phone.
  // An axis is { label, domain: [low, high], log, ticks, format }.
  // Whatever is drawn has a key, and is drawn anew when the key comes again.
  function plot(place, { width = 240, height = 190, x, y, title = "", alt, square = false, margin = {} }) {
    const pad = { top: title ? 20 : 8, right: 10, bottom: 32, left: y.label ? 42 : 30, ...margin };
    const id = `live-plot-${plots++}`;
    const across = [pad.left, width - pad.right], up = [height - pad.bottom, pad.top];
    const svg = d3.select(place).append("svg")
      .attr("viewBox", `0 0 ${width} ${height}`).attr("role", "img").attr("aria-label", alt)
      .style("max-width", `${(width * 135) / 72}px`);
    const box = svg.append("clipPath").attr("id", id).append("rect");
    box.attr("x", across[0]).attr("y", up[1]).attr("width", across[1] - across[0]).attr("height", up[0] - up[1]);
    const axes = { x: { ...x }, y: { ...y } }, scales = {}, layers = {};
    const grids = { x: svg.append("g").attr("class", "grid"), y: svg.append("g").attr("class", "grid") };
    const inside = svg.append("g").attr("clip-path", `url(#${id})`);
    const sides = { x: svg.append("g"), y: svg.append("g") };
    sides.x.attr("transform", `translate(0 ${up[0]})`);
    sides.y.attr("transform", `translate(${across[0]} 0)`);
    if (title) svg.append("text").attr("class", "title").attr("x", across[0]).attr("y", 12).text(title);
    const label = () => svg.append("text").attr("class", "label").attr("text-anchor", "middle"), labels = { x: label(), y: label() };
    labels.x.attr("x", (across[0] + across[1]) / 2).attr("y", height - 4);
    labels.y.attr("transform", `translate(11 ${(up[0] + up[1]) / 2}) rotate(-90)`);
    const drawn = new Map();

    function ruled(name, range, side) {
      const { domain, log, ticks = 4, format } = axes[name];
      const scale = (log ? d3.scaleLog() : d3.scaleLinear()).domain(domain).range(range);
      scales[name] = scale;
      labels[name].text(axes[name].label ?? "");
      let at = scale.ticks(ticks);
      // Powers of ten, of which each has a place.
      if (log) {
        at = at.filter(value => Math.abs(Math.log10(value) % 1) < 1e-9 || Math.abs(Math.log10(value) % 1) > 1 - 1e-9);
        const every = Math.ceil(at.length / (ticks + 1));
        at = at.filter((_, k) => k % every === 0);
        if (at.length < 2) at = scale.ticks(ticks);
      }
      const axis = side(scale).tickValues(at).tickSizeOuter(0).tickSize(4);
      axis.tickFormat(format ?? (log ? power : plain));
      sides[name].call(axis);
      const lines = grids[name].selectAll("line").data(at);
      lines.exit().remove();
      const each = lines.enter().append("line").merge(lines);
      if (name === "x") each.attr("x1", scale).attr("x2", scale).attr("y1", up[0]).attr("y2", up[1]);
      else each.attr("y1", scale).attr("y2", scale).attr("x1", across[0]).attr("x2", across[1]);
    }

    function setAxes(changes = {}) {
      for (const [name, change] of Object.entries(changes)) Object.assign(axes[name], change);
      if (square) {
        // One unit is as long in both directions: the domain that is too short grows.
        const unit = ({ domain: [a, b] }, [from, to]) => Math.abs(b - a) / Math.abs(to - from);
        const wide = Math.max(unit(axes.x, across), unit(axes.y, up));
        for (const [name, range] of [["x", across], ["y", up]]) {
          const [a, b] = axes[name].domain, half = (wide * Math.abs(range[1] - range[0])) / 2;
          axes[name].domain = [(a + b) / 2 - half, (a + b) / 2 + half];
        }
      }
      ruled("x", across, d3.axisBottom);
      ruled("y", up, d3.axisLeft);
    }

    function element(key, tag) {
      if (!drawn.has(key)) drawn.set(key, inside.append(tag));
      return drawn.get(key).attr("display", null);
    }
    const pixels = (xs, ys) => Array.from(xs, (value, k) => [scales.x(value), scales.y(ys[k])]);
    const shown = ([a, b]) => Number.isFinite(a) && Number.isFinite(b) && Math.abs(a) < 1e5 && Math.abs(b) < 1e5;

    const self = {
      scales, svg: svg.node(),
      axes: setAxes,
      domain: name => axes[name].domain,
      // What the plot shows, in words, for those who do not see it.
      describe(text) { svg.attr("aria-label", text); },
      line(key, { x: xs, y: ys, color = colors.blue, dash = "-", width: thick = 1.4, opacity = 1, fill = 0 }) {
        element(key, "path").attr("d", d3.line().defined(shown)(pixels(xs, ys)))
          .attr("fill", fill ? color : "none").attr("fill-opacity", fill)
          .attr("stroke", color).attr("stroke-width", thick).attr("stroke-dasharray", dashes[dash]).attr("opacity", opacity);
        return self;
      },
      band(key, { x: xs, low, high, color = colors.blue, opacity = 0.18 }) {
        const edge = Array.from(xs, (value, k) => [scales.x(value), scales.y(low[k]), scales.y(high[k])]);
        const area = d3.area().x(p => p[0]).y0(p => p[1]).y1(p => p[2]).defined(p => p.every(Number.isFinite));
        element(key, "path").attr("d", area(edge)).attr("fill", color).attr("opacity", opacity);
        return self;
      },
      // One path for all of them: thousands are drawn in a frame.
      points(key, { x: xs, y: ys, color = colors.blue, mark = "o", size = 1, opacity = 1 }) {
        const shape = marks[mark], lines = mark === "+";
        const at = pixels(xs, ys).filter(shown).map(([a, b]) => shape.replace(/^M(-?[\d.]+)([ -][\d.]+)/,
          (_, p, q) => `M${(a + p * 1).toFixed(2)} ${(b + q * 1).toFixed(2)}`));
        const path = element(key, "path");
        if (size === 1) path.attr("d", at.join(""));
        else path.attr("d", pixels(xs, ys).filter(shown).map(([a, b]) => {
          const r = 3 * size;
          return `M${(a - r).toFixed(2)} ${b.toFixed(2)}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`;
        }).join(""));
        path.attr("fill", lines ? "none" : color).attr("stroke", lines ? color : "none").attr("opacity", opacity);
        return self;
      },
      // Bars from `edges[k]` to `edges[k + 1]`, as high as `heights[k]`.
      bars(key, { edges, heights, color = colors.blue, opacity = 0.7, base = 0 }) {
        const d = Array.from(heights, (height, k) => {
          const [a, b] = [scales.x(edges[k]), scales.x(edges[k + 1])], [low, high] = [scales.y(base), scales.y(height)];
          return `M${a.toFixed(2)} ${low.toFixed(2)}V${high.toFixed(2)}H${b.toFixed(2)}V${low.toFixed(2)}z`;
        });
        element(key, "path").attr("d", d.join("")).attr("fill", color).attr("opacity", opacity);
        return self;
      },
      // Lines on which a function is one of `levels`. `values` are those at the points of `grid`.
      contours(key, { values, columns, rows, levels, color = colors.faint, width: thick = 0.6 }) {
        // The outermost cells lie outside: lines end at the edge, where they would go along it.
        const sx = (across[1] - across[0]) / (columns - 2), sy = (up[0] - up[1]) / (rows - 2);
        const moved = { point(a, b) { this.stream.point(across[0] + (a - 1) * sx, up[1] + (b - 1) * sy); } };
        const lines = d3.contours().size([columns, rows]).thresholds(levels)(values);
        const d = lines.map(d3.geoPath(d3.geoTransform(moved))).filter(Boolean).join("");
        element(key, "path").attr("d", d).attr("fill", "none").attr("stroke", color).attr("stroke-width", thick);
        return self;
      },
      // The middles of cells that cover the plot and a cell more at each edge, as (columns * rows) pairs, row by row
      // from the top.
      grid(columns, rows) {
        const [a, b] = axes.x.domain, [c, d] = axes.y.domain, points = new Float64Array(2 * columns * rows);
        for (let i = 0; i < rows; i++) {
          for (let j = 0; j < columns; j++) {
            points[2 * (i * columns + j)] = a + ((j - 0.5) / (columns - 2)) * (b - a);
            points[2 * (i * columns + j) + 1] = d - ((i - 0.5) / (rows - 2)) * (d - c);
          }
        }
        return points;
      },
      // Pixels over the whole plot, or from `extent` [left, right, bottom, top]; `color` maps a value to [r, g, b, a].
      image(key, { values, columns, rows, color, extent }) {
        const [l, r, b, t] = extent ?? [...axes.x.domain, ...axes.y.domain];
        element(key, "image").attr("href", picture(values, columns, rows, color)).attr("preserveAspectRatio", "none")
          .attr("x", scales.x(l)).attr("y", scales.y(t)).attr("width", scales.x(r) - scales.x(l))
          .attr("height", scales.y(b) - scales.y(t)).style("image-rendering", "pixelated");
        return self;
      },
      // A point that the reader drags; move(x, y) is told where to. It has controls too, for those who use the keyboard.
      handle(key, { x: across, y: up, color = "currentColor" }, move) {
        const told = () => move(scales.x.invert(d3.event.x), scales.y.invert(d3.event.y));
        if (!drawn.has(key)) element(key, "circle").attr("class", "handle").attr("r", 4).call(d3.drag().on("start drag", told));
        element(key, "circle").attr("cx", scales.x(across)).attr("cy", scales.y(up)).attr("fill", color).raise();
        return self;
      },
      text(key, { x: across, y: up, text, color = "currentColor", anchor = "start" }) {
        element(key, "text").attr("x", scales.x(across)).attr("y", scales.y(up)).attr("fill", color)
          .attr("text-anchor", anchor).text(text);
        return self;
      },
      // Hides everything whose key is not among these.
      only(keys) {
        const kept = new Set(keys);
        for (const [key, each] of drawn) if (!kept.has(key)) each.attr("display", "none");
        return self;
      },
    };
    setAxes();
    return self;
  }

  const plain = value => d3.format("~g")(Number(value.toPrecision(12))).replace("-", "−");
  const RAISED = [..."⁰¹²³⁴⁵⁶⁷⁸⁹"];
  function power(value) {
    const exponent = Math.round(Math.log10(value));
    if (Math.abs(Math.log10(value) - exponent) > 1e-9 || Math.abs(exponent) < 3) return plain(value);
    const digits = [...String(Math.abs(exponent))].map(digit => RAISED[digit]).join("");
    return `10${exponent < 0 ? "⁻" : ""}${digits}`;
  }

  // The address of an image whose pixels are the values, row by row.
  function picture(values, columns, rows, color) {
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width: columns, height: rows });
    const context = canvas.getContext("2d"), pixels = context.createImageData(columns, rows);
    for (let k = 0; k < columns * rows; k++) pixels.data.set(color(values[k]), 4 * k);
    context.putImageData(pixels, 0, 0);
    return canvas.toDataURL();
  }

  // From blue through nothing to orange, for values from -bound to bound; the page shows through.
  function diverging(bound) {
    return value => {
      const part = Math.max(-1, Math.min(1, value / bound)), [r, g, b] = part < 0 ? [53, 120, 185] : [207, 106, 18];
      return [r, g, b, 255 * Math.abs(part)];
    };
  }

  // A short line in the style of a curve, beside its name.
  function swatch({ color, dash = "-", mark }) {
    const path = mark ? `<path d="${marks[mark]}" transform="translate(12 5)" fill="${color}"/>` : "";
    return `<svg class="swatch" viewBox="0 0 24 10" aria-hidden="true"><path d="M0 5h24" stroke="${color}" ` +
      `stroke-width="1.6" stroke-dasharray="${dashes[dash] ?? "none"}"/>${path}</svg>`;
  }

  // A number as the static figures and the prose have it.
  function short(value, digits = 3) {
    if (!Number.isFinite(value)) return Number.isNaN(value) ? "not a number" : value > 0 ? "infinite" : "minus infinite";
    if (value === 0) return "0";
    const size = Math.abs(value);
    if (size >= 1e5 || size < 1e-3) {
      const [head, exponent] = value.toExponential(1).split("e");
      return `${head} × 10${exponent < 0 ? "⁻" : ""}${[...String(Math.abs(exponent))].map(d => RAISED[d]).join("")}`;
    }
    return String(Number(value.toPrecision(digits)));
  }

  Object.assign(window.gradlab, { plot, picture, diverging, swatch, short, colors, marks });
})();
