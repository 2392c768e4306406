// Optimizers on three surfaces: the reader chooses the surface, the start, the methods and a rate for each.
{
  const { curves, kernels, follow } = gradlab.methods, { gray } = gradlab.colors, { short } = gradlab;
  // What is drawn, where it starts, and the rates of the chapter's table; at the saddle those of its picture.
  const SURFACES = {
    beale: {
      label: "Beale's function", kernel: "beale", minimum: [3, 0.5], start: [1, 1.5], x: [-0.6, 4.2], y: [-2.4, 2.2],
      levels: [0.2, 1, 3, 8, 20, 60, 200],
      rates: { sgd: 0.0316, heavy: 0.00316, adagrad: 1, rmsprop: 0.0316, adam: 1 },
    },
    valley: {
      label: "long valley", kernel: "long_valley", minimum: [1, 1], start: [-1.2, 1], x: [-1.8, 1.8], y: [-0.6, 2.2],
      levels: [1, 4, 15, 60, 200],
      rates: { sgd: 0.00316, heavy: 0.001, adagrad: 1, rmsprop: 0.01, adam: 0.1 },
    },
    saddle: {
      label: "saddle", kernel: "saddle", start: [1, 0.001], x: [-1.3, 1.3], y: [-1.1, 1.1],
      levels: [-1.2, -0.8, -0.4, -0.1, 0.1, 0.4, 0.8],
      rates: { sgd: 0.05, heavy: 0.02, adagrad: 0.05, rmsprop: 0.02, adam: 0.05 },
    },
  };
  const names = Object.fromEntries(Object.entries(SURFACES).map(([name, { label }]) => [name, label]));
  const value = ({ kernel }) => `landscapes._${kernel}_kernel`, gradient = ({ kernel }) => `landscapes._${kernel}_gradient_kernel`;
  const begin = name => {
    const { start: [x, y], rates } = SURFACES[name];
    return { surface: name, x, y, momentum: 0.9, ...rates };
  };
  const rate = (label, low, high, first) => ({ label: `rate of ${label}`, min: low, max: high, log: true, digits: 3, value: first });
  const { rates: FIRST, start: [X, Y] } = SURFACES.beale;

  // From the minimum; at the saddle, from the ridge.
  const away = ({ minimum }, [x, y]) => (minimum ? Math.hypot(x - minimum[0], y - minimum[1]) : Math.abs(y));

  // The step from which on a method has arrived: within 0.1 of the minimum, or beyond 1 from the ridge.
  function arrival({ minimum }, distances) {
    const there = minimum ? d => d < 0.1 : d => !(d < 1);
    let first = distances.length;
    while (first > 0 && there(distances[first - 1])) first--;
    return first < distances.length ? first : null;
  }

  gradlab.figure("optimizers-surfaces", {
    title: "Optimizers on three surfaces, at rates that you set",
    kernels: [...kernels, ...Object.values(SURFACES).flatMap(each => [value(each), gradient(each)])],
    controls: {
      steps: { label: "steps", min: 1, max: 1000, log: true, digits: 3, whole: true, value: 20 },
      more: { label: "Ten steps more", press: ({ steps }) => ({ steps: Math.min(1000, steps + 10) }) },
      surface: { label: "surface", choices: names, value: "beale" },
      tuned: { label: "Start and rates of the chapter for this surface", press: ({ surface }) => begin(surface) },
      x: { label: "start, w₁", min: -2, max: 4, step: 0.001, value: X },
      y: { label: "start, w₂", min: -2, max: 2, step: 0.001, value: Y },
      sgd: rate("gradient descent", 1e-4, 1, FIRST.sgd),
      heavy: rate("momentum and Nesterov", 1e-4, 1, FIRST.heavy),
      momentum: { label: "momentum β", min: 0, max: 0.99, step: 0.01, value: 0.9 },
      adagrad: rate("AdaGrad", 1e-3, 10, FIRST.adagrad),
      rmsprop: rate("RMSProp", 1e-4, 1, FIRST.rmsprop),
      adam: rate("Adam", 1e-3, 10, FIRST.adam),
      methods: { label: "methods", several: true, choices: curves, value: Object.keys(curves) },
    },

    compute(k, state) {
      const surface = SURFACES[state.surface], slope = k[gradient(surface)], paths = {}, distances = {}, arrivals = {};
      for (const name of state.methods) {
        const settings = { rate: state[name === "momentum" || name === "nesterov" ? "heavy" : name], momentum: state.momentum };
        paths[name] = k.scope(() => follow(k, name, settings, [state.x, state.y], state.steps, slope));
        distances[name] = paths[name].map(point => away(surface, point));
        arrivals[name] = arrival(surface, distances[name]);
      }
      return { paths, distances, arrivals };
    },

    say({ distances, arrivals }, { surface, methods, steps }) {
      const far = d => (d < 1e6 ? short(d, 2) : "out of sight");
      const ends = methods.map(name => `${curves[name].label} ${far(distances[name][steps])}${arrivals[name] === null ? "" : ` (there since step ${arrivals[name]})`}`);
      const from = SURFACES[surface].minimum ? "minimum" : "ridge";
      return `After ${steps} ${steps === 1 ? "step" : "steps"} the distance from the ${from} is: ${ends.join(", ") || "no method is chosen"}.`;
    },

    draw(place, k) {
      const map = gradlab.plot(place, {
        title: "paths", alt: "Paths of the methods over the contours of the surface.", height: 210,
        x: { label: "w₁", domain: SURFACES.beale.x }, y: { label: "w₂", domain: SURFACES.beale.y },
      });
      const fall = gradlab.plot(place, {
        title: "distance", alt: "Distance from the minimum against the step.", height: 210,
        x: { label: "step", domain: [0, 20] }, y: { domain: [1e-3, 10], log: true },
      });

      return ({ paths, distances }, state) => {
        const surface = SURFACES[state.surface], { methods, steps } = state;
        map.axes({ x: { domain: surface.x }, y: { domain: surface.y } });
        const columns = 90, rows = 80, points = map.grid(columns, rows);
        map.contours("surface", { values: values(points, surface), columns, rows, levels: surface.levels });
        if (surface.minimum) map.points("minimum", { x: [surface.minimum[0]], y: [surface.minimum[1]], mark: "+", color: gray });
        map.text("start", { x: state.x, y: state.y, text: "start ", anchor: "end" });
        const least = d3.min(methods.flatMap(name => distances[name]).filter(d => d > 0)) ?? 1;
        fall.axes({ x: { domain: [0, steps] }, y: { domain: [10 ** Math.min(-1, Math.max(-4, Math.floor(Math.log10(least)))), 10] } });
        for (const name of methods) {
          const { color, dash, mark } = curves[name], x = paths[name].map(p => p[0]), y = paths[name].map(p => p[1]);
          map.line(name, { x, y, color, dash, width: 1.1 }).points(`${name} end`, { x: x.slice(-1), y: y.slice(-1), color, mark });
          fall.line(name, { x: d3.range(steps + 1), y: distances[name].map(d => Math.max(d, 1e-5)), color, dash });
        }
        map.only(["surface", "start", ...(surface.minimum ? ["minimum"] : []), ...methods.flatMap(name => [name, `${name} end`])]);
        fall.only(methods);
        const ends = methods.map(name => `${curves[name].label} ends at ${short(distances[name][steps], 2)}`).join("; ");
        map.describe(`Paths of ${steps} steps on the surface: ${names[state.surface]}.`);
        fall.describe(`Distance from the ${surface.minimum ? "minimum" : "ridge"} against the step: ${ends}.`);
      };

      function values(points, surface) {
        const at = k.array([points.length / 2, 2], points), out = k.array(points.length / 2);
        k[value(surface)](at, out);
        return out.numbers();
      }
    },
  });
}
