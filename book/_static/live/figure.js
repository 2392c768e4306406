// The form of a live figure: native controls, a live region, a reset, a link that holds the settings.
(() => {
  "use strict";
  const figures = {};

  function tag(name, properties = {}, ...children) {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  }

  // The values at the positions of a logarithmic slider: each differs from the one before, so that a key moves it.
  function positions(c) {
    if (!c.positions) {
      const all = Array.from({ length: 401 }, (_, k) => rounded(c, c.min * (c.max / c.min) ** (k / 400)));
      c.positions = [...new Set(all)];
    }
    return c.positions;
  }
  const rounded = (c, value) => {
    if (c.log) {
      const near = Number(value.toPrecision(c.digits ?? 2));
      return Math.min(c.max, Math.max(c.min, c.whole ? Math.round(near) : near));
    }
    const step = c.step ?? 1;
    return Number((Math.round((value - c.min) / step) * step + c.min).toPrecision(12));
  };
  const toSlider = (c, value) => {
    const away = each => Math.abs(Math.log(each / value));
    return c.log ? positions(c).reduce((best, each, k, all) => (away(each) < away(all[best]) ? k : best), 0) : value;
  };
  const fromSlider = (c, at) => (c.log ? positions(c)[at] : rounded(c, at));

  // Each kind of control: what makes its elements, reads a value from a text, and refuses what cannot be.
  const KINDS = {
    number: {
      make(id, c, change) {
        const slider = tag("input", { type: "range", id, className: "slider" });
        Object.assign(slider, c.log ? { min: 0, max: positions(c).length - 1, step: 1 } : { min: c.min, max: c.max, step: c.step ?? 1 });
        const box = tag("input", { type: "number", min: c.min, max: c.max, step: "any" });
        box.setAttribute("aria-label", `${c.label}, as a number`);
        slider.oninput = () => change(fromSlider(c, Number(slider.value)));
        box.onchange = () => change(Number(box.value === "" ? NaN : box.value), "typed");
        const label = tag("label", { htmlFor: id, textContent: c.unit ? `${c.label}, ${c.unit}` : c.label });
        const row = tag("div", { className: "control" }, label, slider, box);
        return [row, value => {
          slider.value = toSlider(c, value);
          slider.setAttribute("aria-valuetext", `${Number(value.toPrecision(4))}${c.unit ? ` ${c.unit}` : ""}`);
          box.value = Number(value.toPrecision(4));
        }];
      },
      read: (c, given) => {
        const value = Number(given);
        if (!Number.isFinite(value)) throw new RangeError(`${c.label} must be a number, got ${given}`);
        const bounded = Math.min(c.max, Math.max(c.min, value));
        // A number that is typed may lie between the positions of the slider, but not between integers.
        if (c.log) return c.whole ? Math.round(bounded) : bounded;
        return Number.isInteger(c.step ?? 1) ? rounded(c, bounded) : bounded;
      },
    },
    flag: {
      make(id, c, change) {
        const box = tag("input", { type: "checkbox", id });
        box.onchange = () => change(box.checked);
        return [tag("div", { className: "control" }, tag("label", { className: "choice" }, box, c.label)), value => { box.checked = value; }];
      },
      read: (c, given) => given === true || given === "true" || given === 1 || given === "1",
    },
    select: {
      make(id, c, change) {
        const list = tag("select", { id });
        for (const [value, text] of Object.entries(c.choices)) list.append(tag("option", { value, textContent: text }));
        list.onchange = () => change(list.value);
        return [tag("div", { className: "control" }, tag("label", { htmlFor: id, textContent: c.label }), list), value => { list.value = value; }];
      },
      read(c, given) {
        if (!Object.hasOwn(c.choices, given)) throw new RangeError(`${c.label} must be one of ${Object.keys(c.choices)}, got ${given}`);
        return String(given);
      },
    },
    several: {
      make(id, c, change) {
        const set = tag("fieldset", { className: "control" }, tag("legend", { textContent: c.label }));
        const boxes = Object.entries(c.choices).map(([value, { label, ...style }]) => {
          const box = tag("input", { type: "checkbox", value, id: `${id}-${value}` });
          box.onchange = () => change(boxes.filter(each => each.checked).map(each => each.value));
          const line = tag("label", { className: "choice" }, box);
          line.insertAdjacentHTML("beforeend", style.color ? gradlab.swatch(style) : "");
          line.append(label);
          set.append(line);
          return box;
        });
        return [set, value => { for (const box of boxes) box.checked = value.includes(box.value); }];
      },
      read(c, given) {
        const chosen = Array.isArray(given) ? given : String(given).split(" ").filter(Boolean);
        for (const each of chosen) {
          if (!Object.hasOwn(c.choices, each)) throw new RangeError(`${c.label} must be of ${Object.keys(c.choices)}, got ${each}`);
        }
        return Object.keys(c.choices).filter(each => chosen.includes(each));
      },
    },
    // A choice that is run as soon as it is pressed.
    buttons: {
      make(id, c, change, press) {
        const set = tag("fieldset", { className: "control" }, tag("legend", { textContent: c.label }));
        const all = Object.entries(c.choices).map(([value, { label, ...style }]) => {
          const button = tag("button", { type: "button", value, textContent: label });
          if (style.color) button.insertAdjacentHTML("afterbegin", gradlab.swatch(style));
          button.onclick = () => { change(value); press(); };
          set.append(button);
          return button;
        });
        return [set, value => { for (const each of all) each.setAttribute("aria-pressed", each.value === value); }];
      },
      read: (c, given) => KINDS.select.read(c, given),
    },
    button: {
      make(id, c, change, press) {
        const button = tag("button", { type: "button", id, textContent: c.label });
        button.onclick = press;
        return [tag("div", { className: "control" }, button), () => {}];
      },
    },
  };
  function kindOf(c) {
    if (c.press) return "button";
    if (c.choices) return c.several ? "several" : c.buttons ? "buttons" : "select";
    return typeof c.value === "boolean" ? "flag" : "number";
  }

  // A figure is what it computes from its settings, and how that is drawn. CONTRIBUTING.md lists the parts.
  function figure(slug, spec) {
    figures[slug] = spec;
  }

  // Only the kernels that a figure names, so that what it says of itself is true.
  function named(kernels, slug, names) {
    const { array, scope } = kernels, chosen = { array, scope };
    for (const name of names) {
      if (!kernels[name]) throw new Error(`${slug} names ${name}, which is no kernel`);
      chosen[name] = kernels[name];
    }
    return chosen;
  }

  function begin(host, spec, allKernels) {
    const slug = host.dataset.live, kernels = named(allKernels, slug, spec.kernels);
    const controls = Object.entries(spec.controls), first = {};
    for (const [name, c] of controls) if (!c.press) first[name] = c.value;
    const state = structuredClone(first), setters = {};
    const panel = tag("div", { className: "controls" }), plots = tag("div", { className: "plots" });
    const said = tag("p", { className: "said" }), link = tag("a", { textContent: "Link to these settings" });
    const announced = tag("p", { className: "announced" });
    announced.setAttribute("aria-live", "polite");
    const reset = tag("button", { type: "button", textContent: "Reset" });
    const view = host.querySelector(".live-view");
    view.replaceChildren(panel, plots, announced, tag("div", { className: "foot" }, reset, link));
    view.setAttribute("role", "group");
    view.setAttribute("aria-label", spec.title);
    host.id ||= `live-${slug}`;

    for (const [name, c] of controls) {
      const kind = KINDS[kindOf(c)];
      const [row, setter] = kind.make(`live-${slug}-${name}`, c,
        value => { try { set({ [name]: value }); } catch { setters[name](state[name]); } },
        () => (c.press ? set(c.press({ ...state }, kernels)) : run()));
      panel.append(row);
      setters[name] = setter;
    }
    const paint = spec.draw(plots, kernels), show = (...given) => kernels.scope(() => paint(...given));
    plots.append(said);
    const bar = tag("progress", { max: 1, value: 0 });
    let numbers, job = null, later;

    function settings() {
      const changed = Object.entries(state).filter(([name, value]) => String(value) !== String(first[name]));
      return changed.map(([name, value]) => `${name}=${encodeURIComponent([].concat(value).join(" "))}`).join("&");
    }
    function tell() {
      const text = spec.say(numbers, state);
      const first = said.textContent === "";
      said.textContent = text;
      // Once a reader has come to rest, not at each step of a slider, nor when the page is opened.
      clearTimeout(later);
      if (first) return;
      later = setTimeout(() => { announced.textContent = text; }, 700);
    }
    function refresh() {
      for (const [name, setter] of Object.entries(setters)) setter(state[name]);
      link.href = `#live-${slug}?${settings()}`;
      if (spec.compute) numbers = kernels.scope(() => spec.compute(kernels, state));
      show(numbers, state);
      tell();
    }
    function set(changes) {
      const read = Object.entries(changes).map(([name, value]) => {
        const c = Object.hasOwn(spec.controls, name) && spec.controls[name];
        if (!c || c.press) throw new RangeError(`${slug} has no setting ${name}`);
        return [name, KINDS[kindOf(c)].read(c, value)];
      });
      job?.stop();
      Object.assign(state, Object.fromEntries(read));
      if (spec.work) [numbers, bar.value] = [undefined, 0];
      refresh();
      return numbers;
    }
    reset.onclick = () => set(structuredClone(first));

    // Work longer than a frame: only when it is asked for, with its progress. It can be paused, walked and stopped.
    let run, paused = false;
    if (spec.work) {
      const button = (text, press) => Object.assign(tag("button", { type: "button", textContent: text }), { onclick: press });
      // One button for all three, so that a press does not take the keyboard's place away.
      const start = button("", () => (job && !paused ? hold() : goOn()));
      const step = button("Step", () => {
        if (job) hold();
        else begun(true);
        job.step();
      });
      const stop = button("Stop", () => { job?.stop(); start.focus(); });
      bar.setAttribute("aria-label", "part of the run that is done");
      panel.append(tag("div", { className: "control run" }, start, ...(spec.step ? [step] : []), stop, bar));
      const buttons = () => {
        start.textContent = !job ? spec.run ?? "Run" : paused ? "Go on" : "Pause";
        stop.disabled = !job;
      };
      const hold = () => { paused = true; job.pause(); buttons(); tell(); };
      const goOn = () => {
        if (!job) return run();
        paused = false;
        buttons();
        return job.resume();
      };
      const begun = async atRest => {
        job?.stop();
        paused = atRest;
        const mine = gradlab.background(spec.work, { state: { ...state }, ...spec.input?.(state) }, value => {
          if (job !== mine) return;
          bar.value = value.part ?? 0;
          numbers = value;
          show(numbers, state);
          if (paused) tell();
        }, atRest);
        job = mine;
        buttons();
        try {
          const last = await mine.done;
          if (job === mine && last !== undefined) {
            numbers = last;
            bar.value = 1;
            show(numbers, state);
          }
          if (job === mine) tell();
        } catch (error) {
          if (job === mine) said.textContent = announced.textContent = error.message.replace(/^Error: /, "");
        } finally {
          if (job === mine) {
            job = null;
            buttons();
          }
        }
        return numbers;
      };
      run = () => begun(false);
      buttons();
    }

    function fromAddress() {
      const [id, query] = location.hash.slice(1).split("?");
      if (id !== host.id || query === undefined) return;
      const given = [...new URLSearchParams(query)].filter(([name]) => Object.hasOwn(spec.controls, name) && !spec.controls[name].press);
      const good = given.filter(([name, value]) => {
        try { KINDS[kindOf(spec.controls[name])].read(spec.controls[name], value); return true; } catch { return false; }
      });
      set({ ...structuredClone(first), ...Object.fromEntries(good) });
      host.scrollIntoView();
    }
    addEventListener("hashchange", fromAddress);
    host.classList.add("is-live");
    gradlabLive[slug] = { state: () => structuredClone(state), set, run, numbers: () => numbers, element: host };
    refresh();
    fromAddress();
  }

  async function start() {
    const kernels = await gradlab.kernels;
    for (const host of document.querySelectorAll("[data-live]")) {
      const spec = figures[host.dataset.live];
      if (!spec) continue;
      const view = tag("div", { className: "live-view" });
      // Below the twin, above the caption.
      host.insertBefore(view, host.querySelector("figcaption"));
      if (matchMedia("(prefers-reduced-motion: reduce)").matches && !location.hash.startsWith(`#live-${host.dataset.live}?`)) {
        const open = tag("button", { type: "button", textContent: "Change the settings of this figure" });
        open.onclick = () => { begin(host, spec, kernels); host.querySelector("input, select, button").focus(); };
        view.append(open);
      } else {
        begin(host, spec, kernels);
      }
    }
    document.documentElement.dataset.liveReady = "";
  }

  Object.assign(window.gradlab, { figure, tag });
  addEventListener("DOMContentLoaded", start);
})();
