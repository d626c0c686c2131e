"""ONNX graphs that PyTorch's exporter writes, what onnxruntime and PyTorch (float64) compute, and the same through tools/onnx_convert.py.

Writes tests/data/io/onnx_*, and onnx.safetensors with NAME.x (T, D) or ids (T) and NAME.y. `../../venv/bin/python make_onnx.py`
"""

import copy
import pathlib
import sys
import warnings

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data" / "io"
sys.path.insert(0, str(ROOT / "tools"))

import numpy as np
import onnxruntime
import torch
from torch import nn

import onnx_convert
from network import write_safetensors

warnings.simplefilter("ignore")
torch.set_num_threads(1)
random = np.random.Generator(np.random.PCG64(7))
expected = {}


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.rnn, self.head = nn.Embedding(6, 3), nn.GRU(3, 4, bidirectional=True, batch_first=True), nn.Linear(8, 2)

    def forward(self, ids):
        return torch.softmax(self.head(self.rnn(self.embed(ids))[0]), dim=-1)


class Stack(nn.Module):
    """Time first, two layers, a ReLU network behind, PReLU."""

    def __init__(self):
        super().__init__()
        self.lstm, self.rnn, self.head, self.slope = nn.LSTM(2, 4, num_layers=2), nn.RNN(4, 3, nonlinearity="relu"), nn.Linear(3, 2), nn.PReLU(1)

    def forward(self, x):
        return self.slope(self.head(self.rnn(self.lstm(x)[0])[0]))


class Last(nn.Module):
    """The last step of an LSTM, batch first."""

    def __init__(self):
        super().__init__()
        self.lstm, self.head = nn.LSTM(2, 4, batch_first=True), nn.Linear(4, 2)

    def forward(self, x):
        return torch.sigmoid(self.head(self.lstm(x)[0][:, -1]))


ids = torch.from_numpy(random.integers(0, 6, 8))
x = torch.from_numpy(random.standard_normal((8, 2)).astype(np.float32))
for name, module, value, batch_axis in [("onnx_tagger", Tagger(), ids, 0), ("onnx_stack", Stack(), x, 1), ("onnx_last", Last(), x, 0)]:
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.from_numpy((0.5 * random.standard_normal(parameter.shape)).astype(np.float32)))
    batch = value.unsqueeze(batch_axis)
    path = DATA / f"{name}.onnx"
    torch.onnx.export(
        module, (batch,), str(path), input_names=["x"], output_names=["y"], dynamo=False, opset_version=17,
        dynamic_axes={"x": {0: "a", 1: "b"}},
    )
    exact = copy.deepcopy(module).double()
    y = exact(batch if batch.dtype == torch.int64 else batch.double()).detach().numpy().squeeze(batch_axis if name != "onnx_last" else ())
    run = onnxruntime.InferenceSession(str(path)).run(None, {"x": batch.numpy()})[0]
    assert np.abs(run - y.reshape(run.shape)).max() < 2e-6, name
    expected[f"{name}.x"], expected[f"{name}.y"] = value.numpy() if name == "onnx_tagger" else value.double().numpy(), y
    onnx_convert.convert(path, DATA / f"{name}.safetensors")
write_safetensors(DATA / "onnx.safetensors", expected, {"generator": "tests/io/make_onnx.py", "framework": f"torch {torch.__version__}, onnxruntime {onnxruntime.__version__}"})
