"""Rows of the benchmark in Keras over TensorFlow: `sentiment/lstm-dropout/train` and `sentiment/lstm/train`, the article's Keras plan with
and without dropout on inputs and states, a whole training step with clipping of the global norm and Adam.

    python keras_rows.py sentiment/lstm-dropout/train --batches batches.safetensors --threads 1 --steps 10

(Keras knows one form of recurrent dropout, a mask for each gate; it stands beside both of ours.)
"""

import rows
from keras_sentiment import make_model, use_tensorflow


def main():
    options = rows.options(__doc__)
    keras = use_tensorflow(options.threads)
    keras.utils.set_random_seed(1)
    model = make_model(keras, dropout="dropout" in options.row)
    model.compile(optimizer=keras.optimizers.Adam(1e-3, global_clipnorm=1.0), loss="binary_crossentropy")
    ids, labels = rows.read_batches(options.batches)

    def train(k):
        model.train_on_batch(ids[k % len(ids)], labels[k % len(ids)])

    def infer(k):
        model.predict_on_batch(ids[k % len(ids)])

    rows.serve(train if options.row.endswith("/train") else infer, options.steps)


if __name__ == "__main__":
    main()
