"use strict";
// Layer normalization and its relatives: the reader moves some of the numbers, and sees what each of them ignores.
{
  const { blue, orange, green } = gradlab.colors, { short } = gradlab, ink = "currentColor";
  const EXAMPLES = 3, CHANNELS = 6, POSITIONS = 8, COUNT = EXAMPLES * CHANNELS * POSITIONS;
  const EXAMPLE = 1, CHANNEL = 3, POSITION = 2, VISIBLE = 0.001;
  const KINDS = {
    batch: "batch", whole: "layer (whole)", position: "layer (position)", rms: "root mean square (position)",
    group: "groups", instance: "instance",
  };
  const INPUT = "before normalization";
  // What is moved, by example, channel and position.
  const TARGETS = {
    number: { label: "one number", is: (i, c, p) => i === EXAMPLE && c === CHANNEL && p === POSITION },
    position: { label: "one position: all channels at position 2 of example 1", is: (i, c, p) => i === EXAMPLE && p === POSITION },
    instance: { label: "one channel of example 1", is: (i, c) => i === EXAMPLE && c === CHANNEL },
    channel: { label: "one channel, in all examples", is: (i, c) => c === CHANNEL },
    example: { label: "one example", is: i => i === EXAMPLE },
  };

  const NORMAL = "_random._normal_draws_kernel", BATCH = "batch_normalization._batch_norm_forward_kernel";
  const ROWS = "layer_normalization._normalize_rows_kernel";

  const PLACES = d3.range(COUNT).map(n => [Math.floor(n / (CHANNELS * POSITIONS)), Math.floor(n / POSITIONS) % CHANNELS, n % POSITIONS]);
  // The index of each number where channels come last, a row a position.
  const LAST = PLACES.map(([i, c, p]) => (i * POSITIONS + p) * CHANNELS + c);
  const channelsLast = x => { const rows = new Float64Array(COUNT); LAST.forEach((at, n) => { rows[at] = x[n]; }); return rows; };
  const channelsSecond = rows => LAST.map(at => rows[at]);

  // Standardizes each row of `values`, of which an example has `groups`.
  function rows(k, values, groups, size, eps) {
    const shape = [values.length / (groups * size), groups, size], x = k.array(shape, values), out = k.array(shape);
    k[ROWS](0, shape[0], x, k.array([groups, size], 1), k.array([groups, size]), eps, k.array([4, shape[0], groups]), out);
    return out.numbers();
  }

  function normalized(k, x, { groups, eps }) {
    const turned = channelsLast(x), z = k.array([EXAMPLES * POSITIONS, CHANNELS], turned), out = k.array(z.shape);
    k[BATCH](z, k.array(CHANNELS, 1), k.array(CHANNELS), eps, k.array([1, 2, CHANNELS]), k.array([6, CHANNELS]), out);
    const grouped = each => rows(k, x, each, COUNT / EXAMPLES / each, eps);
    // The mean of a row and its mirror image is 0, so that their deviation is the root mean square.
    const mirrored = [];
    for (let at = 0; at < COUNT; at += CHANNELS) { const row = Array.from(turned.subarray(at, at + CHANNELS)); mirrored.push(...row, ...row.map(v => -v)); }
    const both = rows(k, mirrored, 1, 2 * CHANNELS, eps);
    return {
      batch: channelsSecond(out.numbers()), whole: grouped(1), position: channelsSecond(rows(k, turned, 1, CHANNELS, eps)),
      rms: channelsSecond(d3.range(COUNT).map(n => both[n + CHANNELS * Math.floor(n / CHANNELS)])),
      group: grouped(Number(groups)), instance: grouped(CHANNELS),
    };
  }

  function counted(changes, is) {
    const seen = { moved: [], rest: [], others: [] };
    changes.forEach((change, n) => seen[is(...PLACES[n]) ? "moved" : PLACES[n][0] === EXAMPLE ? "rest" : "others"].push(change));
    const size = values => (values.length ? Math.sqrt(d3.mean(values, v => v * v)) : null);
    const many = values => values.filter(v => Math.abs(v) > VISIBLE).length;
    const outside = changes.filter((_, n) => PLACES[n][0] !== EXAMPLE);
    return { sizes: Object.values(seen).map(size), changed: many(changes), elsewhere: many(outside) };
  }

  gradlab.figure("layer-normalization", {
    title: "Numbers that you move before a normalization, and what each normalization makes of it",
    kernels: [NORMAL, BATCH, ROWS],
    controls: {
      target: { label: "what is moved", choices: Object.fromEntries(Object.entries(TARGETS).map(([name, { label }]) => [name, label])), value: "number" },
      view: { label: "what is shown", choices: { change: "what the move changes", values: "what comes out" }, value: "change" },
      add: { label: "added to it", min: -5, max: 5, step: 0.1, value: 3 },
      factor: { label: "after a factor of", min: 0.2, max: 5, log: true, digits: 2, value: 1 },
      groups: { label: "groups of channels", choices: { 2: "2", 3: "3" }, value: "2" },
      eps: { label: "ε", min: 1e-8, max: 1, log: true, digits: 1, value: 1e-5 },
    },

    compute(k, state) {
      const draws = k.array(COUNT), { is } = TARGETS[state.target];
      k[NORMAL](0, 0, 0, draws);
      const before = draws.numbers(), after = before.map((v, n) => (is(...PLACES[n]) ? state.factor * v + state.add : v));
      const [first, outputs] = [before, after].map(x => k.scope(() => normalized(k, x, state)));
      const changes = {}, counts = {};
      for (const kind of Object.keys(KINDS)) {
        changes[kind] = outputs[kind].map((v, n) => v - first[kind][n]);
        counts[kind] = counted(changes[kind], is);
      }
      return { input: after, moved: after.map((v, n) => v - before[n]), outputs, changes, counts };
    },

    say({ counts }, { add, factor, target }) {
      if (add === 0 && factor === 1) return "Nothing is moved.";
      const told = { number: "One number is", position: "The numbers of one position are", instance: "The numbers of one channel of one example are",
        channel: "The numbers of one channel are", example: "The numbers of one example are" }[target];
      const how = [...(factor === 1 ? [] : [`multiplied by ${short(factor)}`]), ...(add === 0 ? [] : [`increased by ${short(add)}`.replace("increased by -", "decreased by ")])];
      const still = Object.keys(KINDS).filter(kind => !counts[kind].changed), rest = Object.keys(KINDS).filter(kind => counts[kind].changed);
      const each = rest.map(kind => {
        const { changed, elsewhere } = counts[kind];
        return `${KINDS[kind]} ${changed}${elsewhere ? `, of which ${elsewhere} in the other examples` : ""}`;
      });
      const said = [`${told} ${how.join(" and ")}.`];
      if (each.length) said.push(`Of the ${COUNT} numbers that come out, so many change by more than ${VISIBLE}: ${each.join("; ")}.`);
      if (still.length) said.push(`None does with: ${still.map(kind => KINDS[kind]).join("; ")}.`);
      return said.join(" ");
    },

    draw(place) {
      const names = [INPUT, ...Object.values(KINDS)], BLOCK = CHANNELS + 3, wide = EXAMPLES * (POSITIONS + 1) - 1, high = names.length * BLOCK;
      const map = gradlab.plot(place, {
        alt: "The numbers.", height: 330, margin: { left: 16, top: 2, bottom: 20, right: 4 },
        x: { label: "positions of the examples 0, 1 and 2", domain: [0, wide], ticks: 0 }, y: { label: "channels", domain: [high, 0], ticks: 0 },
      });
      d3.select(map.svg).selectAll(".domain").remove();
      // The rest stands beside it.
      map.svg.style.gridRow = "span 3";
      const left = i => i * (POSITIONS + 1), top = block => block * BLOCK + 3;
      const box = (x, y, w, h) => ({ x: [x, x + w, x + w, x, x, NaN], y: [y, y, y + h, y + h, y, NaN] });
      const joined = boxes => ({ x: boxes.flatMap(each => each.x), y: boxes.flatMap(each => each.y) });
      const blocks = d3.cross(d3.range(names.length), d3.range(EXAMPLES));
      map.line("frames", { ...joined(blocks.map(([b, i]) => box(left(i), top(b), POSITIONS, CHANNELS))), color: gradlab.colors.faint, width: 0.5 });
      names.forEach((name, b) => map.text(name, { x: 0, y: top(b) - 0.6, text: name }));

      const sizes = gradlab.plot(place, {
        title: "size of the change", alt: "Root mean square of the change.", height: 200, margin: { left: 78 },
        x: { label: "root mean square of the change", domain: [0, 1] },
        y: { domain: [5.5, -0.5], ticks: 6, format: n => Object.values(KINDS)[n]?.replace("root mean square", "RMS") ?? "" },
      });
      const PARTS = [
        { text: "numbers that are moved", color: orange, mark: "s", shift: -0.2 },
        { text: "others of example 1", color: blue, mark: "o", shift: 0 },
        { text: "other examples", color: green, mark: "^", shift: 0.2 },
      ];
      const legend = gradlab.tag("p", { className: "caption" });
      const cells = [["rgba(207, 106, 18, 0.7)", "up"], ["rgba(53, 120, 185, 0.7)", "down"]]
        .map(([color, text]) => `<svg class="swatch" viewBox="0 0 24 10" aria-hidden="true"><path d="M7 0h10v10h-10z" fill="${color}"/></svg> ${text}`);
      place.append(legend);

      return ({ input, moved, outputs, changes, counts }, { view, target }) => {
        const change = view === "change", shown = change ? [moved, ...Object.values(changes)] : [input, ...Object.values(outputs)];
        const values = new Array(wide * high).fill(NaN);
        shown.forEach((numbers, b) => numbers.forEach((v, n) => {
          const [i, c, p] = PLACES[n];
          values[(top(b) + c) * wide + left(i) + p] = v;
        }));
        const tint = gradlab.diverging(1), size = v => (change ? (Math.abs(v) > VISIBLE ? 0.25 + 0.75 * Math.min(1, Math.abs(v)) : 0) : Math.min(1, Math.abs(v) / 2.5));
        map.image("cells", { values, columns: wide, rows: high, color: v => (Number.isNaN(v) ? [0, 0, 0, 0] : tint(Math.sign(v) * size(v))) });
        const { is } = TARGETS[target], moving = PLACES.filter(each => is(...each));
        const [[c0, c1], [p0, p1]] = [1, 2].map(part => d3.extent(moving, each => each[part]));
        const examples = [...new Set(moving.map(each => each[0]))];
        map.line("moved", {
          ...joined(d3.cross(d3.range(names.length), examples).map(([b, i]) => box(left(i) + p0, top(b) + c0, p1 - p0 + 1, c1 - c0 + 1))),
          color: ink, width: 1,
        });
        map.describe(`Three examples with six channels at eight positions, before and after each normalization. Numbers that change: ` +
          Object.entries(KINDS).map(([kind, name]) => `${name} ${counts[kind].changed}`).join("; ") + ".");
        const all = Object.values(counts).flatMap(each => each.sizes), most = Math.max(0.1, d3.max(all));
        sizes.axes({ x: { domain: [-0.03 * most, 1.05 * most] } });
        PARTS.forEach(({ color, mark, shift }, part) => {
          const at = Object.values(counts).map((each, n) => [each.sizes[part], n + shift]).filter(([v]) => v !== null);
          sizes.points(`part ${part}`, { x: at.map(each => each[0]), y: at.map(each => each[1]), color, mark });
        });
        sizes.describe(`Root mean square of the change, in the ${PARTS.map(each => each.text).join(", in the ")}: ` +
          Object.entries(KINDS).map(([kind, name]) => `${name} ${counts[kind].sizes.filter(v => v !== null).map(v => short(v, 2)).join(", ")}`).join("; ") + ".");
        legend.innerHTML = (change ? `Cells: the number goes ${cells.join(", ")}; without color it stays. ` : `Cells: above 0 (orange) and below 0 (blue). `) +
          `Outlined is what is moved. Marks: ${PARTS.map(each => `${gradlab.swatch({ ...each, color: each.color })} ${each.text}`).join(", ")}.`;
      };
    },
  });
}
