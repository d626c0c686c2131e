"""The article's Keras plan on IMDB: two stacked LSTMs with recurrent dropout, under masks, TensorFlow backend.

    python keras_sentiment.py --data DIRECTORY --epochs 10 --seed 1 --threads 2

Prints a JSON line per epoch, then the test accuracy with the weights of the lowest validation loss. float32 throughout.
"""

import argparse
import json
import os
import sys
import time

import numpy as np

import imdb

LAYERS = ["embedding", "lstm1", "lstm2", "dense1", "dense2"]


def use_tensorflow(threads):
    """Imports Keras over TensorFlow with that many threads, and returns it."""
    os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    import keras

    return keras


def make_model(keras, dropout=True):
    layers = keras.layers
    recurrent = {"dropout": 0.2, "recurrent_dropout": 0.2} if dropout else {}
    model = keras.Sequential(
        [
            layers.Embedding(imdb.WORDS, 128, mask_zero=True, name="embedding"),
            layers.LSTM(128, return_sequences=True, name="lstm1", **recurrent),
            layers.LSTM(64, name="lstm2", **recurrent),
            layers.Dense(32, activation="relu", name="dense1"),
            layers.Dropout(0.3 if dropout else 0.0),
            layers.Dense(1, activation="sigmoid", name="dense2"),
        ]
    )
    model.build((None, imdb.LENGTH))
    return model


def pytorch_weights(model):
    """Float32 arrays by plain name, in PyTorch's layout: Keras's LSTM order i f c o is i f g o; its one bias is bias_ih, bias_hh is 0."""
    result = {}
    for name in LAYERS:
        first, *rest = (np.asarray(value) for value in model.get_layer(name).get_weights())
        if name == "embedding":
            result["embedding.weight"] = first
        elif name.startswith("lstm"):
            recurrent, bias = rest
            result |= {f"{name}.weight_ih_l0": first.T, f"{name}.weight_hh_l0": recurrent.T}
            result |= {f"{name}.bias_ih_l0": bias, f"{name}.bias_hh_l0": np.zeros_like(bias)}
        else:
            result |= {f"{name}.weight": first.T, f"{name}.bias": rest[0]}
    return {name: np.ascontiguousarray(value, np.float32) for name, value in result.items()}


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", required=True, help="directory with train.tsv.gz and test.tsv.gz")
    options.add_argument("--epochs", type=int, default=10)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--limit", type=int, help="only the first rows of both files")
    options.add_argument("--save-init", metavar="FILE", help="the initial weights, safetensors, PyTorch's layout")
    options.add_argument("--losses", metavar="FILE", help="the mean training loss of the epoch so far after every batch, a line each")
    options = options.parse_args()

    keras = use_tensorflow(options.threads)
    keras.utils.set_random_seed(options.seed)
    data = imdb.load(options.data, options.limit)
    model = make_model(keras)
    if options.save_init:
        from safetensors.numpy import save_file

        save_file(pytorch_weights(model), options.save_init)
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="binary_crossentropy", metrics=["accuracy"])
    model.summary(print_fn=lambda text, **_: print(text, file=sys.stderr))

    class Report(keras.callbacks.Callback):
        best_epoch, best_loss = 0, float("inf")

        def on_train_begin(self, logs=None):
            self.losses = []

        def on_epoch_begin(self, epoch, logs=None):
            self.start = time.perf_counter()

        def on_train_batch_end(self, batch, logs=None):
            self.losses.append(logs["loss"])

        def on_test_begin(self, logs=None):
            self.seconds = time.perf_counter() - self.start

        def on_epoch_end(self, epoch, logs=None):
            if logs["val_loss"] < self.best_loss:
                self.best_loss, self.best_epoch = logs["val_loss"], epoch + 1
            line = {"epoch": epoch + 1, "train_loss": logs["loss"], "train_accuracy": logs["accuracy"]}
            line |= {"validation_loss": logs["val_loss"], "validation_accuracy": logs["val_accuracy"]}
            print(json.dumps(line | {"seconds": round(self.seconds, 1)}), flush=True)

    report = Report()
    model.fit(
        *data["train"],
        validation_data=data["validation"],
        epochs=options.epochs,
        batch_size=64,
        verbose=0,
        callbacks=[
            keras.callbacks.EarlyStopping(monitor="val_loss", patience=3, restore_best_weights=True),
            keras.callbacks.ReduceLROnPlateau(monitor="val_loss", patience=2, factor=0.5),
            report,
        ],
    )
    if options.losses:
        with open(options.losses, "w") as file:
            file.writelines(f"{loss:.9g}\n" for loss in report.losses)
    test_loss, test_accuracy = model.evaluate(*data["test"], batch_size=128, verbose=0)
    line = {"best_epoch": report.best_epoch, "test_loss": test_loss, "test_accuracy": test_accuracy, "seed": options.seed}
    print(json.dumps(line | {"framework": f"keras {keras.__version__} tensorflow", "threads": options.threads}), flush=True)


if __name__ == "__main__":
    main()
