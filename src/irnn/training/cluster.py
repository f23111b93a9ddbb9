"""Tasks handed to the workers of a Dask cluster."""

import os
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager

from irnn.errors import Unavailable
from irnn.store import Store
from irnn.training.plan import Task
from irnn.training.processes import work


@contextmanager
def work_on(address: str, tasks: list[Task], store: Store) -> Iterator[list[Future]]:
    """Hand tasks to the workers of a Dask cluster; otherwise as `processes.work_on`.

    A worker that dies loses its task to another, which goes on from the run's last epoch.

    Raises:
        Unavailable: Where Dask is not installed, no scheduler answers at the address, or a
            worker does not see the store.

    """
    try:
        import distributed
    except ImportError:
        raise Unavailable(
            "--cluster needs Dask: pip install distributed, here and where the workers are"
        ) from None
    try:
        client = distributed.Client(address, timeout=10)
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise Unavailable(
            f"no Dask scheduler answers at {address!r} ({reason}); "
            "start one with `dask scheduler`, which prints its address"
        ) from None
    with client:
        store.make()
        for worker, sees in client.run(os.path.isdir, str(store.root.absolute())).items():
            if not sees:
                raise Unavailable(
                    f"the worker {worker} does not see the store {store.root}; "
                    "the store must be a folder that all of the cluster shares (--runs-dir)"
                )
        stop = distributed.Event(client=client)
        executor = client.get_executor(pure=False)
        try:
            yield [executor.submit(work, task, stop) for task in tasks]
        finally:
            stop.set()
            executor.shutdown(wait=False)
