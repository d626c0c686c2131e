"""The objective of the goldens of recurrent layers, and its gradients."""

import torch


def with_gradients(inputs, outputs, lengths, random):
    """All tensors of a fixture: loss = sum of r.NAME * NAME over the outputs, grad.NAME its gradient by an input."""
    weights = {key: torch.from_numpy(random.normal(*value.shape)) for key, value in outputs.items()}
    loss = sum((weights[key] * value).sum() for key, value in outputs.items())
    loss.backward()
    tensors = inputs | outputs | {"lengths": lengths, "loss": loss}
    tensors |= {f"r.{key}": value for key, value in weights.items()}
    return tensors | {f"grad.{key}": value.grad for key, value in inputs.items()}
