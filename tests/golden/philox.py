"""The library's random numbers (core/random.hpp), so that a fixture may hold a mask that a layer draws by itself."""

import numpy as np

LOW = 0xFFFFFFFF


def philox(counter, key):
    """Philox4x32-10 of Salmon et al. 2011: four words from four and two."""
    c, (k0, k1) = list(counter), key
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [b >> 32 ^ c[1] ^ k0, b & LOW, a >> 32 ^ c[3] ^ k1, a & LOW]
        k0, k1 = k0 + 0x9E3779B9 & LOW, k1 + 0xBB67AE85 & LOW
    return c


def words_of(key):
    return key & LOW, key >> 32


def join_keys(a, b):
    words = philox([*words_of(b), 0x6B657973, 0], words_of(a))
    return words[1] << 32 | words[0]


def child(layer, k):
    """Context::layer of the k-th part of a layer."""
    return join_keys(layer, k + 1)


def weight_mask(seed, step, layer, rate, rows, columns):
    """What RecurrentOptions::weight_dropout draws for the first weight_hh of a layer: the mask of number 200."""
    key = words_of(join_keys(join_keys(seed, step), join_keys(layer, 200)))
    of_column = lambda j: [word for u in range(0, rows, 4) for word in philox([u // 4, j, 0, 0], key)][:rows]
    words = np.array([of_column(j) for j in range(columns)]).T
    return np.where(words < int(rate * 2**32), 0.0, 1 / (1 - rate))


def attention_mask(seed, step, rate, batch, queries, keys):
    """What AttentionOptions::dropout draws for one head in the first attention of a Composite, all keys being seen: (batch, queries, keys)."""
    key = words_of(join_keys(join_keys(seed, step), join_keys(child(0, 1 << 33), 0)))
    of_query = lambda b, t: [word for s in range(0, keys, 4) for word in philox([s // 4, t, b, 0], key)][:keys]
    words = np.array([[of_query(b, t) for t in range(queries)] for b in range(batch)])
    return np.where(words < int(rate * 2**32), 0.0, 1 / (1 - rate))
