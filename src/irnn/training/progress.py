"""How far the training of missing runs is, on standard error."""

import sys

from tqdm import tqdm

from irnn.spec import RunSpec
from irnn.store import Run, Store


class Progress:
    """How far missing runs are: bars on a terminal, else a line per epoch.

    Args:
        plan: The number of epochs that each run has in the end.
        missing: The runs that are trained, with the epochs that they lack.
        store: Where they are kept.

    """

    def __init__(self, plan: dict[RunSpec, int], missing: dict[RunSpec, int], store: Store):
        self.plan = plan
        self.missing = missing
        self.store = store
        self.titles = {spec: f"{n}/{len(missing)} {spec}" for n, spec in enumerate(missing, 1)}
        self.runs = {spec: store.read(spec) for spec in missing}
        self.within = dict.fromkeys(missing, 0)  # updates since a run's last epoch
        self.bars: dict[RunSpec, tqdm] = {}
        self.terminal = sys.stderr.isatty()
        self.all = tqdm(
            total=sum(epochs * spec.updates for spec, epochs in missing.items()),
            desc="all",
            unit="update",
            disable=not self.terminal or len(missing) == 1,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for bar in (*self.bars.values(), self.all):
            bar.close()

    def refresh(self) -> None:
        """Show what other processes have recorded since, and how long it has taken."""
        for spec, before in self.runs.items():
            if len(before) < self.plan[spec]:
                run = self.store.read(spec)
                for epochs in range(len(before) + 1, len(run) + 1):
                    self.epoch(run.until(epochs))
                if len(run) == len(before) and len(run.sittings) > len(before.sittings):
                    self.update(run, 0)  # it has begun
        for bar in (*self.bars.values(), self.all):
            bar.refresh()

    def update(self, run: Run, updates: int, accuracy: float | None = None) -> None:
        """Show that updates are done, and the accuracy of the epoch under way."""
        if self.terminal:
            self.within[run.spec] += updates
            note = f"epoch {len(run) + 1}/{self.plan[run.spec]}"
            self._show(run, note if accuracy is None else f"{note}, accuracy {accuracy:.3f}")

    def epoch(self, run: Run) -> None:
        """Show that another epoch is done."""
        self.runs[run.spec] = run
        self.within[run.spec] = 0
        note = (
            f"epoch {len(run)}/{self.plan[run.spec]}, loss {run['loss'][-1]:.4f}, "
            f"test accuracy {run['val_accuracy'][-1]:.4f}"
        )
        if self.terminal:
            self._show(run, note)
        else:
            seconds, _ = run.timed()[-1]
            print(f"{self.titles[run.spec]}: {note}, {seconds:.1f} s", file=sys.stderr, flush=True)

    def _show(self, run: Run, note: str) -> None:
        """Bring the bars up to date; those of finished runs go."""
        spec = run.spec
        total = self.missing[spec] * spec.updates
        lacking = (self.plan[spec] - len(run)) * spec.updates
        if spec not in self.bars:
            self.bars[spec] = tqdm(total=total, desc=self.titles[spec], unit="update", leave=False)
        step = total - lacking + self.within[spec] - self.bars[spec].n
        self.bars[spec].set_postfix_str(note, refresh=False)
        self.bars[spec].update(step)
        self.all.update(step)
        if not lacking:
            self.bars.pop(spec).close()
