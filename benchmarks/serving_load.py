"""Load on an inference server; runs in its environment: URL PROTOCOL MODEL EVENTS.npz ROWS CLIENTS SECONDS; JSON.

Every client is a thread with a connection of its own, which sends the next request when the last one is answered.
"""

import importlib
import json
import sys
import threading
import time

import numpy as np

TYPES = {"uint32": "UINT32", "float32": "FP32"}


def client(module, url, model, given, until, seconds):  # noqa: PLR0917
    """Ask until the time is over; append the seconds of every request."""
    connection = module.InferenceServerClient(url)
    inputs = []
    for name, values in given.items():
        one = module.InferInput(name, list(values.shape), TYPES[str(values.dtype)])
        one.set_data_from_numpy(values)
        inputs.append(one)
    wanted = [module.InferRequestedOutput("charges")]
    while time.perf_counter() < until:
        start = time.perf_counter()
        connection.infer(model, inputs, outputs=wanted).as_numpy("charges")
        seconds.append(time.perf_counter() - start)


def main(url, protocol, model, events, rows, clients, duration):  # noqa: PLR0917
    """Measure and print."""
    module = importlib.import_module(f"tritonclient.{protocol}")
    rows = int(rows)
    with np.load(events) as arrays:
        given = {name: np.resize(arrays[name], (rows, *arrays[name].shape[1:])) for name in arrays.files}
    lists = [[] for _ in range(int(clients))]
    client(module, url, model, given, time.perf_counter() + 0.5, [])
    start = time.perf_counter()
    threads = [
        threading.Thread(target=client, args=(module, url, model, given, start + float(duration), one)) for one in lists
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken, seconds = time.perf_counter() - start, np.concatenate(lists)
    print(
        json.dumps(
            {
                "requests_per_s": len(seconds) / taken,
                "p50_ms": float(np.quantile(seconds, 0.5)) * 1e3,
                "p99_ms": float(np.quantile(seconds, 0.99)) * 1e3,
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
