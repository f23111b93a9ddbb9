"""The command line: `python -m irnn COMMAND`, for each command of `COMMANDS`."""

import signal

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until `main`, Ctrl-C ends it without a traceback

import argparse
import json
import os
import sys
import textwrap
import traceback
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import ModuleType

import irnn
from irnn import chapters, data, parameters, probes
from irnn.chapters import irnn_vs_lstm, long_dependency
from irnn.chapters.claims import as_json, as_text, ledger
from irnn.chapters.runs import to_csv, to_json
from irnn.errors import InputError, one_line, one_of, user_path
from irnn.show.text import table
from irnn.spec import RunSpec, whole_number
from irnn.store import RUNS, Run, Store, read
from irnn.training.plan import BACKENDS, Curve, Experiment, Resources, outlook, planned

COMMANDS = ("doctor", "train", "runs", "claims", "probe", "export", "check", "book", "serve")


class Terminated(KeyboardInterrupt):
    """The command was asked to end by SIGTERM."""


def _terminate(*_):
    raise Terminated


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit code: 0, 1 for a failure, 2 for bad input.

    An error that nobody foresaw is a failure in one line; IRNN_DEBUG=1 shows its traceback.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    signal.signal(signal.SIGTERM, _terminate)
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        code = _run(arguments)
        sys.stdout.flush()  # what cannot be written is found out here
        return code
    except InputError as error:
        _say(error)
        return 2
    except KeyboardInterrupt as error:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # another one changes nothing
        print(file=sys.stderr)
        _say("stopped; every finished epoch is kept")
        return 128 + (signal.SIGTERM if isinstance(error, Terminated) else signal.SIGINT)
    except BrokenPipeError:  # `| head` has seen enough
        _close_output()
        return 128 + signal.SIGPIPE
    except Exception as error:
        if os.environ.get("IRNN_DEBUG"):
            raise
        reason = (str(error).strip() or "no message").splitlines()[0]
        _say(f"{type(error).__name__}: {reason} ({_place(error)}); IRNN_DEBUG=1 shows more")
        _close_output()
        return 1


def _say(text: object) -> None:
    print(f"irnn: {one_line(text)}", file=sys.stderr, flush=True)


def _place(error: Exception) -> str:
    """Return the file and line of this package in which an error came up, or was passed on last."""
    package = Path(__file__).parent
    frames = traceback.extract_tb(error.__traceback__)
    *_, inner = (frame for frame in frames if Path(frame.filename).is_relative_to(package))
    return f"{Path(inner.filename).relative_to(package.parent)}:{inner.lineno}"


def _close_output() -> None:
    """Keep Python from trying once more, at its end, to write what cannot be written."""
    with suppress(OSError, ValueError):
        sys.stdout.flush()  # what can be, is not lost
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(arguments: list[str]) -> int:
    parser = _parser()
    if arguments and arguments[0] not in ("-h", "--help"):
        first = arguments[0]
        if first.startswith("-"):
            raise InputError(
                f"{first} stands before the command; put it after: python -m irnn COMMAND {first}"
            )
        one_of("command", first, COMMANDS)
    args, unknown = parser.parse_known_args(arguments)
    for option in unknown:
        one_of("option", option, args.options)
    return args.command(args)


class Formatter(argparse.HelpFormatter):
    """A formatter of help that breaks no name at a hyphen, so that it can be copied."""

    def _split_lines(self, text, width):
        return textwrap.wrap(" ".join(text.split()), width, break_on_hyphens=False)


class Parser(argparse.ArgumentParser):
    """A parser of whole options, whose errors are one line like all others of this package."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, allow_abbrev=False, formatter_class=Formatter, **kwargs)

    def error(self, message):
        """Raise `InputError`."""
        raise InputError(f"{message}; see {self.prog} --help")


def _parser() -> Parser:
    parser = Parser("python -m irnn", description=irnn.__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    doctor = commands.add_parser(
        "doctor",
        help="say what this machine can train with, what is missing, how long an epoch takes",
        description="Say what this machine can train with, what is missing and how to get it, and "
        "measure, in at most 20 s, how long an epoch takes. The exit code is 1 if something that "
        "training needs is missing.",
    )
    doctor.add_argument("--data", metavar="FILE", help="MNIST's .npz file (else MNIST_NPZ)")
    doctor.add_argument("--json", action="store_true", help="print the findings for a program")
    doctor.set_defaults(command=_doctor)

    train = commands.add_parser(
        "train",
        help="train the runs of experiments that are not recorded yet",
        description="Train what the runs of experiments still lack. Stop it at any moment with "
        "Ctrl-C; the same command goes on. The Keras backend is KERAS_BACKEND's.",
    )
    train.add_argument(
        "experiments",
        nargs="+",
        metavar="EXPERIMENT",
        help=f"{', '.join(chapters.experiments())}; or a recorded run's name, to train it again",
    )
    train.add_argument(
        "--dry-run", action="store_true", help="only say what is missing and how long it takes"
    )
    train.add_argument(
        "--jobs",
        type=parameters.read,
        default=argparse.SUPPRESS,  # as None can be given
        metavar="N",
        help="processes at a time (default: one per core; one where there is an NVIDIA GPU)",
    )
    train.add_argument(
        "--together",
        action="store_true",
        help="train runs of one shape as one program (JAX)",
    )
    train.add_argument(
        "--cluster", metavar="ADDRESS", help="hand the runs to the Dask scheduler at this address"
    )
    train.add_argument("--device", metavar="cpu|gpu", help="(default: the backend's choice)")
    known = chapters.experiments()
    given = train.add_argument_group(
        "parameters of experiments", "of all of them, or of those in brackets"
    )
    for name in _parameters(known):
        given.add_argument(
            _option(name),
            type=parameters.read,
            default=argparse.SUPPRESS,
            metavar="VALUE",
            help=_help(name, known).replace("%", "%%"),  # argparse formats it
        )
    train.add_argument("--data", metavar="FILE", help="MNIST's .npz file (else MNIST_NPZ)")
    train.set_defaults(command=_train)

    runs = commands.add_parser("runs", help="list the recorded runs, or verify their files")
    form = runs.add_mutually_exclusive_group()
    form.add_argument(
        "--verify", action="store_true", help="compare records, checkpoints and weights instead"
    )
    runs.add_argument(
        "--repair", action="store_true", help="with --verify: mend what a checkpoint can mend"
    )
    for name in ("json", "csv"):
        form.add_argument(f"--{name}", action="store_true", help=f"all there is, as {name.upper()}")
    runs.set_defaults(command=_runs)

    claims = commands.add_parser(
        "claims", help="say which claims of the post and of others the recorded runs bear out"
    )
    claims.add_argument("--json", action="store_true", help="with the runs behind each, as JSON")
    claims.set_defaults(command=_claims)

    probe = commands.add_parser(
        "probe",
        help="look into recorded networks and the data, and record what is found",
        description="Compute the measurements inside recorded networks and on the data that are "
        "not recorded yet. reach: how far back the gradient reaches; answers: how often a network "
        "is right if the image ends early; classifiers: how well the last and the first pixels "
        "alone tell the digit. Stop it with Ctrl-C; the same command goes on.",
    )
    probe.add_argument(
        "kinds", nargs="*", metavar="KIND", help=f"{', '.join(probes.VALUES)} (default: all)"
    )
    probe.add_argument(
        "--run",
        nargs="+",
        metavar="RUN",
        help="whose networks, by names that `runs` lists (default: those that the book shows)",
    )
    probe.add_argument(
        "--dataset", default="mnist", metavar="NAME", help="that of the classifiers: mnist, digits"
    )
    probe.add_argument("--data", metavar="FILE", help="MNIST's .npz file (else MNIST_NPZ)")
    probe.add_argument(
        "--output",
        metavar="DIR",
        default=probes.PROBES,
        help="gets the files of JSON lines (default: book/probes)",
    )
    probe.set_defaults(command=_probe)

    export = commands.add_parser(
        "export",
        help="write the weights of recorded runs as .safetensors files",
        description="Write the final weights of recorded runs as .safetensors files, which the "
        "pages read in the browser.",
    )
    export.add_argument(
        "names",
        nargs="*",
        metavar="RUN",
        help="a name that `runs` lists (default: the networks that the pages read digits with)",
    )
    export.add_argument(
        "--output", metavar="DIR", default="", help="gets the files (default: the current folder)"
    )
    export.set_defaults(command=_export)
    for command in (doctor, train, runs, claims, probe, export):
        command.add_argument(
            "--runs-dir", metavar="DIR", default="", help="the store (default: book/runs)"
        )

    check = commands.add_parser(
        "check",
        help="compare the languages of the book, and find what is missing or wrong in it",
        description="Say what is wrong in the book's pages, where, and what to do. The exit code "
        "is 1 for errors, and 0 where there are only texts to compare.",
    )
    check.add_argument(
        "--accept",
        nargs="+",
        metavar="CELL",
        help="record that a cell says the same in every language: PAGE/CELL, PAGE or all",
    )
    check.add_argument(
        "--fix", action="store_true", help="first mend what needs no judgement, as outputs left"
    )
    check.add_argument("--json", action="store_true", help="print the findings for a program")
    check.set_defaults(command=_check)

    book = commands.add_parser(
        "book",
        help="execute chapters with papermill and render the site",
        description="Execute chapters in both languages with papermill, some at a time, then "
        "render the site with Jupyter Book. A chapter is executed where its code, parameters or "
        "runs, the package or what is installed changed; a page is read again where it changed.",
    )
    book.add_argument(
        "chapters",
        nargs="*",
        metavar="CHAPTER",
        help="what to execute, changed or not (default: all that changed)",
    )
    book.add_argument("--parameters", type=Path, metavar="FILE", help="a YAML of parameters")
    book.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        default=Path(),
        help="gets _build/executed and _build/html (default: the current folder)",
    )
    book.set_defaults(command=_book)

    serve = commands.add_parser(
        "serve",
        help="show the site in the browser, built again as you edit",
        description="Build the site, show it on this machine, and build again what changes, until "
        "Ctrl-C. What a build fails with is on every page until it is mended.",
    )
    serve.add_argument("--port", type=parameters.read, default=8000, help="(default: 8000)")
    serve.add_argument(
        "--output", type=Path, metavar="DIR", default=Path(), help="as for the command book"
    )
    serve.set_defaults(command=_serve)
    for command in (doctor, train, runs, claims, probe, export, check, book, serve):
        command.set_defaults(options=list(command._option_string_actions))
    return parser


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _parameters(named: Iterable[str]) -> parameters.Parameters:
    """Return the parameters that decide the runs of some experiments."""
    known = chapters.experiments()
    return {k: p for n in named for k, p in parameters.of_experiment(known[n].PARAMETERS).items()}


def _help(name: str, known: dict[str, ModuleType]) -> str:
    """Return what a parameter is: where some experiments lack it, in those that have it."""
    owners: dict[str, list[str]] = {}
    for experiment, chapter in known.items():
        if name in chapter.PARAMETERS:
            owners.setdefault(chapter.PARAMETERS[name].help, []).append(experiment)
    if sum(map(len, owners.values())) == len(known):
        return max(owners, key=lambda text: len(owners[text]))
    return "; ".join(f"{text} ({', '.join(names)})" for text, names in owners.items())


def _doctor(args: argparse.Namespace) -> int:
    from irnn.training import doctor

    found = []
    for finding in doctor.findings(Store(args.runs_dir), args.data):
        found.append(finding)
        if not args.json:
            print(finding, flush=True)
    missing = [finding.name for finding in found if not finding.ready]
    if args.json:
        print(json.dumps({"ready": not missing, "findings": [asdict(f) for f in found]}, indent=1))
    else:
        print(f"missing: {', '.join(missing)}" if missing else "all that training needs is here")
    return 1 if missing else 0


def _train(args: argparse.Namespace) -> int:
    resources = _resources(args)
    plan = planned(*_experiments(args))
    store = Store(args.runs_dir)
    store.must_be_possible()
    if args.dry_run:
        mnist = args.data or os.environ.get("MNIST_NPZ")
        if mnist and "mnist" in {spec.dataset for spec in plan}:
            data.load_images("mnist", mnist)
        print(outlook(plan, store, resources))
        for spec, lacking in store.missing(plan).items():
            print(f"{spec}: {lacking} of {plan[spec]} epochs to train")
        return 0
    from irnn.training import session

    failures = session.train_missing(plan, store, resources)
    for spec, message in failures.items():
        _say(f"{spec} failed: {message}")
    return 1 if failures else 0


def _resources(args: argparse.Namespace) -> Resources:
    """Return what to train with. Raises `InputError` for what cannot be, or not together."""
    backend = os.environ.get("KERAS_BACKEND")
    if backend:
        one_of("KERAS_BACKEND", backend, BACKENDS)
    if "jobs" in args:
        whole_number("jobs", args.jobs, 1, 1024)
    if args.device is not None:
        one_of("device", args.device, ("cpu", "gpu"))
    if args.cluster is not None and not args.cluster.strip():
        raise InputError("cluster is empty; name the address that `dask scheduler` prints")
    if args.cluster and "jobs" in args:
        raise InputError("--jobs is for this machine; on a cluster its workers' threads decide")
    if args.together and backend not in (None, "", "jax"):
        raise InputError(f"--together is for JAX, not {backend}; set KERAS_BACKEND=jax")
    return Resources(
        jobs=getattr(args, "jobs", None),
        together=args.together,
        cluster=args.cluster,
        device=args.device,
        mnist=args.data,
    )


def _experiments(args: argparse.Namespace) -> list[Experiment]:
    """Return the experiments, each with those of the options that it has; a run is one too."""
    known = chapters.experiments()
    recorded = {n: run for n in args.experiments if (run := _recorded(n)) is not None}
    names = [name for name in args.experiments if name not in recorded]
    for name in names:
        one_of("experiment or published run", name, known)
    given = {k: getattr(args, k) for k in _parameters(known) if k in args}
    if given and not names:
        option = _option(next(iter(given)))
        raise InputError(f"{option} is for experiments; a recorded run is trained as it was")
    for name in given:
        one_of("option", _option(name), map(_option, _parameters(names)))
    return [
        chapters.experiment(
            known[name], **{k: v for k, v in given.items() if k in known[name].PARAMETERS}
        )
        for name in names
    ] + [{name: Curve((run.spec,), len(run))} for name, run in recorded.items()]


def _recorded(name: str) -> Run | None:
    """Return the published run of a name, None if there is none."""
    path = RUNS / f"{name}.jsonl"
    return read(path) if path.name in os.listdir(RUNS) else None


def _runs(args: argparse.Namespace) -> int:
    store = Store(args.runs_dir)
    if args.repair and not args.verify:
        raise InputError("--repair goes with --verify: python -m irnn runs --verify --repair")
    if args.verify:
        return _verify(store, args.repair)
    store.must_exist()
    runs, errors = store.runs()
    if args.json:
        print(to_json(runs))
    elif args.csv:
        print(to_csv(runs), end="")
    elif runs:
        print(*map(one_line, table(runs)), sep="\n")
    elif not errors:
        print(one_line(f"no runs in {store.root}"))
    for error in errors:
        _say(error)
    return 2 if errors else 0


def _verify(store: Store, repair: bool) -> int:
    """Print a line per finding; return 1 if something is and stays wrong."""
    from irnn import verify

    found = []
    for finding in verify.verify(store, repair):
        print(one_line(finding))
        found.append(finding.status)
    wrong, left_out = found.count("wrong"), found.count("left out")
    line = f"{len(verify.names(store)) - left_out} runs in {store.root} verified: "
    line += f"{wrong or 'no'} files are wrong" + (f"; {left_out} left out" if left_out else "")
    print(one_line(line))
    return 1 if wrong else 0


def _claims(args: argparse.Namespace) -> int:
    store = Store(args.runs_dir)
    store.must_exist()
    entries = ledger(store)
    print(as_json(entries) if args.json else as_text(entries))
    return 0


def _probe(args: argparse.Namespace) -> int:
    from irnn.training import processes
    from irnn.training.machine import machine

    for kind in args.kinds:
        one_of("probe", kind, probes.VALUES)
    one_of("dataset", args.dataset, probes.POOLING)
    store, folder = Store(args.runs_dir), user_path("output", args.output)
    specs = _named(args.run, store) if args.run else long_dependency.probed()
    kinds = list(dict.fromkeys(args.kinds)) or list(probes.VALUES)
    wanted = {kind: probes.planned(kind, specs, store, args.dataset) for kind in kinds}
    if any(probe.epoch == 0 for some in wanted.values() for probe in some):
        processes.start()  # Keras draws the initial weights
    origin = machine()
    for kind in kinds:
        probes.record(kind, wanted[kind], store, origin, folder, args.data)
    return 0


def _named(names: list[str], store: Store) -> list[RunSpec]:
    """Return the specs of recorded runs by their names."""
    store.must_exist()
    recorded = {run.spec.name: run.spec for run in store.runs()[0]}
    for name in names:
        one_of("run", name, recorded)
    return [recorded[name] for name in names]


def _export(args: argparse.Namespace) -> int:
    from irnn.export import export

    store, folder = Store(args.runs_dir), user_path("output", args.output)
    chosen = _named(args.names, store) if args.names else irnn_vs_lstm.NETWORKS
    for spec in chosen:
        path = export(spec, store, folder)
        print(f"{path}: {spec}, {path.stat().st_size:,} bytes")
    return 0


def _check(args: argparse.Namespace) -> int:
    from irnn.book import check, mend

    if args.fix:
        for path in mend.mend():
            print(f"mended {path}", file=sys.stderr)
    if args.accept:
        print(f"{check.accept(args.accept)} cells accepted", file=sys.stderr)
    return check.report(check.check(), args.json)


def _book(args: argparse.Namespace) -> int:
    from irnn.book import build

    return build.build(args.chapters, args.parameters, args.output)


def _serve(args: argparse.Namespace) -> int:
    from irnn.book import preview

    whole_number("port", args.port, 1, 65_535)
    return preview.serve(args.port, args.output)


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow is imported
    sys.stdout.reconfigure(errors="backslashreplace")  # as that of errors is
    code = main()
    if code > 128:
        # A signal can come while a library holds a lock or builds what it must not leave half
        # built: at Python's own end its threads would wait forever, or abort.
        _close_output()
        os._exit(code)
    sys.exit(code)
