"""Writes corpus/: the smallest files of each format, so that a change of a few bytes reaches every line of a reader; the run that
`resume` goes on with and the LSTM of `model_file`, which `load_any` has too, are written by those targets, `resume --write FILE`.
Needs numpy."""

import gzip
import json
import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "tools"))

import network


def put(folders, name, content):
    for folder in folders:
        path = HERE / "corpus" / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content, separators=(",", ":")).encode())


def rtneural(kind, *weights, activation="", shape=1):
    return {"type": kind, "activation": activation, "shape": [None, None, shape], "weights": list(weights)}


lstm = rtneural("lstm", [[0.5, -1, 1, 2]], [[0.25, 1, -1, 0.5]], [1, 0, -0.5, 0.25])
gru = rtneural("gru", [[0.5, -1, 1]], [[0.25, 1, -1]], [[1, 0, -0.5], [0.5, 2, 1]])
dense = rtneural("dense", [[2]], [0.5], activation="tanh")
for name, layers, more in [
    ("lstm", [lstm, dense], {}),
    ("gru", [gru, rtneural("prelu", [[0.5]]), rtneural("activation", activation="softmax"), rtneural("time-distributed-dense", [[1]])], {}),
    ("aidax", [rtneural("dense", [[2]], [0.5])], {
        "in_skip": 1, "in_gain": 1.5, "out_gain": -3, "input_batch": [0, 1, -1], "output_batch": [0.5, 3.5, -2.5],
        "metadata": {"samplerate": "48000", "name": "a"},
    }),
    ("conv1d", [rtneural("conv1d", [[[1]]], [0])], {}),
]:
    put(["rtneural", "load_network", "load_any"], f"{name}.json", {"in_shape": [None, None, 1], "layers": layers} | more)

for unit, gates in {"LSTM": 4, "GRU": 3, "RNN": 1}.items():
    ramp = [[0.25 * k - 0.5] for k in range(gates)]
    bias = [k - 1 for k in range(gates)]
    put(["guitarml", "load_network"], f"{unit.lower()}_guitarml.json", {
        "model_data": {
            "model": "SimpleRNN", "input_size": 1, "skip": 1, "output_size": 1, "unit_type": unit, "num_layers": 1, "hidden_size": 1, "bias_fl": True,
        },
        "state_dict": {
            "rec.weight_ih_l0": ramp, "rec.weight_hh_l0": ramp, "rec.bias_ih_l0": bias, "rec.bias_hh_l0": bias, "lin.weight": [[2]], "lin.bias": [1],
        },
    })

for layers, weights in {1: 16, 2: 30}.items():
    put(["nam", "load_network"], f"{layers}_layers.nam", {
        "version": "0.5.4", "metadata": {"loudness": -20, "date": {"year": 2026}}, "architecture": "LSTM",
        "config": {"input_size": 1, "hidden_size": 1, "num_layers": layers}, "weights": [k % 5 - 2 for k in range(weights)], "sample_rate": 48000,
    })

put(["state_dict"], "a.json", {"rec.weight": [[1, 2], [3, 4]], "rec.bias": [0.5, -1e3], "scale": []})

texts = b"1\tgood film\n0\tno, bad\n"
put(["labelled_text"], "two.tsv", texts)
put(["labelled_text"], "one.txt", b"caf\xc3\xa9\t0\r\n")
put(["gzip"], "two.tsv.gz", gzip.compress(texts, mtime=0))
put(["token_ids"], "labelled.txt", b"1\t3 1 4\n0\t1 5\n")
put(["token_ids"], "plain.txt", b"3 1 4\n\n1 5 9\n")
put(["table"], "times.csv", b"date,a,b\n2016-07-01 00:00:00,1,-0.5\n2016-07-01T01:00:00Z,NA,1e3\n")
put(["table"], "numbers.csv", b'\xef\xbb\xbf"a, b",c\r\n1,\r\n"2",.5\r\n')
put(["conll"], "names.txt", b"-DOCSTART- -X- O O\n\nEU NNP B-NP B-ORG\nrejects VBZ B-VP O\n\ncall\tNN O O\n")
put(["conll"], "words.conllu", b"# text = do n't\n1-2\tdon't" + b"\t_" * 8 + b"\n1\tdo\tdo\tAUX" + b"\t_" * 6 + b"\n2\tn't\tnot\tPART" + b"\t_" * 6 + b"\n")
put(["word_vectors"], "glove.txt", b"a 0.5 -1e2\nb c 1 2\n")
put(["word_vectors"], "word2vec.txt", b"2 2\na 0.5 -1e2 \ncaf\xc3\xa9\t1 2 \r\n")
put(["word_vectors"], "word2vec.bin", b"2 1\na " + np.float32(0.5).tobytes() + b"\nb " + np.float32(-1).tobytes() + b"\n")

put(["vocabulary"], "words.vocabulary", (HERE.parent / "data/files/0.1.0-words.vocabulary").read_bytes())
put(["vocabulary"], "characters.vocabulary", (HERE.parent / "data/files/0.1.0-characters.vocabulary").read_bytes())

put(["byte_pairs"], "merges.txt", "unroll-byte-pairs 1 4\nĠ a\nĠa n\nn é\r\nné né\n".encode())

array = lambda *shape: (np.arange(np.prod(shape)).reshape(shape) / 4 - 0.5).astype(np.float32)
cell = lambda kind, gates, values: {"type": kind, "weight_ih": array(gates, values), "weight_hh": array(gates, 1), "bias_ih": array(gates)}
folder = HERE / "corpus" / "made.safetensors"
for name, layers in {
    "stream": [cell("lstm", 4, 1) | {"initial_h": array(1), "initial_c": array(1)}, {"type": "dense", "weight": array(1, 1)}, {"type": "elu", "alpha": 0.5}],
    "tokens": [
        {"type": "embedding", "weight": array(2, 1)}, {"type": "bidirectional", "merge": "sum", "ahead": cell("gru", 3, 1), "back": cell("gru", 3, 1)},
        cell("gru_reset_before", 3, 1) | {"reverse": True, "final_state": True}, {"type": "prelu", "slope": array(1)},
    ],
}.items():
    network.TEST_STEPS = 2
    network.save(folder, {"layers": layers})
    put(["safetensors", "load_network", "load_any"], f"{name}.safetensors", folder.read_bytes())
folder.unlink()
network.save(folder, {"layers": [{"type": "dense", "weight": array(1, 1), "bias": array(1)}]})
tensors, metadata = network.read_safetensors(folder)
put(["model_file"], "dense.safetensors", folder.read_bytes())
words = {"unroll.tokenizer": "whitespace", "unroll.vocabulary": json.dumps(["<PAD>", "<OOV>", "a"]), "unroll.labels": json.dumps(["no", "yes"])}
network.write_safetensors(folder, tensors, metadata | words)
put(["model_file"], "words.safetensors", folder.read_bytes())
metadata = {"unroll.checkpoint": "1", "value.rate": "3ff0000000000000", "value.steps": "12", "value.done": "true"}
tensors = {"model.weight": array(1, 1), "model.bias": array(1), "losses": np.array([0.5])}
network.write_safetensors(folder, tensors, metadata)
put(["checkpoint"], "run.safetensors", folder.read_bytes())
for code, kind in {"F16": np.float16, "F64": np.float64, "I64": np.int64}.items():
    network.write_safetensors(folder, {"a": np.arange(2).astype(kind)}, {})
    put(["safetensors"], f"{code}.safetensors", folder.read_bytes())
folder.unlink()
rows = {"rnn.weight_ih_l0": array(6, 1), "rnn.weight_hh_l0": array(6, 2), "rnn.bias_ih_l0": array(6), "rnn.bias_hh_l0": array(6)}
rows |= {"fc.weight": array(1, 2), "fc.bias": array(1)}
put(["state_dict"], "gru.json", {name: of.tolist() for name, of in rows.items()})
network.write_safetensors(folder, rows | {"mask": np.arange(2)}, {})
put(["state_dict"], "gru.safetensors", folder.read_bytes())
folder.unlink()
