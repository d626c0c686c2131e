"""nn.MultiheadAttention with a key_padding_mask, and attention written out: Luong's dot, general and local-m, Bahdanau's, a dropout's. Outputs, weights, all gradients."""

import torch
from torch import nn

from fixture import Random, save
from philox import attention_mask

ABOUT = {"generator": "tests/golden/pytorch_attention.py", "framework": f"torch {torch.__version__}"}
QUERY_LENGTHS, KEY_LENGTHS = torch.tensor([3, 1, 5, 4]), torch.tensor([4, 6, 1, 3])


def valid(lengths):
    """(B, T)"""
    return torch.arange(int(lengths.max())) < lengths[:, None]


def leaf(value):
    return torch.from_numpy(value).requires_grad_()


def with_gradients(random, inputs, f, queries=QUERY_LENGTHS):
    """f gives y (B, T, ..), and what else is stored."""
    y, others = f(**inputs)
    y = torch.where(valid(queries)[..., None], y, 0.0)
    weights = torch.from_numpy(random.normal(*y.shape))
    loss = (weights * y).sum()
    loss.backward()
    tensors = inputs | others | {"y": y, "r.y": weights, "loss": loss}
    return tensors | {f"grad.{key}": value.grad for key, value in inputs.items()}


def store(name, cases, **metadata):
    tensors = {f"{variant}.{key}": value for variant, case in cases.items() for key, value in case.items()}
    tensors |= {"query_lengths": QUERY_LENGTHS, "key_lengths": KEY_LENGTHS}
    save(name, tensors, variants=" ".join(cases), **metadata, **ABOUT)


def projections(random, units, features, outputs, bias):
    """By the names of our MultiHeadAttention."""
    named = {}
    for part, columns in zip(["query", "key", "value"], features):
        named[f"{part}.weight"] = leaf(random.normal(units, columns, scale=0.6))
        if bias:
            named[f"{part}.bias"] = leaf(random.normal(units, scale=0.6))
    named["output.weight"] = leaf(random.normal(outputs, units, scale=0.6))
    if bias:
        named["output.bias"] = leaf(random.normal(outputs, scale=0.6))
    return named


def call(layer, named, q, k, v, lengths, **how):
    """nn.MultiheadAttention with these parameters, which keep their gradients."""
    p = {"out_proj.weight": named["output.weight"]}
    weights = [named[f"{part}.weight"] for part in ["query", "key", "value"]]
    if layer.in_proj_weight is not None:
        p["in_proj_weight"] = torch.cat(weights)
    else:
        p |= dict(zip(["q_proj_weight", "k_proj_weight", "v_proj_weight"], weights))
    if "query.bias" in named:
        p["in_proj_bias"] = torch.cat([named[f"{part}.bias"] for part in ["query", "key", "value"]])
        p["out_proj.bias"] = named["output.bias"]
    y, of_heads = torch.func.functional_call(
        layer, p, (q, k, v), {"key_padding_mask": ~valid(lengths), "average_attn_weights": False} | how
    )
    return y, {"weights": of_heads.transpose(1, 2)}


def multi_head():
    random, cases = Random(601), {}
    batch, queries, keys = len(QUERY_LENGTHS), int(QUERY_LENGTHS.max()), int(KEY_LENGTHS.max())

    layer = nn.MultiheadAttention(6, 3, kdim=4, vdim=5, batch_first=True, dtype=torch.float64)
    named = projections(random, 6, [6, 4, 5], 6, True)
    inputs = {"q": leaf(random.normal(batch, queries, 6)), "k": leaf(random.normal(batch, keys, 4)), "v": leaf(random.normal(batch, keys, 5))}
    cases["cross"] = with_gradients(random, named | inputs, lambda q, k, v, **p: call(layer, p, q, k, v, KEY_LENGTHS))

    unbiased = nn.MultiheadAttention(6, 2, bias=False, batch_first=True, dtype=torch.float64)
    named = projections(random, 6, [6, 6, 6], 6, False)
    later = torch.ones(keys, keys, dtype=torch.bool).triu(1)
    x = {"x": leaf(random.normal(batch, keys, 6))}
    cases["self"] = with_gradients(
        random, named | x, lambda x, **p: call(unbiased, p, x, x, x, KEY_LENGTHS, attn_mask=later), queries=KEY_LENGTHS
    )
    store("pytorch_multi_head_attention", cases)


def written_out():
    random, cases = Random(602), {}
    batch, queries, keys = len(QUERY_LENGTHS), int(QUERY_LENGTHS.max()), int(KEY_LENGTHS.max())
    seen = valid(KEY_LENGTHS)[:, None, :]

    def attend(scores, values, sees=seen):
        weights = scores.masked_fill(~sees, -torch.inf).softmax(2)
        weights = torch.where(sees.any(2, keepdim=True), weights, 0.0)  # a window without a key
        return weights @ values, {}

    def inputs(q, k):
        return {"q": leaf(random.normal(batch, queries, q)), "k": leaf(random.normal(batch, keys, k))}

    near = (torch.arange(queries)[:, None] - torch.arange(keys)).abs() <= 1
    cases["dot"] = with_gradients(random, inputs(3, 3), lambda q, k: attend(q @ k.mT, k))
    cases["local"] = with_gradients(random, inputs(3, 3), lambda q, k: attend(q @ k.mT, k, seen & near))
    weight = {"project.weight": leaf(random.normal(3, 5))}
    cases["general"] = with_gradients(random, weight | inputs(3, 5), lambda q, k, **p: attend(q @ p["project.weight"] @ k.mT, k))
    parameters = {"weight_query": leaf(random.normal(4, 3)), "weight_key": leaf(random.normal(4, 5))}
    parameters |= {"bias": leaf(random.normal(4)), "score": leaf(random.normal(4))}
    cases["bahdanau"] = with_gradients(
        random,
        parameters | inputs(3, 5),
        lambda q, k, weight_query, weight_key, bias, score: attend(
            torch.tanh((q @ weight_query.T)[:, :, None] + (k @ weight_key.T + bias)[:, None]) @ score, k
        ),
    )
    rate, seed, step = 0.4, 9, 4
    mask = torch.from_numpy(attention_mask(seed, step, rate, batch, queries, keys))
    cases["dropped"] = with_gradients(
        random, inputs(3, 3), lambda q, k: ((q @ k.mT).masked_fill(~seen, -torch.inf).softmax(2) * mask @ k, {})
    )
    store("pytorch_attention", cases, window=1, dropout=rate, seed=seed, step=step)


torch.set_num_threads(1)
multi_head()
written_out()
