"""PyTorch modules and what they compute: state dictionaries in safetensors and JSON, GuitarML's JSON, .nam.

Writes tests/data/io/pytorch_*, guitarml_*, nam_*, and pytorch.safetensors with NAME.x (T, D) or ids (T) and NAME.y, in float64.
Weights are distinct random float32 numbers (rounded on to the type of the file); outputs are in float64.
`../../venv/bin/python make_pytorch.py`
"""

import copy
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data" / "io"
sys.path.insert(0, str(ROOT / "tools"))

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

from network import write_safetensors

torch.set_num_threads(1)
expected = {}
random = np.random.Generator(np.random.PCG64(6))


def fill(module, scale=0.5):
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.from_numpy((scale * random.standard_normal(parameter.shape)).astype(np.float32)))
    return module


def exact(module, kind=torch.float32):
    return copy.deepcopy(module).to(kind).to(torch.float64)


def remember(name, x, y):
    expected[f"{name}.x"] = x.detach().numpy() if hasattr(x, "detach") else x
    expected[f"{name}.y"] = y.detach().numpy()


def steps(length, values):
    return torch.from_numpy(random.standard_normal((length, values)).astype(np.float32)).double()


class Tagger(nn.Module):
    """Names inside names, several layers, both directions."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.ModuleDict({"embed": nn.Embedding(6, 3), "rnn": nn.LSTM(3, 4, num_layers=2, bidirectional=True)})
        self.head = nn.Sequential(nn.Linear(8, 3), nn.Tanh(), nn.Linear(3, 2))

    def forward(self, ids):
        return self.head(self.encoder["rnn"](self.encoder["embed"](ids))[0])


tagger = fill(Tagger())
ids = torch.from_numpy(random.integers(0, 6, 8))
for name, kind in {"f32": torch.float32, "f64": torch.float64, "f16": torch.float16, "bf16": torch.bfloat16}.items():
    module = copy.deepcopy(tagger).to(kind)
    save_file(module.state_dict(), DATA / f"pytorch_tagger_{name}.safetensors")
    remember(f"pytorch_tagger_{name}", ids, exact(tagger, kind)(ids))

for name, module in {
    "pytorch_rnn_relu": nn.RNN(2, 3, nonlinearity="relu"), "pytorch_rnn_no_bias": nn.RNN(2, 3, bias=False),
    "pytorch_gru": nn.GRU(2, 3, num_layers=2), "pytorch_lstm_projected": nn.LSTM(2, 4, proj_size=3),
}.items():
    save_file(fill(module).state_dict(), DATA / f"{name}.safetensors")
    x = steps(8, 2)
    remember(name, x, exact(module)(x)[0])


class TwoLayers(nn.Module):
    """As the PyTorch examples of RTNeural: the state dictionary as JSON."""

    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(1, 3)
        self.gru2 = nn.GRU(3, 3, num_layers=2)
        self.dense = nn.Linear(3, 1)

    def forward(self, x):
        return self.dense(self.gru2(self.gru(x)[0])[0])


def lists(state):
    return {name: value.tolist() for name, value in state.items()}


module = fill(TwoLayers())
x = steps(10, 1)
remember("pytorch_state_dict", x, exact(module)(x))
(DATA / "pytorch_state_dict.json").write_text(json.dumps(lists(module.state_dict())) + "\n")


class SimpleRNN(nn.Module):
    """Automated-GuitarAmpModelling's: one recurrent module, a linear layer, the first inputs added to the outputs."""

    def __init__(self, unit_type, input_size, hidden_size, num_layers, skip, bias, output_size=1):
        super().__init__()
        self.rec = getattr(nn, unit_type)(input_size, hidden_size, num_layers)
        self.lin = nn.Linear(hidden_size, output_size, bias=bias)
        self.data = {
            "model": "SimpleRNN", "input_size": input_size, "skip": skip, "output_size": output_size, "unit_type": unit_type,
            "num_layers": num_layers, "hidden_size": hidden_size, "bias_fl": bias,
        }

    def forward(self, x):
        y = self.lin(self.rec(x)[0])
        return y + x[:, : self.data["skip"]] if self.data["skip"] else y


for name, arguments in {
    "guitarml_lstm": ("LSTM", 1, 5, 1, 1, True), "guitarml_gru": ("GRU", 2, 4, 2, 1, True), "guitarml_rnn": ("RNN", 1, 4, 1, 0, False),
}.items():
    module = fill(SimpleRNN(*arguments))
    x = steps(20, arguments[1])
    remember(name, x, exact(module)(x))
    (DATA / f"{name}.json").write_text(json.dumps({"model_data": module.data, "state_dict": lists(module.state_dict())}) + "\n")


def nam(name, inputs, hidden, layers, outputs=1, **config):
    """The flat list of Neural Amp Modeler: rows of [W U], the sum of the biases, h, c, layer by layer; then the head."""
    core, head = fill(nn.LSTM(inputs, hidden, layers)), fill(nn.Linear(hidden, outputs))
    with torch.no_grad():
        for k in range(layers):
            getattr(core, f"bias_hh_l{k}").zero_()  # the file has their sum, in float
    states = [torch.from_numpy((0.7 * random.standard_normal((layers, hidden))).astype(np.float32)) for _ in "hc"]
    weights = []
    for k in range(layers):
        both = torch.cat([getattr(core, f"weight_ih_l{k}"), getattr(core, f"weight_hh_l{k}")], dim=1)
        weights += [both, getattr(core, f"bias_ih_l{k}"), states[0][k], states[1][k]]
    weights += [head.weight, head.bias]
    flat = np.concatenate([value.detach().numpy().ravel() for value in weights]).tolist()
    x = steps(20, inputs)
    y = exact(head)(exact(core)(x, tuple(state.double() for state in states))[0])
    remember(name, x, y)
    content = {
        "version": "0.5.4", "metadata": {"name": "made up", "loudness": -18.25, "gain": 0.5, "date": {"year": 2026, "month": 11}, "year": "2026"},
        "architecture": "LSTM", "config": {"input_size": inputs, "hidden_size": hidden, "num_layers": layers} | config,
        "weights": flat, "sample_rate": 48000,
    }
    (DATA / f"{name}.nam").write_text(json.dumps(content) + "\n")


nam("nam_lstm", 1, 3, 2)
nam("nam_stereo", 2, 4, 1, 2, in_channels=2, out_channels=2)
expected = {name: np.ascontiguousarray(value) for name, value in expected.items()}
write_safetensors(DATA / "pytorch.safetensors", expected, {"generator": "tests/io/make_pytorch.py", "framework": f"torch {torch.__version__}"})
