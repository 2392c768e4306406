// The package's kernels in the page. kernels.js holds them, compiled from the functions that the page shows.
// Plain scripts throughout: from file:// a browser loads no modules and fetches nothing.
(() => {
  "use strict";

  // Runs in the page and, as text, in a worker: it may name nothing outside itself.
  async function connect(bytes, manifest) {
    const KINDS = {
      float64: [8, Float64Array], int64: [8, BigInt64Array], float32: [4, Float32Array],
      int32: [4, Int32Array], uint8: [1, Uint8Array], bool: [1, Uint8Array],
    };
    let memory;
    const ldexp = (x, n) => {
      // In parts: 2^n may be out of range where the result is not.
      for (; n > 1000; n -= 1000) x *= 2 ** 1000;
      for (; n < -1000; n += 1000) x *= 2 ** -1000;
      return x * 2 ** n;
    };
    const frexp = (x, at) => {
      let exponent = 0;
      if (x !== 0 && Number.isFinite(x)) {
        exponent = Math.max(-1023, Math.floor(Math.log2(Math.abs(x))) + 1);
        x = ldexp(x, -exponent);
        for (; Math.abs(x) < 0.5; exponent--) x *= 2;
        for (; Math.abs(x) >= 1; exponent++) x /= 2;
      }
      new DataView(memory.buffer).setInt32(at, exponent, true);
      return x;
    };
    const { cos, exp, log, log10, pow, sin, tanh } = Math;
    const env = { cos, exp, log, log10, pow, sin, tanh, numba_frexp: frexp, numba_ldexp: ldexp };
    const { instance } = await WebAssembly.instantiate(bytes, { env });
    const { exports } = instance;
    memory = exports.memory;
    let top = exports.__heap_base.value;

    function allocate(size) {
      const at = (top + 15) & ~15;
      const missing = at + size - memory.buffer.byteLength;
      if (missing > 0) memory.grow(Math.ceil(missing / 65536));
      top = at + size;
      return at;
    }
    const result = allocate(64), failure = allocate(8);

    // An array in the module's memory, in row-major order. A kernel changes it in place, as in Python.
    class KernelArray {
      constructor(kind, shape, at) {
        const [bytesEach, View] = KINDS[kind];
        const size = shape.reduce((a, b) => a * b, 1);
        Object.assign(this, { kind, shape, size, at, View });
        this.type = `${kind}[${shape.length}]`;
        const strides = shape.map((_, k) => bytesEach * shape.slice(k + 1).reduce((a, b) => a * b, 1));
        // numba's array: owner, parent, number of items, size of one, address, shape, strides.
        this.packed = [0, 0, BigInt(size), BigInt(bytesEach), at, ...[...shape, ...strides].map(BigInt)];
      }
      // A view dies when the memory grows.
      get data() {
        if (this.seen?.buffer !== memory.buffer) this.seen = new this.View(memory.buffer, this.at, this.size);
        return this.seen;
      }
      set(values) {
        if (typeof values === "number") this.data.fill(this.kind === "int64" ? BigInt(values) : values);
        else this.data.set(this.kind === "int64" ? BigInt64Array.from(values, BigInt) : values.data ?? values);
        return this;
      }
      // Numbers that stay when the memory is given back.
      numbers() { return Array.from(this.data, Number); }
      view(shape, first = 0) { return new KernelArray(this.kind, shape, this.at + first * KINDS[this.kind][0]); }
      flat() { return this.view([this.size]); }
      rows(low, high) {
        const row = this.size / this.shape[0];
        return this.view([high - low, ...this.shape.slice(1)], low * row);
      }
      row(k) { return this.view(this.shape.slice(1), k * (this.size / this.shape[0])); }
    }

    function flattened(name, [argument, type], value) {
      if (Array.isArray(type)) return type.flatMap((each, k) => flattened(name, [argument, each], value[k]));
      if (type.endsWith("]")) {
        if (value?.type !== type) throw new TypeError(`${name}: ${argument} must be ${type}, got ${value?.type ?? value}`);
        return value.packed;
      }
      if (!["number", "boolean", "bigint"].includes(typeof value)) {
        throw new TypeError(`${name}: ${argument} must be ${type}, got ${value}`);
      }
      return [type.endsWith("64") && type !== "float64" ? BigInt(value) : Number(value)];
    }

    const READ = { float64: "getFloat64", float32: "getFloat32", int64: "getBigInt64", int32: "getInt32", bool: "getUint8" };
    function returned(type) {
      if (type === null) return undefined;
      const view = new DataView(memory.buffer, result, 64);
      let at = 0;
      const read = kind => {
        const size = KINDS[kind][0];
        at = Math.ceil(at / size) * size;
        const value = view[READ[kind]](at, true);
        at += size;
        return kind === "bool" ? Boolean(value) : Number(value);
      };
      return Array.isArray(type) ? type.map(read) : read(type);
    }

    // kernels["optimizers._sgd_kernel"](w, g, 1, 0, rate), with what the manifest lists.
    const kernels = {
      array(shape, values = 0, kind = "float64") {
        const sizes = [].concat(shape), each = KINDS[kind][0];
        return new KernelArray(kind, sizes, allocate(each * sizes.reduce((a, b) => a * b, 1))).set(values);
      },
      // Gives back at its end what was allocated in it.
      scope(work) {
        const before = top;
        try { return work(); } finally { top = before; }
      },
    };
    for (const [name, { arguments: wanted, returns }] of Object.entries(manifest)) {
      kernels[name] = (...given) => {
        if (given.length !== wanted.length) {
          throw new TypeError(`${name} takes ${wanted.map(each => each[0]).join(", ")}, got ${given.length} arguments`);
        }
        const flat = given.flatMap((value, k) => flattened(name, wanted[k], value));
        const status = exports[name](result, failure, ...flat);
        if (status !== 0) throw new Error(`${name} failed with status ${status}`);
        return returned(returns);
      };
    }
    return kernels;
  }

  const { wasm, manifest } = window.gradlabKernels;
  const bytes = Uint8Array.from(atob(wasm), each => each.charCodeAt(0));

  // A generator walked with breaks, in which it can be told to pause, to take one step, to go on or to stop.
  // As text in a worker, too.
  function walk(steps, tell, pause, paused) {
    let allowed = 0, stopped = false, go = null;
    const wait = () => new Promise(resolve => { go = resolve; });
    const done = (async () => {
      for (;;) {
        while (paused && !allowed && !stopped) await wait();
        if (stopped) return undefined;
        allowed = Math.max(0, allowed - 1);
        const { value, done } = steps.next();
        if (done) return value;
        tell(value);
        await pause();
      }
    })();
    const act = what => {
      if (what === "step") allowed += 1;
      else paused = what === "pause";
      stopped ||= what === "stop";
      go?.();
    };
    return { done, act };
  }

  function inWorker(connect, walk, work) {
    let run;
    const early = [];
    self.onmessage = async ({ data }) => {
      if (data.act && run) run.act(data.act);
      else if (data.act) early.push(data.act);
      if (data.act) return;
      try {
        const channel = new MessageChannel();
        let next;
        channel.port2.onmessage = () => next();
        const pause = () => new Promise(resolve => { next = resolve; channel.port1.postMessage(0); });
        const kernels = await connect(data.bytes, data.manifest);
        run = walk(work(kernels, data.input), value => self.postMessage({ value }), pause, data.paused);
        early.forEach(run.act);
        self.postMessage({ done: await run.done });
      } catch (error) {
        self.postMessage({ error: String(error) });
      }
    };
  }

  // Walks the generator work(kernels, input) outside the page's thread and hands each value that it yields to tell().
  // `work` travels as text, so it may name nothing but its arguments. Returns { done, pause(), step(), resume(), stop() };
  // `done` becomes what the generator returns, undefined if it is stopped. It can begin as if it were paused.
  function background(work, input, tell = () => {}, paused = false) {
    const parts = [connect, walk, work].map(String).join(", ");
    const url = URL.createObjectURL(new Blob([`"use strict"; (${inWorker})(${parts});`], { type: "text/javascript" }));
    let worker;
    try {
      worker = new Worker(url);
    } catch {
      return inSlices(work, input, tell, paused);
    }
    let finish;
    const done = new Promise((resolve, reject) => {
      finish = resolve;
      worker.onmessage = ({ data }) => {
        if ("value" in data) tell(data.value);
        else if ("error" in data) reject(new Error(data.error));
        else resolve(data.done);
      };
      worker.onerror = event => reject(new Error(event.message));
    }).finally(() => { worker.terminate(); URL.revokeObjectURL(url); });
    worker.postMessage({ bytes, manifest, input, paused });
    const act = what => worker.postMessage({ act: what });
    return {
      done, pause: () => act("pause"), step: () => act("step"), resume: () => act("resume"), stop: () => finish(undefined),
    };
  }

  // The same where a page may have no worker: a slice of each frame.
  function inSlices(work, input, tell, paused = false) {
    let begun = performance.now();
    const pause = async () => {
      if (performance.now() - begun < 12) return;
      await new Promise(requestAnimationFrame);
      begun = performance.now();
    };
    const run = connect(bytes, manifest).then(kernels => walk(work(kernels, input), tell, pause, paused));
    const act = what => run.then(each => each.act(what));
    return {
      done: run.then(each => each.done),
      pause: () => act("pause"), step: () => act("step"), resume: () => act("resume"), stop: () => act("stop"),
    };
  }

  window.gradlab = { manifest, background, inSlices, kernels: connect(bytes, manifest) };
  window.gradlabLive = {};
})();
