"""The rows of benchmarks/block_softmax.cpp in PyTorch: linear and cross_entropy, forward and backward.

    python pytorch_softmax.py V:10000/N:2048/D:256 --threads 1 --steps 5

Prints the milliseconds of each step and the process's largest memory, as rows.py says.
"""

import torch
from torch.nn import functional

import rows


def main():
    options = rows.options(__doc__)
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    n = rows.sizes(options.row)
    weight = ((torch.rand(n["V"], n["D"]) * 2 - 1) / n["D"] ** 0.5).requires_grad_()
    bias = torch.zeros(n["V"], requires_grad=True)
    h = (torch.rand(n["N"], n["D"]) * 2 - 1).requires_grad_()
    labels = torch.randint(0, n["V"], (n["N"],))

    def step(_):
        weight.grad = bias.grad = h.grad = None
        functional.cross_entropy(functional.linear(h, weight, bias), labels).backward()

    rows.serve(step, options.steps)


if __name__ == "__main__":
    main()
