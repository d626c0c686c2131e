"""RevIN and the subtracted last value, around a linear model of the whole window, written out: outputs and all gradients."""

import torch

from fixture import Random, save

ABOUT = {"generator": "tests/golden/pytorch_window_norm.py", "framework": f"torch {torch.__version__}"}
B, T, D, HORIZON, TARGETS = 4, 5, 3, 2, [2, 0]


def forecast(x, weight, bias, gain=None, shift=None, deviation=False):
    """(B, T, D) -> (B, HORIZON, len(TARGETS))"""
    if deviation:
        middle = x.mean(1, keepdim=True)
        scale = torch.sqrt(x.var(1, keepdim=True, unbiased=False) + 1e-5)
    else:
        middle, scale = x[:, -1:], torch.ones_like(x[:, -1:])
    normal = (x - middle) / scale
    if gain is not None:
        normal = normal * gain + shift
    y = (normal.flatten(1) @ weight.T + bias).unflatten(1, (HORIZON, len(TARGETS)))
    if gain is not None:
        y = (y - shift[TARGETS]) / (gain[TARGETS] + 1e-10)
    return y * scale[:, :, TARGETS] + middle[:, :, TARGETS]


def main():
    random, tensors = Random(351), {}
    x = random.normal(B, T, D, scale=2) + [5, -1, 0]
    r = torch.from_numpy(random.normal(B, HORIZON * len(TARGETS)))
    variants = {"last": {}, "rev_in": {"deviation": True}, "rev_in_affine": {"deviation": True}}
    for name, how in variants.items():
        leaves = {"x": x, "inner.1.weight": random.normal(HORIZON * len(TARGETS), D * T, scale=0.4), "inner.1.bias": random.normal(HORIZON * len(TARGETS))}
        if name == "rev_in_affine":
            leaves |= {"gain": 1 + random.normal(D, scale=0.3), "shift": random.normal(D)}
        leaves = {key: torch.from_numpy(value.copy()).requires_grad_() for key, value in leaves.items()}
        y = forecast(leaves["x"], leaves["inner.1.weight"], leaves["inner.1.bias"], leaves.get("gain"), leaves.get("shift"), **how).flatten(1)
        (r * y).sum().backward()
        tensors |= {f"{name}.y": y} | {f"{name}.{key}": leaf for key, leaf in leaves.items() if key != "x"}
        tensors |= {f"{name}.grad.{key}": leaf.grad for key, leaf in leaves.items()}
    save("pytorch_window_norm", tensors | {"x": x, "r.y": r}, variants=" ".join(variants), targets=str(TARGETS), **ABOUT)


torch.set_num_threads(1)
main()
