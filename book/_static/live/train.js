// Training in the page: a feed-forward network trained by the package's own kernels, in float64.
//
// `gradlab.train` is a generator for gradlab.background(): it travels to a worker as text, and names nothing outside
// itself. Its input is { data, runs }, and it yields after each step and each epoch of each run.
//
//   const runs = [gradlab.train.settings({ widths: [32], seed: 1 })];
//   const run = gradlab.background(gradlab.train, { data: gradlab.digits.split("chapter"), runs }, tell);
//   run.pause(); run.resume(); run.stop(); const [record] = await run.done;
//
// data      { x, labels, heldX, heldLabels, classes }: rows of features one after the other, pixels from 0 to 1.
//           gradlab.digits.split(name) of digits.js has "chapter" (1,147 to train on, 290 held out) and "test" (1,437 and 360).
//           Or a list of such, of which each run names one: its setting `data` is the index.
// runs      settings of networks that are trained one after the other: FIRST, below, with what you change. With `from`, the
//           index of an earlier run, a network begins with the lower `reused` dense layers of what that run left behind, and
//           with `frozen` it leaves as many of them as they are. Such an index counts the records in `begun` first, which may
//           be handed over from another training.
// tell      gets { run, runs, part, step, epoch, loss, rate, norm, norms } after a step: the loss of that mini-batch, the
//           norm of all gradients before clipping, and that of each layer's weights. Before training (epoch 0), and
//           after each epoch in the place of its last step, it gets { run, runs, part, step, epoch, record, weights,
//           wrong, layers, norms } instead: the record so far; the first layer's weights, features x units; [index,
//           answer] of the held-out examples that it gets wrong; of each activation the share of dead and of
//           saturated units and the deviation of its outputs; and the mean norms of the epoch. At the end of a run
//           comes { ..., ended: true }, with the weights of the best epoch if there is early stopping.
// record    { settings, trainLoss, trainAccuracy, heldLoss, heldAccuracy, stepLoss, rates, norms, stopped, best, final, parameters }.
//           Entry 0 of the first four is before training, entry e after epoch e; `final` has { loss, accuracy } on the
//           held-out examples of what the run leaves behind, whose weights and biases are the `parameters`, layer by layer.
// gradlab.train.script(settings) is the Python program that repeats the run with the package and prints the losses.
(() => {
  "use strict";

  function* train(kernels, { data: given, runs, begun = [] }) {
    const call = name => (...given) => kernels[name](...given);
    const product = call("backpropagation._net_input_kernel");
    const productBack = call("backpropagation._input_gradient_kernel");
    const weightGradient = call("backpropagation._weight_gradient_kernel");
    const biasGradient = call("backpropagation._bias_gradient_kernel");
    const squares = call("gradient_clipping._square_sum_kernel");

    // Arrays of an earlier run are used again: a module's memory is never given back.
    const kept = new Map();
    let taken = [];
    function take(shape, value = 0, kind = "float64") {
      const key = `${kind} ${shape}`, free = kept.get(key) ?? [];
      const array = free.length ? free.pop().set(value) : kernels.array(shape, value, kind);
      kept.set(key, free);
      taken.push([free, array]);
      return array;
    }
    function giveBack() {
      for (const [free, array] of taken) free.push(array);
      taken = [];
    }
    // A view of the first numbers of an array, which is made once a shape.
    function part(array, ...shape) {
      array.parts ??= new Map();
      const key = shape.join();
      if (!array.parts.has(key)) array.parts.set(key, array.view(shape));
      return array.parts.get(key);
    }
    const flat = array => part(array, array.size);

    class Dense {
      constructor(fanIn, fanOut, rows, draw) {
        Object.assign(this, { fanIn, fanOut, kind: "dense" });
        this.weight = take([fanIn, fanOut]);
        draw(this.weight, fanIn, fanOut);
        this.bias = take([fanOut]);
        this.slopes = [take([fanIn, fanOut]), take([fanOut])];
        this.out = take([rows, fanOut]);
        this.dx = take([rows, fanIn]);
        this.parameters = [flat(this.weight), this.bias];
        this.gradients = [flat(this.slopes[0]), this.slopes[1]];
        this.decays = [true, false];
        this.arrays = this.parameters;
      }
      forward(x) {
        this.x = x;
        const out = part(this.out, x.shape[0], this.fanOut);
        product(x, this.weight, this.bias, out);
        return out;
      }
      backward(dout, wanted) {
        weightGradient(this.x, dout, this.slopes[0]);
        biasGradient(dout, this.slopes[1]);
        if (!wanted) return null;
        const dx = part(this.dx, dout.shape[0], this.fanIn);
        productBack(dout, this.weight, dx);
        return dx;
      }
    }

    // Scale and shift, which all normalizations have.
    class Normalization {
      constructor(features, rows) {
        Object.assign(this, { features, eps: 1e-5 });
        this.gamma = take([features], 1);
        this.beta = take([features]);
        this.out = take([rows, features]);
        this.dx = take([rows, features]);
        this.parameters = [this.gamma, this.beta];
        this.decays = [false, false];
        this.arrays = this.parameters;
      }
    }

    class BatchNorm extends Normalization {
      constructor(features, rows) {
        super(features, rows);
        [this.mean, this.variance] = [take([features]), take([features], 1)];
        this.moments = take([1, 2, features]);
        this.columns = take([6, features]);
        this.sums = take([1, 2, features]);
        this.paths = take([5, features]);
        this.moved = take([2, features]);
        this.gradients = [this.paths.row(0), this.paths.row(1)];
        this.arrays = [...this.parameters, this.mean, this.variance];
        this.smallest = 2;
      }
      forward(x, training) {
        const batch = x.shape[0], out = part(this.out, batch, this.features);
        const { gamma, beta, eps, mean, variance, columns } = this;
        this.x = x;
        if (!training) {
          kernels["batch_normalization._batch_norm_inference_kernel"](0, batch, x, gamma, beta, mean, variance, eps, columns, out);
          return out;
        }
        kernels["batch_normalization._batch_norm_forward_kernel"](x, gamma, beta, eps, this.moments, columns, out);
        kernels["batch_normalization._running_statistics_kernel"](
          mean, variance, columns.row(0), columns.row(1), 0.1, batch / (batch - 1), this.moved);
        mean.set(this.moved.row(0));
        variance.set(this.moved.row(1));
        return out;
      }
      backward(dout) {
        const dx = part(this.dx, ...dout.shape), statistics = part(this.columns, 4, this.features);
        kernels["batch_normalization._batch_norm_backward_kernel"](dout, this.x, this.gamma, statistics, this.sums, this.paths, dx);
        return dx;
      }
    }

    class LayerNorm extends Normalization {
      constructor(features, rows) {
        super(features, rows);
        this.statistics = take([4, rows, 1]);
        this.sums = take([1, 2, 1, features]);
        this.means = take([rows, 1, 2]);
        this.channels = take([2, features]);
        this.gradients = [this.channels.row(0), this.channels.row(1)];
      }
      forward(x) {
        const batch = x.shape[0], shape = [batch, 1, this.features];
        this.x = x;
        kernels["layer_normalization._normalize_rows_kernel"](
          0, batch, part(x, ...shape), part(this.gamma, 1, this.features), part(this.beta, 1, this.features), this.eps,
          part(this.statistics, 4, batch, 1), part(this.out, ...shape));
        return part(this.out, batch, this.features);
      }
      backward(dout) {
        const batch = dout.shape[0], shape = [batch, 1, this.features];
        kernels["layer_normalization._normalize_rows_backward_kernel"](
          0, batch, part(dout, ...shape), part(this.x, ...shape), part(this.gamma, 1, this.features),
          part(this.statistics, 4, batch, 1), batch, part(this.sums, 2, 1, this.features), part(this.means, batch, 1, 2),
          part(this.dx, ...shape));
        kernels["layer_normalization._channel_sums_kernel"](part(this.sums, 1, 2, this.features, 1), this.channels);
        return part(this.dx, batch, this.features);
      }
    }

    const entrywise = (name, ...settings) => ({ name, settings, back: settings });
    const ACTIVATIONS = {
      relu: entrywise("relu"),
      leaky_relu: entrywise("leaky_relu", 0.01),
      elu: entrywise("elu", 1, 1),
      silu: entrywise("silu"),
      gelu: { name: "gelu", settings: [], back: [1 / Math.sqrt(2 * Math.PI)] },
      tanh: entrywise("tanh", 1, 1),
      sigmoid: entrywise("sigmoid"),
    };

    class Activation {
      constructor(kind, features, rows) {
        const { name, settings, back } = ACTIVATIONS[kind];
        Object.assign(this, { kind, features, settings, back, parameters: [], gradients: [], decays: [], arrays: [] });
        this.run = call(`activations._${name}_kernel`);
        this.runBack = call(`activations._${name}_backward_kernel`);
        this.out = take([rows, features]);
        this.dx = take([rows, features]);
        this.alive = take([features], 0, "bool");
      }
      forward(x) {
        this.x = x;
        const out = part(this.out, ...x.shape);
        this.run(flat(x), flat(out), ...this.settings);
        return out;
      }
      backward(dout) {
        const dx = part(this.dx, ...dout.shape);
        this.runBack(flat(dout), flat(this.x), flat(dx), ...this.back);
        return dx;
      }
    }

    class Dropout {
      constructor(rate, features, rows, draws) {
        Object.assign(this, { rate, draws, parameters: [], gradients: [], decays: [], arrays: [] });
        [this.uniform, this.mask, this.out, this.dx] = [0, 1, 2, 3].map(() => take([rows, features]));
      }
      forward(x, training) {
        if (!training) return x;
        const [uniform, mask, out] = [this.uniform, this.mask, this.out].map(each => part(each, ...x.shape));
        this.draws.uniform(flat(uniform));
        kernels["dropout._dropout_kernel"](flat(x), flat(uniform), this.rate, 1 / (1 - this.rate), flat(mask), flat(out));
        return out;
      }
      backward(dout) {
        const dx = part(this.dx, ...dout.shape);
        kernels["dropout._dropout_backward_kernel"](flat(dout), flat(part(this.mask, ...dout.shape)), flat(dx));
        return dx;
      }
    }

    // What gradlab.live.LiveGenerator draws, in the same order.
    function generator(seed) {
      let drawn = 0;
      const draw = kernel => out => {
        kernel(seed, 0, drawn, out);
        drawn += out.size;
        return out;
      };
      const shuffle = draw(call("_random._permutation_kernel"));
      return {
        uniform: draw(call("_random._uniform_draws_kernel")),
        normal: draw(call("_random._normal_draws_kernel")),
        permutation: order => shuffle(order.set(Array.from({ length: order.size }, (_, k) => k))),
      };
    }

    // Mean and distribution of the weights: a variance is scale / fan.
    const INITIALIZATIONS = {
      he: (i, o) => 1 / (i / 2), xavier: (i, o) => 1 / ((i + o) / 2 / 1), lecun: i => 1 / (i / 1),
      torch: i => 1 / (i / (1 / 3)), small: i => 1 / (i / (1e-4 * i)), large: i => 1 / (i / (1 * i)), zeros: () => 0,
    };

    // The memory of a parameter, and what its kernel takes in step t, as Optimizer._settings has it.
    const OPTIMIZERS = {
      sgd: [0, ({ rate }) => [rate]],
      momentum: [1, ({ rate, momentum }) => [momentum, -rate, 1]],
      nesterov: [1, ({ rate, momentum }) => [momentum, -rate, 1]],
      rmsprop: [1, ({ rate }) => [rate, 1 - 0.9, 1e-8, 0]],
      adam: [2, ({ rate, t }) => [rate, 1 - 0.9, 1 - 0.999, 1 / (1 - 0.9 ** t), 1 / (1 - 0.999 ** t), 0, 1e-8]],
    };

    // The rate of each step, where it does not depend on what happens.
    function scheduled({ schedule, rate }, steps) {
      const at = take([steps], 0), out = take([steps]);
      at.set(Array.from({ length: steps }, (_, k) => k));
      const warmup = Math.floor(steps / 20);
      if (schedule === "cosine") kernels["schedules._cosine_decay_kernel"](at, rate, steps, 0, out);
      else if (schedule === "warmup") {
        kernels["schedules._warmup_cosine_decay_kernel"](at, rate / 10, rate, warmup, steps, 0, out);
      } else if (schedule === "exponential") kernels["schedules._exponential_decay_kernel"](at, rate, steps, 0.01, out);
      else if (schedule === "step") kernels["schedules._step_decay_kernel"](at, rate, steps / 3, 0.1, out);
      else if (schedule === "one_cycle") {
        const times = take([3]).set([0, 0.3 * steps - 1, steps - 1]), levels = take([3]).set([rate / 25, rate, rate / 25 / 1e4]);
        kernels["schedules._one_cycle_kernel"](at, times, levels, true, out);
      } else out.set(rate);
      return out.numbers();
    }

    function examples(x, labels, features) {
      return { x, labels, count: labels.length, features };
    }
    function standardized(train, held) {
      const { features, count } = train;
      const [mean, work, deviation] = [0, 1, 2].map(() => take([features]));
      const x = take([count, features]).set(train.x);
      kernels["input_normalization._column_statistics_kernel"](x, 0, mean, work, deviation);
      // A feature that is always the same is shifted alone.
      const scale = take([features]).set(deviation.numbers().map((each, k) =>
        (each <= count * Number.EPSILON * Math.abs(mean.data[k]) ? 1 : Math.max(each, 0.1))));
      return [train, held].map(set => {
        const rows = take([set.count, features]).set(set.x), out = take([set.count, features]);
        kernels["input_normalization._standardize_kernel"](rows, mean, scale, out);
        return { ...set, x: Float64Array.from(out.data) };
      });
    }

    function* once(settings, run) {
      const data = [].concat(given)[settings.data], classes = data.classes ?? 10, base = [...begun, ...records][settings.from]?.parameters;
      const draws = generator(settings.seed);
      const features = data.x.length / data.labels.length;
      let train = examples(data.x, data.labels, features);
      const held = examples(data.heldX, data.heldLabels, features);
      if (settings.examples && settings.examples < train.count) {
        const order = draws.permutation(take([train.count], 0, "int64")).numbers().slice(0, settings.examples);
        const x = new Float64Array(order.length * features);
        order.forEach((from, to) => x.set(train.x.subarray(from * features, (from + 1) * features), to * features));
        train = examples(x, order.map(each => train.labels[each]), features);
      }
      const sets = settings.inputs === "standardized" ? standardized(train, held) : [train, held];
      const batch = Math.min(settings.batch, train.count), rows = Math.max(batch, 256);

      const drawWeight = (weight, fanIn, fanOut) => {
        const variance = INITIALIZATIONS[settings.initialization](fanIn, fanOut);
        if (settings.initialization === "zeros") return;
        const uniform = settings.initialization === "torch", drawn = take([weight.size]);
        draws[uniform ? "uniform" : "normal"](drawn);
        kernels[uniform ? "initialization._uniform_kernel" : "initialization._normal_kernel"](drawn, variance, flat(weight));
      };
      const layers = [];
      let fanIn = features, made = 0;
      const connected = fanOut => {
        const taken = made < settings.reused ? base?.[made] : null, layer = new Dense(fanIn, fanOut, rows, taken ? () => {} : drawWeight);
        taken?.forEach((values, k) => layer.parameters[k].set(values));
        made += 1;
        return layer;
      };
      for (const width of settings.widths) {
        layers.push(connected(width));
        if (settings.normalization === "batch") layers.push(new BatchNorm(width, rows));
        if (settings.normalization === "layer") layers.push(new LayerNorm(width, rows));
        layers.push(new Activation(settings.activation, width, rows));
        if (settings.dropout > 0) layers.push(new Dropout(settings.dropout, width, rows, draws));
        fanIn = width;
      }
      layers.push(connected(classes));
      const dense = layers.filter(each => each instanceof Dense), active = layers.filter(each => each instanceof Activation);
      // Backpropagation ends at the lowest layer that is trained.
      const lowest = layers.indexOf(dense[settings.frozen]);
      const parameters = layers.slice(lowest).flatMap(({ parameters, gradients, decays }) =>
        parameters.map((array, k) => ({ array, gradient: gradients[k], decays: decays[k] })));
      const arrays = layers.flatMap(each => each.arrays);
      const smallest = Math.max(1, ...layers.map(each => each.smallest ?? 1));
      if (batch < smallest) throw new Error("Batch normalization needs two examples or more in a mini-batch, to have a mean and a variance.");

      const decoupled = settings.optimizer === "adamw", method = decoupled ? "adam" : settings.optimizer;
      const [memories, own] = OPTIMIZERS[method];
      for (const each of parameters) each.memory = Array.from({ length: memories }, () => take([each.array.size]));
      const optimizer = call(`optimizers._${method}_kernel`);

      const input = take([rows, features]), labels = take([rows], 0, "int64");
      const dlogits = take([rows, classes]), exponentials = take([classes]);
      const order = take([train.count], 0, "int64");
      const perEpoch = Math.ceil(train.count / settings.batch), steps = perEpoch * settings.epochs;
      const rates = scheduled(settings, steps);
      const plateau = take([4]).set([settings.rate, Infinity, 0, 0]), plateauRate = take([1]);
      const halving = take([4]).set([0.5, 2, 0, 0]);
      const stopping = take([4]).set([Infinity, -1, 0, 0]), metric = take([1]);
      let best = null;
      const record = {
        settings, trainLoss: [], trainAccuracy: [], heldLoss: [], heldAccuracy: [],
        stepLoss: [], rates: [], norms: [], stopped: "", best: null,
      };

      function forward(x, training) {
        return layers.reduce((out, layer) => layer.forward(out, training), x);
      }
      function fill(set, indices) {
        const count = indices.length, x = part(input, count, features), { data: target } = labels, { data: to } = x;
        for (let k = 0; k < count; k++) {
          const from = Number(indices[k]) * features;
          to.set(set.x.subarray(from, from + features), k * features);
          target[k] = BigInt(set.labels[Number(indices[k])]);
        }
        return [x, part(labels, count)];
      }

      // Loss and accuracy at inference; `seen` gets each part's logits and how many examples came before.
      function evaluate(set, seen = () => {}) {
        let loss = 0, right = 0;
        const wrong = [];
        for (let low = 0; low < set.count; low += rows) {
          const high = Math.min(set.count, low + rows);
          const [x, target] = fill(set, Array.from({ length: high - low }, (_, k) => low + k));
          const logits = forward(x, false), { data: z } = logits;
          loss += kernels["losses._softmax_cross_entropy_kernel"](logits, target, exponentials, set.count);
          for (let k = 0; k < high - low; k++) {
            let top = 0, finite = true;
            for (let c = 0; c < classes; c++) {
              const value = z[k * classes + c];
              finite &&= Number.isFinite(value);
              if (value > z[k * classes + top]) top = c;
            }
            if (finite && top === set.labels[low + k]) right += 1;
            else wrong.push([low + k, finite ? top : null]);
            // A loss of outputs that are not finite is no number.
            if (!finite) loss = NaN;
          }
          seen(high - low);
        }
        return { loss, accuracy: right / set.count, wrong };
      }

      // What is behind a failure, over all training examples: units that are 0 for each of them; outputs at which
      // tanh or the sigmoid is less than a twentieth as steep as at 0; how far the inputs of a layer spread.
      function measured() {
        const found = active.map(({ kind, features: units }) => (
          { kind, units, alive: new Uint8Array(units), flatOutputs: 0, seen: 0, sum: 0, squares: 0 }));
        const result = evaluate(sets[0], count => active.forEach((layer, k) => {
          const each = found[k], { data: values } = part(layer.out, count, layer.features);
          if (layer.kind === "relu") {
            kernels["activations._dead_fraction_kernel"](part(layer.x, count, layer.features), layer.alive);
            layer.alive.data.forEach((on, unit) => { each.alive[unit] |= on; });
          }
          const steep = { tanh: y => 1 - y * y, sigmoid: y => 4 * y * (1 - y) }[layer.kind];
          for (const y of values) {
            if (steep && steep(y) < 0.05) each.flatOutputs += 1;
            each.sum += y;
            each.squares += y * y;
          }
          each.seen += values.length;
        }));
        const told = found.map(({ kind, units, alive, flatOutputs, seen, sum, squares }) => ({
          units,
          dead: kind === "relu" ? alive.filter(on => !on).length / units : null,
          saturated: kind === "tanh" || kind === "sigmoid" ? flatOutputs / seen : null,
          deviation: Math.sqrt(Math.max(0, squares / seen - (sum / seen) ** 2)),
        }));
        return [result, told];
      }

      function norm(arrays) {
        const sum = scale => arrays.reduce((total, each) => total + squares(each, scale), 0);
        const square = sum(1);
        if (square >= 1e-280 && square < Infinity) return [1, Math.sqrt(square)];
        // Squares out of range: in units of a power of two, as gradlab.gradient_clipping does.
        const largest = Math.max(...arrays.map(each => each.data.reduce((top, value) => Math.max(top, Math.abs(value)), 0)));
        if (!(largest > 0 && largest < Infinity)) return [1, largest];
        const scale = 2 ** Math.min(Math.max(-(Math.floor(Math.log2(largest)) + 1), -1022), 1000);
        return [scale, Math.sqrt(sum(scale))];
      }

      // One step on a mini-batch; returns what is not finite, if something is.
      function step(indices) {
        const t = record.stepLoss.length + 1;
        const rate = settings.schedule === "plateau" ? plateau.data[0] : rates[t - 1];
        const [x, target] = fill(sets[0], indices), count = indices.length;
        const logits = forward(x, true), slope = part(dlogits, count, classes);
        const loss = logits.data.every(Number.isFinite)
          ? kernels["losses._softmax_cross_entropy_kernel"](logits, target, exponentials, count) : NaN;
        let norms = [], total = NaN, wrong = Number.isFinite(loss) ? "" : "loss";
        if (!wrong) {
          kernels["losses._softmax_cross_entropy_backward_kernel"](logits, target, slope, count);
          let grad = slope;
          for (let k = layers.length - 1; k >= lowest; k--) grad = layers[k].backward(grad, k > lowest);
          const gradients = parameters.map(each => each.gradient);
          norms = dense.map(layer => { const [scale, units] = norm([layer.gradients[0]]); return units / scale; });
          const [scale, units] = norm(gradients);
          total = units / scale;
          if (!Number.isFinite(total)) wrong = "gradient";
          else if (settings.clip > 0 && total > settings.clip) {
            for (const each of gradients) kernels["gradient_clipping._shorten_in_place_kernel"](each, scale, settings.clip / units);
          }
        }
        if (!wrong) {
          for (const { array, gradient, memory, decays } of parameters) {
            const decay = decays ? settings.decay : 0;
            const [shrink, l2] = decoupled ? [1 - rate * decay, 0] : [1, decay];
            optimizer(array, gradient, ...memory, shrink, l2, ...own({ rate, t, momentum: settings.momentum }));
          }
        }
        record.stepLoss.push(loss);
        record.rates.push(rate);
        record.norms.push(total);
        return { loss, rate, norm: total, norms, wrong };
      }

      function told(extra) {
        const step = record.stepLoss.length;
        return { run, runs: runs.length, part: (run + step / steps) / runs.length, step, ...extra };
      }
      function endOfEpoch(epoch) {
        const [trained, layersTold] = measured(), judged = evaluate(sets[1]);
        record.trainLoss.push(trained.loss);
        record.trainAccuracy.push(trained.accuracy);
        record.heldLoss.push(judged.loss);
        record.heldAccuracy.push(judged.accuracy);
        return told({
          epoch, record, layers: layersTold, wrong: judged.wrong, weights: Float32Array.from(dense[0].weight.data),
        });
      }

      yield endOfEpoch(0);
      for (let epoch = 1; epoch <= settings.epochs && !record.stopped; epoch++) {
        const shuffled = draws.permutation(order).numbers();
        let norms = dense.map(() => 0), done = 0;
        for (let low = 0; low < train.count; low += settings.batch) {
          const indices = shuffled.slice(low, low + settings.batch);
          if (indices.length < smallest) continue;
          const after = step(indices);
          norms = norms.map((sum, k) => sum + (after.norms[k] ?? NaN));
          done += 1;
          if (after.wrong) {
            record.stopped = `${after.wrong} not finite at step ${record.stepLoss.length}, in epoch ${epoch}`;
            break;
          }
          // The last step is told by what is measured after it.
          if (low + settings.batch < train.count) yield told({ epoch: epoch - 1, ...after });
        }
        if (record.stopped) break;
        const after = endOfEpoch(epoch), held = record.heldLoss.at(-1);
        if (!Number.isFinite(record.trainLoss.at(-1))) {
          record.stopped = `loss not finite after step ${record.stepLoss.length}, in epoch ${epoch}`;
        }
        metric.set(held);
        if (settings.schedule === "plateau") {
          kernels["schedules._performance_kernel"](metric, 1, halving, plateau, plateauRate);
        }
        if (settings.patience > 0) {
          const stop = kernels["early_stopping._stopping_kernel"](metric, 1, settings.patience, 0, stopping);
          if (stopping.data[2] === 0) best = arrays.map(each => each.data.slice());
          if (stop) record.stopped ||= `no improvement in ${stopping.data[2]} epoch(s), in epoch ${epoch}`;
        }
        yield { ...after, norms: norms.map(sum => sum / done) };
      }
      if (best) {
        arrays.forEach((array, k) => array.set(best[k]));
        record.best = Number(stopping.data[1]) + 1;
      }
      // The network that the run leaves behind.
      const last = evaluate(sets[1]);
      record.final = { loss: last.loss, accuracy: last.accuracy };
      record.parameters = dense.map(layer => layer.parameters.map(array => array.numbers()));
      yield told({
        part: (run + 1) / runs.length, epoch: record.heldLoss.length - 1, record, wrong: last.wrong,
        weights: Float32Array.from(dense[0].weight.data), ended: true,
      });
      return record;
    }

    const records = [];
    for (const [run, settings] of runs.entries()) {
      records.push(yield* once(settings, run));
      giveBack();
    }
    return records;
  }

  // What the settings of a run are, and what they may be left out for.
  const FIRST = {
    widths: [64], activation: "relu", initialization: "he", normalization: "none", dropout: 0, decay: 0, clip: 0,
    optimizer: "momentum", momentum: 0.9, rate: 0.05, schedule: "constant", patience: 0, batch: 64, epochs: 20,
    examples: 0, inputs: "standardized", seed: 0, data: 0, from: null, reused: 0, frozen: 0,
  };

  // The program that repeats a run with the package: the same weights at first, the same mini-batches, the same masks.
  const RULES = {
    he: "he_normal", xavier: "xavier_normal", lecun: "lecun_normal", torch: "legacy_torch_uniform", zeros: "zeros",
  };
  const CLASSES = { sgd: "SGD", momentum: "Momentum", nesterov: "Nesterov", rmsprop: "RMSProp", adam: "Adam", adamw: "AdamW" };
  const SCHEDULES = {
    cosine: ["cosine_decay", "{rate}, steps"], warmup: ["warmup_cosine_decay", "{rate} / 10, {rate}, steps // 20, steps"],
    exponential: ["exponential_decay", "{rate}, steps, 0.01"], step: ["step_decay", "{rate}, steps / 3"],
    one_cycle: ["one_cycle", "{rate}, steps"],
  };

  function script(given = {}, split = "chapter") {
    const s = { ...FIRST, ...given }, rule = RULES[s.initialization] ?? "initial";
    const schedule = SCHEDULES[s.schedule], normalization = { batch: "BatchNorm", layer: "LayerNorm" }[s.normalization];
    const hidden = s.widths.length > 0;
    const layers = ["Dense", ...(hidden ? ["Activation"] : []), ...(normalization && hidden ? [normalization] : []),
      ...(s.dropout > 0 && hidden ? ["Dropout"] : [])].sort();
    const imports = [
      "import math", "", "import numpy as np", "", "from gradlab.datasets import load_digits",
      ...(s.patience > 0 ? ["from gradlab.early_stopping import EarlyStopping"] : []),
      `from gradlab.initialization import ${rule === "initial" ? "variance_scaling" : rule}`,
      ...(s.inputs === "standardized" ? ["from gradlab.input_normalization import Standardization, fit_standardize"] : []),
      `from gradlab.network import ${[...layers, "Network"].sort().join(", ")}`,
      `from gradlab.optimizers import ${CLASSES[s.optimizer]}`,
      ...(s.schedule === "plateau" ? ["from gradlab.schedules import PerformanceSchedule"] : []),
      ...(schedule ? [`from gradlab.schedules import ${schedule[0]}`] : []),
      "from gradlab.training import LiveGenerator, evaluate, fit",
    ];
    const sets = split === "test" ? [
      "digits = load_digits()",
      "x, labels = digits.x_train, digits.y_train", "held_x, held_labels = digits.x_test, digits.y_test",
    ] : [
      "# The chapter's split: a fifth of the training digits is held out.",
      "digits, split = load_digits(), np.random.default_rng(0)",
      "of_class = [split.permutation(np.flatnonzero(digits.y_train == k)) for k in range(10)]",
      "held = np.concatenate([indices[:29] for indices in of_class])",
      "kept = np.concatenate([indices[29:] for indices in of_class])",
      "x, labels = digits.x_train[kept], digits.y_train[kept]",
      "held_x, held_labels = digits.x_train[held], digits.y_train[held]",
    ];
    const fewer = s.examples > 0 ? [`chosen = rng.permutation(len(x))[:${s.examples}]`, "x, labels = x[chosen], labels[chosen]"] : [];
    const scaled = s.inputs === "standardized" ? [
      "exact = fit_standardize(x)",
      "scaler = Standardization(exact.mean, np.maximum(exact.scale, 0.1))",
      "x, held_x = scaler.transform(x), scaler.transform(held_x)",
    ] : [];
    const own = s.initialization === "small" ? "1e-4 * fan_in" : "fan_in";
    const initial = rule !== "initial" ? [] : [
      "", "", "def initial(fan_in, fan_out, rng, dtype):",
      `    """Normal weights with a deviation of ${s.initialization === "small" ? "0.01" : "1"} in each layer."""`,
      `    return variance_scaling(fan_in, fan_out, rng, ${own}, dtype=dtype)`, "", "",
    ];
    const rows = [];
    let fanIn = 64;
    for (const width of s.widths) {
      rows.push(`Dense(${fanIn}, ${width}, rng, ${rule})`);
      if (normalization) rows.push(`${normalization}(${width})`);
      rows.push(`Activation("${s.activation}")`);
      if (s.dropout > 0) rows.push(`Dropout(${s.dropout}, rng)`);
      fanIn = width;
    }
    rows.push(`Dense(${fanIn}, 10, rng, ${rule})`);
    const optimizer = [`${s.rate}`, ...(["momentum", "nesterov"].includes(s.optimizer) ? [`momentum=${s.momentum}`] : []),
      ...(s.decay > 0 || s.optimizer === "adamw" ? [`weight_decay=${s.decay}`, "decay_biases=False"] : [])];
    const more = [
      ...(schedule ? [`schedule=lambda step: ${schedule[0]}(step, ${schedule[1].replaceAll("{rate}", s.rate)}),`] : []),
      ...(s.schedule === "plateau" ? [`schedule=PerformanceSchedule(${s.rate}, factor=0.5, patience=2),`] : []),
      ...(s.clip > 0 ? [`clip=${s.clip},`] : []),
      ...(s.patience > 0 ? [`early_stopping=EarlyStopping(patience=${s.patience}),`] : []),
    ];
    const needsSteps = schedule !== undefined;
    return [
      "\"\"\"Repeats a run of the playground in the book's chapter In practice.\"\"\"", "",
      ...(needsSteps ? imports : imports.slice(2)), "", ...sets, `rng = LiveGenerator(${s.seed})`, ...fewer, ...scaled, ...initial,
      "network = Network(", "    [", ...rows.map(row => `        ${row},`), "    ]", ")",
      `optimizer = ${CLASSES[s.optimizer]}(${optimizer.join(", ")})`,
      ...(needsSteps ? [`steps = ${s.epochs} * math.ceil(len(x) / ${s.batch})`] : []),
      "at_first = evaluate(network, held_x, held_labels)",
      "history = fit(", "    network,", "    (x, labels),", "    (held_x, held_labels),", "    optimizer,",
      `    epochs=${s.epochs},`, `    batch_size=${s.batch},`, ...more.map(line => `    ${line}`), "    rng=rng,", ")",
      "print(\"epoch  training loss  held-out loss  held-out accuracy\")",
      "print(f\"    0                 {at_first[0]:13.6f} {at_first[1]:18.4f}\")",
      "for epoch, values in enumerate(",
      "    zip(history.train_loss, history.validation_loss, history.validation_accuracy), start=1",
      "):",
      "    print(f\"{epoch:5d}  {values[0]:13.6f} {values[1]:14.6f} {values[2]:18.4f}\")",
      "print(history.stopped or \"all epochs\")", "",
    ].join("\n");
  }

  const PRODUCTS = ["net_input", "input_gradient", "weight_gradient", "bias_gradient"].map(name => `backpropagation._${name}_kernel`);
  const ACTIVATIONS = ["relu", "leaky_relu", "elu", "silu", "gelu", "tanh", "sigmoid"];
  train.kernels = [
    ...PRODUCTS,
    ...ACTIVATIONS.flatMap(name => [`activations._${name}_kernel`, `activations._${name}_backward_kernel`]),
    ...["forward", "backward", "inference"].map(name => `batch_normalization._batch_norm_${name}_kernel`),
    "activations._dead_fraction_kernel", "batch_normalization._running_statistics_kernel",
    "dropout._dropout_kernel", "dropout._dropout_backward_kernel", "early_stopping._stopping_kernel",
    "gradient_clipping._shorten_in_place_kernel", "gradient_clipping._square_sum_kernel",
    "initialization._normal_kernel", "initialization._uniform_kernel",
    "input_normalization._column_statistics_kernel", "input_normalization._standardize_kernel",
    "layer_normalization._normalize_rows_kernel", "layer_normalization._normalize_rows_backward_kernel",
    "layer_normalization._channel_sums_kernel",
    "losses._softmax_cross_entropy_kernel", "losses._softmax_cross_entropy_backward_kernel",
    ...["sgd", "momentum", "nesterov", "rmsprop", "adam"].map(name => `optimizers._${name}_kernel`),
    ...["uniform_draws", "normal_draws", "permutation"].map(name => `_random._${name}_kernel`),
    ...["cosine_decay", "warmup_cosine_decay", "exponential_decay", "step_decay", "one_cycle", "performance"]
      .map(name => `schedules._${name}_kernel`),
  ];
  // Of the curves of several runs: how many are complete, and their least, largest and mean at each epoch.
  train.summary = (curves, epochs) => {
    const over = pick => Array.from({ length: epochs + 1 }, (_, e) => {
      const seen = curves.map(each => each[e]).filter(Number.isFinite);
      return seen.length ? pick(seen) : NaN;
    });
    return {
      count: curves.filter(each => Number.isFinite(each[epochs])).length,
      low: over(seen => Math.min(...seen)), high: over(seen => Math.max(...seen)),
      mean: over(seen => seen.reduce((a, b) => a + b, 0) / seen.length),
    };
  };
  train.settings = given => structuredClone({ ...FIRST, ...given });
  train.script = script;
  Object.assign(window.gradlab, { train });
})();
