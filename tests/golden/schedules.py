"""Learning rates, epoch by epoch, of PyTorch's schedulers and of both ReduceLROnPlateau rules; Keras's EarlyStopping.

rates of CASE: CASE.rates[k] is the rate used in epoch k (k = 0, 1, ...): the scheduler or callback steps after each epoch.
Plateau cases read CASE.losses[k], the monitored loss of epoch k. The metadata `options.CASE` say which rule ran.
"""

import json
import os

os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}

import keras
import numpy as np
import torch
from torch.optim import lr_scheduler

from fixture import save

keras.config.set_floatx("float64")

# Falls, stalls within the thresholds, rises, falls by less and by more than 1e-4, stalls for long.
LOSSES = [0.7, 0.6, 0.59995, 0.59992, 0.61, 0.62, 0.5, 0.5, 0.49996, 0.49992, 0.48, 0.49, 0.50, 0.51, 0.48, 0.48, 0.47996, 0.48]
LOSSES += [0.3, 0.31, 0.32, 0.33, 0.34, 0.35, 0.36, 0.37, 0.38, 0.29, 0.29, 0.29, 0.29, 0.29, 0.29, 0.29, 0.29, 0.29, 0.29, 0.29]

PYTORCH = {
    "step": ("StepLR", {"step_size": 3, "gamma": 0.5}),
    "exponential": ("ExponentialLR", {"gamma": 0.9}),
    "cosine": ("CosineAnnealingLR", {"T_max": 10, "eta_min": 1e-5}),
    "warm_up": ("LinearLR", {"start_factor": 0.2, "total_iters": 4}),
}
PYTORCH_PLATEAU = {
    "pytorch_plateau": {"factor": 0.1, "patience": 2},
    "pytorch_plateau_cooldown": {"factor": 0.5, "patience": 1, "cooldown": 2},
    "pytorch_plateau_absolute": {"factor": 0.5, "patience": 2, "threshold": 1e-4, "threshold_mode": "abs"},
    "pytorch_plateau_min_lr": {"factor": 0.1, "patience": 0, "min_lr": 5e-6},
}
KERAS_PLATEAU = {
    "keras_plateau": {"factor": 0.5, "patience": 2},
    "keras_plateau_default_delta": {"factor": 0.1, "patience": 3, "min_delta": 1e-4},
    "keras_plateau_cooldown": {"factor": 0.5, "patience": 1, "cooldown": 2},
    "keras_plateau_min_lr": {"factor": 0.1, "patience": 1, "min_lr": 5e-6},
}
EARLY_STOPPING = {
    "early_stopping": {"patience": 3},
    "early_stopping_min_delta": {"patience": 3, "min_delta": 0.05},
    "early_stopping_patience_0": {"patience": 0},
    "early_stopping_start_from_epoch": {"patience": 2, "start_from_epoch": 4},
    "early_stopping_never": {"patience": 50},
}


def optimizer():
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1e-3)


def pytorch_rates(make, epochs, losses=None):
    target = optimizer()
    schedule, rates = make(target), []
    for epoch in range(epochs):
        rates.append(target.param_groups[0]["lr"])
        target.step()
        schedule.step(*([] if losses is None else [losses[epoch]]))
    return rates


def keras_model():
    model = keras.Sequential([keras.layers.Dense(1)])
    model.build((1, 1))
    model.compile(optimizer=keras.optimizers.SGD(learning_rate=1e-3), loss="mse")
    return model


def keras_rates(options):
    model, rates = keras_model(), []
    callback = keras.callbacks.ReduceLROnPlateau(monitor="val_loss", **options)
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, loss in enumerate(LOSSES):
        rates.append(float(model.optimizer.learning_rate.numpy()))
        callback.on_epoch_end(epoch, {"val_loss": loss})
    return rates


def keras_stop(options):
    """[the last epoch run, the epoch whose weights are restored]."""
    model = keras_model()
    callback = keras.callbacks.EarlyStopping(monitor="val_loss", restore_best_weights=True, **options)
    callback.set_model(model)
    callback.on_train_begin()
    model.stop_training = False
    for epoch, loss in enumerate(LOSSES):
        model.set_weights([np.array([[float(epoch)]]), np.zeros(1)])
        callback.on_epoch_end(epoch, {"val_loss": loss})
        if model.stop_training:
            break
    callback.on_train_end()
    return [epoch, int(model.get_weights()[0][0, 0])]


def main():
    tensors, about = {"plateau.losses": LOSSES}, {}
    for name, (rule, options) in PYTORCH.items():
        tensors[f"{name}.rates"] = pytorch_rates(lambda target: getattr(lr_scheduler, rule)(target, **options), 25)
        about[f"options.{name}"] = json.dumps({"rule": rule} | options)

    def warm_up_then_cosine(target):
        parts = [lr_scheduler.LinearLR(target, 0.2, total_iters=4), lr_scheduler.CosineAnnealingLR(target, 15)]
        return lr_scheduler.SequentialLR(target, parts, milestones=[5])

    tensors["warm_up_then_cosine.rates"] = pytorch_rates(warm_up_then_cosine, 20)
    about["options.warm_up_then_cosine"] = json.dumps({"rule": "SequentialLR", "milestone": 5, "start_factor": 0.2, "total_iters": 4, "T_max": 15})
    for name, options in PYTORCH_PLATEAU.items():
        tensors[f"{name}.rates"] = pytorch_rates(lambda target: lr_scheduler.ReduceLROnPlateau(target, **options), len(LOSSES), LOSSES)
        about[f"options.{name}"] = json.dumps({"rule": "torch ReduceLROnPlateau"} | options)
    for name, options in KERAS_PLATEAU.items():
        tensors[f"{name}.rates"] = keras_rates(options)
        about[f"options.{name}"] = json.dumps({"rule": "keras ReduceLROnPlateau"} | options)
    for name, options in EARLY_STOPPING.items():
        tensors[f"{name}.stopped_and_restored"] = keras_stop(options)
        about[f"options.{name}"] = json.dumps({"rule": "keras EarlyStopping"} | options)
    framework = f"torch {torch.__version__}, keras {keras.__version__}"
    save("schedules", tensors, generator="tests/golden/schedules.py", framework=framework, initial_rate="0.001", **about)


main()
