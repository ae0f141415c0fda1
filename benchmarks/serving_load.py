"""Load on an inference server; runs in its environment: URL PROTOCOL MODEL EVENTS.npz ROWS CLIENTS SECONDS; JSON.

Every client is a thread with a connection of its own, which sends the next request when the last one is answered. The
first one that fails ends all of them: figures of fewer clients than were asked for are none.
"""

import importlib
import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

TYPES = {"uint32": "UINT32", "float32": "FP32"}
ANSWER_WITHIN = 60  # seconds


def connected(module, protocol, url):
    """Return a client, and the limits of its requests."""
    if protocol == "http":
        limits = {"connection_timeout": ANSWER_WITHIN, "network_timeout": ANSWER_WITHIN}
        return module.InferenceServerClient(url, **limits), {}
    return module.InferenceServerClient(url), {"client_timeout": ANSWER_WITHIN}


def asked(module, protocol, url, model, given):
    """Return a function that asks once."""
    connection, limit = connected(module, protocol, url)
    inputs = []
    for name, values in given.items():
        one = module.InferInput(name, list(values.shape), TYPES[str(values.dtype)])
        one.set_data_from_numpy(values)
        inputs.append(one)
    wanted = [module.InferRequestedOutput("charges")]
    return lambda: connection.infer(model, inputs, outputs=wanted, **limit).as_numpy("charges")


def timed(make, until, failed):
    """Return the seconds of every request until the time is over, or a client has failed.

    A client belongs to the thread that made it.
    """
    seconds = []
    try:
        ask = make()
        while time.perf_counter() < until and not failed.is_set():
            start = time.perf_counter()
            ask()
            seconds.append(time.perf_counter() - start)
    except BaseException:
        failed.set()
        raise
    return seconds


def load(make, clients, duration):
    """Return requests per second and the seconds of every request; what a client raises is raised here."""
    failed = threading.Event()
    start = time.perf_counter()
    with ThreadPoolExecutor(clients) as threads:
        lists = list(threads.map(lambda _: timed(make, start + duration, failed), range(clients)))
    seconds = np.concatenate(lists)
    return len(seconds) / (time.perf_counter() - start), seconds


def main(url, protocol, model, events, rows, clients, duration):  # noqa: PLR0917
    """Measure and print."""
    module = importlib.import_module(f"tritonclient.{protocol}")
    with np.load(events) as arrays:
        given = {name: np.resize(arrays[name], (int(rows), *arrays[name].shape[1:])) for name in arrays.files}

    def make():
        return asked(module, protocol, url, model, given)

    load(make, 1, 0.5)
    rate, seconds = load(make, int(clients), float(duration))
    p50, p99 = (float(np.quantile(seconds, q)) * 1e3 for q in (0.5, 0.99))
    print(json.dumps({"requests_per_s": rate, "p50_ms": p50, "p99_ms": p99}))


if __name__ == "__main__":
    main(*sys.argv[1:])
