"""Losses with reduction='mean' and their gradients, and clipping of gradients.

Tensors of a case are CASE.logits (or CASE.predictions), CASE.targets, CASE.loss and CASE.grad, the gradient of the loss
with respect to the logits.
"""

import torch
from torch.nn import functional
from torch.nn.utils import clip_grad_norm_, clip_grad_value_

from fixture import Random, save

ABOUT = {"generator": "tests/golden/pytorch_losses.py", "framework": f"torch {torch.__version__}"}


def case(tensors, name, values, targets, loss_function, input_name="logits"):
    values = torch.from_numpy(values).requires_grad_()
    targets = torch.as_tensor(targets)
    loss = loss_function(values, targets)
    loss.backward()
    tensors |= {f"{name}.{input_name}": values, f"{name}.targets": targets, f"{name}.loss": loss, f"{name}.grad": values.grad}


def binary_cross_entropy():
    random, tensors = Random(301), {}
    targets = random.integers(0, 2, 6, 1).astype(float)
    function = functional.binary_cross_entropy_with_logits
    case(tensors, "plain", random.normal(6, 1, scale=3), targets, function)
    case(tensors, "soft", random.normal(6, 1, scale=3), [[0.1], [0.95], [0.5], [1.0], [0.0], [0.3]], lambda x, y: function(x, y.double()))
    case(tensors, "extreme", random.normal(6, 1, scale=300), targets, function)
    several = random.integers(0, 2, 6, 3).astype(float)
    case(tensors, "several", random.normal(6, 3, scale=2), several, function)
    one, three = torch.tensor([2.5]).double(), torch.tensor([0.4, 3.0, 1.7]).double()
    case(tensors, "pos_weight", random.normal(6, 1, scale=2), targets, lambda x, y: function(x, y, pos_weight=one))
    case(tensors, "several_pos_weight", random.normal(6, 3, scale=2), several, lambda x, y: function(x, y, pos_weight=three))
    sample = torch.from_numpy(0.2 + random.generator.random((6, 1)))
    case(tensors, "weight", random.normal(6, 1, scale=2), targets, lambda x, y: function(x, y, weight=sample))
    tensors |= {"pos_weight.pos_weight": one, "several_pos_weight.pos_weight": three, "weight.weight": sample}
    save("pytorch_binary_cross_entropy", tensors, reduction="mean over all B * C elements; weight multiplies, it does not normalize", **ABOUT)


def cross_entropy():
    random, tensors = Random(302), {}
    rows, classes = 7, 4
    targets = random.integers(0, classes, rows)
    ignored = targets.copy()
    ignored[[1, 4]] = -100
    other = targets.copy()
    other[[0, 3]] = 2
    weight = torch.tensor([0.5, 2.0, 1.25, 0.8]).double()
    variants = {
        "plain": (targets, {}),
        "label_smoothing": (targets, {"label_smoothing": 0.15}),
        "ignore_index": (ignored, {}),
        "ignore_class_2": (other, {"ignore_index": 2}),
        "class_weights": (targets, {"weight": weight}),
        "class_weights_label_smoothing": (targets, {"weight": weight, "label_smoothing": 0.15}),
        "class_weights_ignore_index": (ignored, {"weight": weight}),
        "all_options": (ignored, {"weight": weight, "label_smoothing": 0.15}),
    }
    for name, (y, options) in variants.items():
        case(tensors, name, random.normal(rows, classes, scale=2), y, lambda x, y: functional.cross_entropy(x, y, **options))
    case(tensors, "extreme", random.normal(rows, classes, scale=400), targets, functional.cross_entropy)

    # Per step: logits (B, T, C), padding marked by ignore_index, the mean over the steps that count.
    lengths = [4, 7, 1, 6, 3]
    steps = random.integers(0, classes, 5, 7)
    for row, length in enumerate(lengths):
        steps[row, length:] = -100
    case(tensors, "per_step", random.normal(5, 7, classes, scale=2), steps, lambda x, y: functional.cross_entropy(x.flatten(0, 1), y.flatten()))
    tensors |= {"class_weights": weight, "label_smoothing": [0.15], "per_step.lengths": lengths}
    save("pytorch_cross_entropy", tensors, reduction="mean: sum of w_y * l / sum of w_y over the targets not ignored", **ABOUT)


def linear_cross_entropy():
    """A linear layer and cross_entropy together, more classes than SoftmaxClassifier has in a block."""
    random, tensors = Random(305), {}
    rows, features, classes = 6, 3, 530
    targets = random.integers(0, classes, rows)
    targets[[1, 3]] = [-100, classes - 1]
    for name, options in {"plain": {}, "label_smoothing": {"label_smoothing": 0.15}}.items():
        h, weight, bias = (torch.from_numpy(x).requires_grad_() for x in (random.normal(rows, features, scale=2), random.normal(classes, features), random.normal(classes)))
        loss = functional.cross_entropy(functional.linear(h, weight, bias), torch.from_numpy(targets), **options)
        loss.backward()
        tensors |= {f"{name}.h": h, f"{name}.weight": weight, f"{name}.bias": bias, f"{name}.loss": loss}
        tensors |= {f"{name}.grad.h": h.grad, f"{name}.grad.weight": weight.grad, f"{name}.grad.bias": bias.grad}
    tensors |= {"targets": targets, "smoothing": [0.15]}
    save("pytorch_linear_cross_entropy", tensors, reduction="mean over the targets not ignored", **ABOUT)


def mean_squared_error():
    random, tensors = Random(303), {}
    case(tensors, "plain", random.normal(6, 3), random.normal(6, 3), functional.mse_loss, "predictions")
    save("pytorch_mean_squared_error", tensors, reduction="mean over all B * C elements", **ABOUT)


def ctc():
    """Losses of sequences (reduction none), the mean, and the gradient of the sum; logits are (B, T, C), padded."""
    random, tensors = Random(306), {}
    lengths = [9, 30, 1, 12, 7, 45, 4]
    targets = [[0, 1, 1], [3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3], [2], [], [4, 3, 2, 1, 0, 1, 2], list(random.integers(0, 5, 20)), [1, 0]]
    for name, blank, classes, lengths_of in (("first", 0, 6, lengths), ("middle", 3, 6, lengths), ("last", 5, 6, lengths), ("short", 0, 6, [3, 28, 1, 12, 7, 45, 1])):
        logits = torch.from_numpy(random.normal(len(lengths), max(lengths), classes, scale=2)).requires_grad_()
        labels = [[int(k) + (k >= blank) for k in target] for target in targets]  # every class but the blank
        flat = torch.tensor(sum(labels, []))
        of_targets = torch.tensor([len(target) for target in labels])
        arguments = (functional.log_softmax(logits, -1).transpose(0, 1), flat, torch.tensor(lengths_of), of_targets)
        options = {"blank": blank, "zero_infinity": name == "short"}
        losses = functional.ctc_loss(*arguments, **options, reduction="none")
        losses.sum().backward()
        tensors |= {f"{name}.logits": logits, f"{name}.lengths": lengths_of, f"{name}.labels": flat, f"{name}.label_lengths": of_targets}
        tensors |= {f"{name}.losses": losses, f"{name}.grad": logits.grad, f"{name}.blank": [blank]}
        tensors |= {f"{name}.mean": functional.ctc_loss(*arguments, **options)}
    save("pytorch_ctc", tensors, reduction="none; mean is that of loss / labels; short: with zero_infinity", **ABOUT)


def losses_of_numbers():
    """Huber, absolute error, pinball written out, and the two likelihoods, of outputs side by side in a row."""
    random, tensors = Random(306), {}
    case(tensors, "absolute", random.normal(6, 3), random.normal(6, 3), functional.l1_loss, "predictions")
    for name, delta in {"huber": 1.0, "huber_small": 0.3}.items():
        case(tensors, name, random.normal(6, 3), random.normal(6, 3), lambda x, y: functional.huber_loss(x, y, delta=delta), "predictions")

    levels = torch.tensor([0.1, 0.5, 0.75]).double()
    def pinball(x, y):
        error = y.unsqueeze(1) - x.unflatten(1, (3, 2))  # (rows, levels, targets)
        return torch.maximum(levels[:, None] * error, (levels[:, None] - 1) * error).mean()
    case(tensors, "pinball", random.normal(5, 6), random.normal(5, 2), pinball, "predictions")

    spreads = {"softplus": functional.softplus, "exponential": lambda x: torch.exp(x / 2)}
    gaussian = torch.nn.GaussianNLLLoss(full=True, eps=1e-300)
    for name, spread in spreads.items():
        function = lambda x, y: gaussian(x[:, :3], y, (0.001 + spread(x[:, 3:])) ** 2)
        case(tensors, f"gaussian_{name}", random.normal(6, 6, scale=2), random.normal(6, 3), function, "predictions")
        student = lambda x, y, degrees: -torch.distributions.StudentT(degrees, x[:, :3], 0.001 + spread(x[:, 3:6])).log_prob(y).mean()
        learned = lambda x, y: student(x, y, 2 + functional.softplus(x[:, 6:]))
        case(tensors, f"student_{name}", random.normal(6, 9, scale=3), random.normal(6, 3, scale=4), learned, "predictions")
        fixed = lambda x, y: student(x, y, torch.tensor(4.5).double())
        case(tensors, f"student_fixed_{name}", random.normal(6, 6, scale=2), random.normal(6, 3, scale=4), fixed, "predictions")
    tensors["levels"] = levels
    save("pytorch_losses_of_numbers", tensors, reduction="mean over all targets, and over the levels", **ABOUT)


def clipping():
    """clip_grad_norm_ multiplies by min(1, max_norm / (norm + 1e-6)) and returns the norm before."""
    random, tensors = Random(304), {}
    shapes = {"a": (4, 3), "b": (4,), "c": (2, 5)}
    gradients = {key: random.normal(*shape, scale=0.7) for key, shape in shapes.items()}
    for name, clip in {
        "norm_2": lambda parameters: clip_grad_norm_(parameters, 2.0),
        "norm_1": lambda parameters: clip_grad_norm_(parameters, 1.0),
        "norm_100": lambda parameters: clip_grad_norm_(parameters, 100.0),
        "value_0.5": lambda parameters: clip_grad_value_(parameters, 0.5),
    }.items():
        parameters = {key: torch.zeros(shape, dtype=torch.float64, requires_grad=True) for key, shape in shapes.items()}
        for key, parameter in parameters.items():
            parameter.grad = torch.from_numpy(gradients[key].copy())
        norm = clip(parameters.values())
        tensors |= {f"{name}.{key}": parameter.grad for key, parameter in parameters.items()}
        if norm is not None:
            tensors["norm"] = norm
    save("pytorch_clipping", tensors | gradients, **ABOUT)


torch.set_num_threads(1)
binary_cross_entropy()
cross_entropy()
linear_cross_entropy()
mean_squared_error()
ctc()
losses_of_numbers()
clipping()
