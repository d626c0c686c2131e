"""The first training losses of one of the article's plans without dropout, with what is needed to repeat them elsewhere.

    python first_losses.py lstm   --data DIRECTORY --out DIRECTORY      Keras/TensorFlow, Adam 1e-3, masks, no clipping
    python first_losses.py bilstm --data DIRECTORY --out DIRECTORY      PyTorch, Adam 1e-3 with L2 1e-5, norm clipped to 1

Files written into the output directory, PLAN being lstm or bilstm:

    PLAN_initial.safetensors   F32, PyTorch's names and layout (gate rows i f g o, Dense (out, in)):
        lstm:   embedding.weight (20000,128), lstm1.{weight_ih_l0,weight_hh_l0,bias_ih_l0,bias_hh_l0} (D 128, H 128), lstm2.* (D 128, H 64),
                dense1.{weight (32,64), bias}, dense2.{weight (1,32), bias}. Keras has one bias: bias_hh_l0 is 0 and not trained.
        bilstm: embedding.weight (row 0 is 0 and stays 0), lstm.{...}_l0, _l0_reverse, _l1, _l1_reverse (D 128, then 512; H 256),
                dense1.{weight (64,512), bias}, dense2.{weight (2,64), bias}. bias_ih and bias_hh are both trained.
    PLAN_batches.safetensors   I32: ids (batches, 64, 200), 0 behind the end; labels (batches, 64).
    PLAN_losses.txt            the loss on each batch before its step, a line each.
    PLAN_losses_reversed.txt   the same with the rows of every batch in reverse order (`--variants reversed`): nothing but the order of sums differs.
    PLAN_losses_float64.txt    the same in double precision from the same weights (`--variants float64`).
    lstm_losses_sparse.txt     the same as Keras over TensorFlow trains by itself, see below (`--variants sparse`).

Training amplifies rounding, 1e5 to 1e6 times within 70 batches. Two float32 runs of one framework that differ by the order of the rows alone
part by more than 1e-3 at batch 77 (lstm) and 71 (bilstm) with seed 1, and with every other seed tried (2 to 8, lstm) before batch 100. So
PLAN_losses_reversed.txt says how far float32 losses can be asked to agree, and PLAN_losses_float64.txt is what a double implementation follows to the end.

Under TensorFlow the gradient of an embedding is a list of slices, one for each occurrence of a word. Keras 3.15's Adam squares
the slices one by one, so the second moment of a word that occurs twice in a batch gets the sum of the squares, not the square
of the sum. PLAN_losses.txt sums first, which is Adam as published, and what Keras does over its other backends.
"""

import argparse
import pathlib
import sys

import numpy as np
from safetensors.numpy import save_file

import imdb


def choose_batches(data, seed, count):
    ids, labels = data["train"]
    order = np.random.default_rng(seed).permutation(len(ids))[: count * 64]
    return ids[order].reshape(count, -1, imdb.LENGTH), labels[order].reshape(count, -1).astype(np.int32)


def write_losses(path, losses):
    path.write_text("".join(f"{loss:.17g}\n" for loss in losses))


def keras_losses(options, batches):
    """The initial weights, and a function that trains one variant."""
    from keras_sentiment import make_model, pytorch_weights, use_tensorflow

    keras = use_tensorflow(options.threads)
    import tensorflow as tf

    keras.utils.set_random_seed(options.seed)
    first = make_model(keras, dropout=False)
    initial = first.get_weights()

    def train(variant):
        precision = "float64" if variant == "float64" else "float32"
        keras.config.set_floatx(precision)
        keras.config.set_dtype_policy(precision)
        model = make_model(keras, dropout=False)
        model.set_weights(initial)
        # As plain floats Keras would round the betas to float32 in the bias corrections, also in double precision.
        optimizer = keras.optimizers.Adam(1e-3, beta_1=np.float64(0.9), beta_2=np.float64(0.999))
        loss_function = keras.losses.BinaryCrossentropy()
        optimizer.build(model.trainable_variables)

        @tf.function
        def step(ids, labels):
            with tf.GradientTape() as tape:
                loss = loss_function(labels, model(ids, training=True))
            gradients = tape.gradient(loss, model.trainable_variables)
            if variant != "sparse":
                gradients = [tf.convert_to_tensor(part) for part in gradients]
            optimizer.apply(gradients, model.trainable_variables)
            return loss

        return [float(step(ids, labels[:, None].astype(precision))) for ids, labels in zip(*batches(variant))]

    return pytorch_weights(first), train


def pytorch_losses(options, batches):
    """The initial weights, and a function that trains one variant."""
    import copy

    import torch

    from pytorch_sentiment import Sentiment, train_step

    torch.set_flush_denormal(True)
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    first = Sentiment(dropout=0.0)

    def train(variant):
        model = copy.deepcopy(first)
        if variant == "float64":
            model.double()
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-5)
        losses = []
        for batch in zip(*batches(variant)):
            losses.append(train_step(model, optimizer, *(torch.from_numpy(part.astype(np.int64)) for part in batch))[0])
            if len(losses) % 10 == 0:
                print(f"{variant}: {len(losses)} batches, loss {losses[-1]:.4f}", file=sys.stderr)
        return losses

    return {name: parameter.detach().numpy().copy() for name, parameter in first.named_weights()}, train


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("plan", choices=["lstm", "bilstm"])
    options.add_argument("--data", required=True, help="directory with train.tsv.gz and test.tsv.gz")
    options.add_argument("--out", required=True, type=pathlib.Path)
    options.add_argument("--variants", nargs="+", default=["plain"], choices=["plain", "reversed", "float64", "sparse"])
    options.add_argument("--batches", type=int, default=100)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--threads", type=int, default=2)
    options = options.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    ids, labels = choose_batches(imdb.load(options.data), options.seed, options.batches)

    def batches(variant):
        return (ids[:, ::-1], labels[:, ::-1]) if variant == "reversed" else (ids, labels)

    initial, train = {"lstm": keras_losses, "bilstm": pytorch_losses}[options.plan](options, batches)
    save_file(initial, options.out / f"{options.plan}_initial.safetensors")
    save_file({"ids": ids, "labels": labels}, options.out / f"{options.plan}_batches.safetensors")
    for variant in options.variants:
        suffix = "" if variant == "plain" else f"_{variant}"
        write_losses(options.out / f"{options.plan}_losses{suffix}.txt", train(variant))


if __name__ == "__main__":
    main()
