"""What students hand in for the exercise ``early-stopping``: right in other forms, and wrong.

Each function stands by itself, so that its source can be put into a notebook.
"""

import numpy as np

UPDATE = "early_stopping.update"
EPOCHS = "early_stopping.epochs"
PATIENCE = "early_stopping.patience"
TRAIN = "early_stopping.train"

# ---- right


def update_by_sign(best, wait, metric, patience, min_delta, mode):
    sign = {"min": 1, "max": -1}[mode]
    gain = sign * (best - metric)
    if gain > min_delta:
        return [metric, 0, patience < 0]
    wait += 1
    return [best, wait, wait >= patience]


def update_by_adding(best, wait, metric, patience, min_delta, mode):
    threshold = best + min_delta if mode == "max" else best
    worse = metric <= threshold if mode == "max" else metric + min_delta >= threshold
    if worse or np.isnan(metric):
        return best, wait + 1, int(wait + 1 >= patience)
    return np.float64(metric), np.int64(0), 0


def epochs_with_a_count(losses, patience, min_delta):
    best, kept, wait = np.inf, None, 0
    for epoch in range(len(losses)):
        wait += 1
        if best - losses[epoch] > min_delta:
            best, kept, wait = losses[epoch], epoch, 0
        elif wait >= patience:
            return [epoch, kept]
    return [len(losses) - 1, kept]


def epochs_with_arrays(losses, patience, min_delta):
    losses, best, epoch = np.array(losses), 0, 0
    while epoch < len(losses) - 1 and (epoch == best or epoch - best < patience):
        epoch += 1
        if losses[epoch] + min_delta < losses[best]:
            best = epoch
    return np.int64(epoch), best


def patience_tried_out(losses):
    losses = list(losses)
    for patience in range(1, len(losses) + 1):
        best = epoch = 0
        for epoch, loss in enumerate(losses):
            if loss < losses[best]:
                best = epoch
            if epoch - best == patience:
                break
        if losses[best] == min(losses):
            return patience
    return len(losses)


def patience_by_records(losses):
    lowest = np.minimum.accumulate(losses)
    records = np.flatnonzero(np.diff(lowest, prepend=np.inf))
    return int(np.diff(records).max(initial=1))


def train_for_loop(network, patience, max_epochs):
    arrays = network.parameters()
    best, best_epoch, kept = np.inf, 0, [np.array(a) for a in arrays]
    for epoch in range(1, max_epochs + 1):
        network.train_epoch()
        loss = network.validation_loss()
        if loss < best:
            best, best_epoch = loss, epoch
            kept = [np.array(a) for a in network.parameters()]
        if epoch - best_epoch >= patience:
            break
    for k in range(len(arrays)):
        np.copyto(arrays[k], kept[k])
    return [epoch, best]


def train_writing_into_copies(network, patience, max_epochs):
    copies = [a.copy() for a in network.parameters()]
    losses, bests = [], [np.inf]
    while len(losses) < max_epochs:
        network.train_epoch()
        losses.append(network.validation_loss())
        if losses[-1] < bests[-1]:
            for copy, a in zip(copies, network.parameters(), strict=True):
                copy[:] = a
        bests.append(np.fmin(bests[-1], losses[-1]))
        if len(bests) > patience and bests[-1 - patience] == bests[-1]:
            break
    for copy, a in zip(copies, network.parameters(), strict=True):
        a.flat = copy.ravel()
    return len(losses), bests[-1]


def epochs_from_the_best(losses, patience, min_delta):
    best_epoch = 0
    for epoch, loss in enumerate(losses):
        if loss < losses[best_epoch] - min_delta:
            best_epoch = epoch
        elif epoch - best_epoch >= max(patience, 1):
            break
    return epoch, best_epoch


def train_while(network, patience, max_epochs):
    best_loss, wait, epochs = np.inf, 0, 0
    kept = [array.copy() for array in network.parameters()]
    while epochs < max_epochs and wait < patience:
        network.train_epoch()
        epochs = epochs + 1
        loss = network.validation_loss()
        if loss < best_loss:
            best_loss, wait = loss, 0
            kept = [array.copy() for array in network.parameters()]
        else:
            wait = wait + 1
    for array, values in zip(network.parameters(), kept, strict=True):
        array[...] = values
    return epochs, best_loss


def update_table(best, wait, metric, patience, min_delta, mode):
    from operator import gt, lt

    better, limit = {"min": (lt, best - min_delta), "max": (gt, best + min_delta)}[mode]
    if better(metric, limit):
        return metric, 0, False
    return best, wait + 1, wait + 1 >= patience


def update_where(best, wait, metric, patience, min_delta, mode):
    gain = np.where(mode == "min", best - metric, metric - best)
    improved = gain > min_delta
    wait = np.where(improved, 0, wait + 1)
    return np.where(improved, metric, best), wait, (wait >= patience) & ~improved


def update_array(best, wait, metric, patience, min_delta, mode):
    turn = -1.0 if mode == "max" else 1.0
    ok = not np.isnan(metric) and turn * metric < turn * best - min_delta
    wait = (wait + 1) * (not ok)
    return np.array([metric if ok else best, wait, wait >= max(1, patience)])


def epochs_recursive(losses, patience, min_delta):
    def go(epoch, best):
        if epoch > best and losses[epoch] < losses[best] - min_delta:
            best = epoch
        if epoch - best >= max(patience, 1) or epoch == len(losses) - 1:
            return epoch, best
        return go(epoch + 1, best)

    return go(0, 0)


def epochs_class(losses, patience, min_delta):
    class Stopper:
        best, best_epoch, wait = float("inf"), 0, 0

        def step(self, epoch, loss):
            self.wait += 1
            if loss + min_delta < self.best:
                self.best, self.best_epoch, self.wait = loss, epoch, 0
            return self.wait and self.wait >= patience

    stopper = Stopper()
    last = next((e for e, loss in enumerate(losses) if stopper.step(e, loss)), len(losses) - 1)
    return last, stopper.best_epoch


def epochs_records(losses, patience, min_delta):
    # The epochs that would improve if nothing stopped, then the first gap that is too long.
    records = [0]
    for epoch, loss in enumerate(losses):
        if losses[records[-1]] - loss > min_delta:
            records.append(epoch)
    for record, following in zip(records, [*records[1:], len(losses) + 10**6]):
        if following - record > max(patience, 1):
            return np.array([min(record + max(patience, 1), len(losses) - 1), record])


def patience_running_minimum(losses):
    gaps, since, lowest = [1], 0, losses[0]
    for loss in losses[1:]:
        since += 1
        if loss < lowest:
            gaps.append(since)
            lowest, since = loss, 0
    return max(gaps)


def patience_sets(losses):
    records = [k for k in range(len(losses)) if losses[k] < min(losses[:k], default=np.inf)]
    return int(max(np.diff(records), default=1))


def patience_bisection(losses):
    def kept(patience):
        best = 0
        for epoch in range(len(losses)):
            if losses[epoch] < losses[best]:
                best = epoch
            elif epoch - best >= patience:
                break
        return best

    low, high, goal = 0, len(losses), losses.index(min(losses))
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if kept(middle) == goal else (middle, high)
    return np.array(high)


def train_recursive(network, patience, max_epochs):
    def copy():
        return [a.copy() for a in network.parameters()]

    def go(epochs, wait, best, kept):
        if epochs == max_epochs or wait == patience:
            for a, b in zip(network.parameters(), kept):
                a[:] = b
            return epochs, best
        network.train_epoch()
        loss = network.validation_loss()
        if loss < best:
            return go(epochs + 1, 0, loss, copy())
        return go(epochs + 1, wait + 1, best, kept)

    return go(0, 0, float("inf"), copy())


def train_keeps_every_epoch(network, patience, max_epochs):
    history = [(np.inf, [a + 0 for a in network.parameters()])]
    for _ in range(max_epochs):
        network.train_epoch()
        history.append((network.validation_loss(), [a + 0 for a in network.parameters()]))
        losses = np.where(np.isnan(values := [loss for loss, _ in history]), np.inf, values)
        best = int(np.argmin(losses))
        if len(history) - 1 - best >= patience:
            break
    for array, kept in zip(network.parameters(), history[best][1]):
        array -= array - kept
        np.put(array, range(array.size), kept)
    return len(history) - 1, losses[best]


def train_deepcopy(network, patience, max_epochs):
    from copy import deepcopy

    kept, best, best_epoch, epoch = deepcopy(network.parameters()), np.inf, 0, 0
    while True:
        network.train_epoch()
        epoch += 1
        if (loss := network.validation_loss()) < best:
            kept, best, best_epoch = deepcopy(network.parameters()), loss, epoch
        if epoch >= min(max_epochs, best_epoch + patience):
            break
    list(map(np.copyto, network.parameters(), kept))
    return epoch, best


OTHER_FORMS = [
    (EPOCHS, epochs_from_the_best),
    (EPOCHS, epochs_with_a_count),
    (EPOCHS, epochs_with_arrays),
    (EPOCHS, epochs_recursive),
    (EPOCHS, epochs_class),
    (EPOCHS, epochs_records),
    (TRAIN, train_while),
    (TRAIN, train_for_loop),
    (TRAIN, train_writing_into_copies),
    (TRAIN, train_recursive),
    (TRAIN, train_keeps_every_epoch),
    (TRAIN, train_deepcopy),
    (UPDATE, update_by_sign),
    (UPDATE, update_by_adding),
    (UPDATE, update_table),
    (UPDATE, update_where),
    (UPDATE, update_array),
    (PATIENCE, patience_tried_out),
    (PATIENCE, patience_by_records),
    (PATIENCE, patience_running_minimum),
    (PATIENCE, patience_sets),
    (PATIENCE, patience_bisection),
]


# ---- wrong, as students write it and not as the checker does


def s_update_drifts(best, wait, metric, patience, min_delta, mode):
    if mode == "min":
        improved = best - metric > min_delta
        best = min(best, metric)
    else:
        improved = metric - best > min_delta
        best = max(best, metric)
    wait = 0 if improved else wait + 1
    return best, wait, wait >= max(1, patience)


def s_epochs_nan_improves(losses, patience, min_delta):
    best, best_epoch, wait = np.inf, 0, 0
    for epoch, loss in enumerate(losses):
        if loss >= best - min_delta:
            wait += 1
        else:
            best, best_epoch, wait = loss, epoch, 0
        if wait >= max(patience, 1):
            break
    return epoch, best_epoch


def s_epochs_against_the_one_before(losses, patience, min_delta):
    best_epoch, wait = 0, 0
    for epoch in range(1, len(losses)):
        if losses[epoch] < losses[epoch - 1] - min_delta:
            best_epoch, wait = epoch, 0
        else:
            wait += 1
        if wait >= max(patience, 1):
            return epoch, best_epoch
    return len(losses) - 1, best_epoch


def s_patience_bad_epochs(losses):
    best, row, longest = np.inf, 0, 0
    for loss in losses[: int(np.argmin(losses)) + 1]:
        if loss < best:
            best, row = loss, 0
        else:
            row += 1
            longest = max(longest, row)
    return max(longest, 1)


def s_train_reference(network, patience, max_epochs):
    best, wait, best_weights = np.inf, 0, network.parameters()
    epoch = 0
    while epoch < max_epochs:
        network.train_epoch()
        epoch += 1
        loss = network.validation_loss()
        if loss < best:
            best, wait = loss, 0
            best_weights = network.parameters()
        else:
            wait += 1
        if wait >= patience:
            break
    for array, kept in zip(network.parameters(), best_weights, strict=True):
        array[...] = kept
    return epoch, best


def s_train_endless(network, patience, max_epochs):
    best, wait, epochs = np.inf, 0, 0
    while wait < patience:
        network.train_epoch()
        epochs += 1
        if network.validation_loss() < best:
            wait = 0
    return epochs, best


def s_train_first_loss(network, patience, max_epochs):
    best, wait, epochs = network.validation_loss(), 0, 0
    kept = [w.copy() for w in network.parameters()]
    while epochs < max_epochs and wait < patience:
        network.train_epoch()
        epochs += 1
        loss = network.validation_loss()
        if loss < best:
            best, wait = loss, 0
            kept = [w.copy() for w in network.parameters()]
        else:
            wait += 1
    for array, values in zip(network.parameters(), kept, strict=True):
        array[...] = values
    return epochs, best


# (exercise, function, the misconception that the report names, the points that the weights give)
STUDENTS = [
    (UPDATE, s_update_drifts, "a best metric that follows every small change", 0.75),
    (EPOCHS, s_epochs_against_the_one_before, "a comparison with the epoch before", 0.25),
    (EPOCHS, s_epochs_nan_improves, "", 2.0),
    (PATIENCE, s_patience_bad_epochs, "the longest row of bad epochs", 0.0),
    (TRAIN, s_train_reference, "the weights of the last epoch", 1.25),
    (TRAIN, s_train_first_loss, "", 2.5),
    (TRAIN, s_train_endless, "", 0.0),
]
