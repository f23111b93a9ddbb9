"""From what a store lacks to recorded epochs.

    plan           the runs of experiments, what is missing of them, and in what tasks
    session        trains what is missing, with the resources at hand
    progress       shows how far that is
    processes      a process for each task
    cluster        the workers of a Dask cluster
    run            one run, its checkpoints
    stop           Ctrl-C and SIGTERM, between epochs
    group          runs side by side as one program on JAX
    machine        on what is computed, but for Keras
    environment    on what is trained
    doctor         what this machine can do, and what it lacks

Planning imports neither Keras nor TensorFlow; `run`, `group` and `environment` do.
"""
