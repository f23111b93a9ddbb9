"""The first page: two questions, each with its answer and a figure."""

from irnn.chapters import irnn_vs_lstm, truncated_bptt
from irnn.chapters.claims import Entry
from irnn.chapters.irnn_vs_lstm import curves, experiment
from irnn.evidence import Runs
from irnn.parameters import shared
from irnn.show.picture import Picture

PARAMETERS = shared()

CAPTIONS = {
    "curves": irnn_vs_lstm.CAPTIONS["curves"],
    "short_gradients": {
        "en": "Test accuracy on averaged images, read row by row, when the gradient goes back "
        "through the last K steps alone. A dot is a seed, a line goes through the means.",
        "ja": "縮小した画像を行ごとに読み、勾配を最後の K ステップだけさかのぼらせたときの"
        "テスト正解率。点は個々のシード、線はその平均。",
    },
}

ALT = {
    "short_gradients": {
        "en": "Test accuracy over the truncation length K, for IRNN and LSTM",
        "ja": "打ち切り長 K に対する IRNN と LSTM のテスト正解率",
    },
}

__all__ = ["CAPTIONS", "PARAMETERS", "curves", "experiment", "numbers", "short_gradients"]

# The answer, by the verdicts of `irnn_vs_lstm.irnn_is_ahead`; and what it rests on.
ANSWERS = {
    "en": {
        "reproduced": "Yes, and faster, at least at first.",
        "undecided": "Perhaps: these runs do not decide it.",
        "not reproduced": "No, the LSTM is ahead.",
        "finding": "After {lstm_epochs} epochs at the learning rate that they share, the IRNN "
        "names {irnn_then} of the test digits, the LSTM {lstm}. With a rate of its own for "
        "each, after {lstm_tuned_epochs}, it is {irnn_tuned_then} against {lstm_tuned}.",
    },
    "ja": {
        "reproduced": "追いつくどころか、少なくとも初めのうちは、より速く学習する。",
        "undecided": "これらのランでは、どちらとも言えない。",
        "not reproduced": "追いつかず、LSTM が上回る。",
        "finding": "共通の学習率で {lstm_epochs} エポック学習させた後のテスト正解率は、"
        "IRNN が {irnn_then}、LSTM が {lstm}である。"
        "学習率をネットワークごとに選ぶと、{lstm_tuned_epochs} エポック後に、"
        "それぞれ {irnn_tuned_then}と {lstm_tuned}になる。",
    },
}


def numbers(runs: Runs, language: str) -> dict[str, str | int]:
    """Return the numbers of the main chapter, and the answer that they give."""
    found = irnn_vs_lstm.numbers(runs, language)
    text = ANSWERS[language]
    verdict = irnn_vs_lstm.irnn_is_ahead(runs, "irnn", "lstm")
    return found | {"answer": text[verdict], "finding": text["finding"].format(**found)}


# The answer to the post's doubt, by the verdicts of `truncated_bptt.no_long_memory`.
DOUBTS = {
    "en": {
        "reproduced": "No, a short one does as well.",
        "in part": "For one of the two: the other does as well with a short one.",
        "not reproduced": "To learn well, it takes a long one: on small images, both networks stay "
        "well behind with a gradient through a quarter of the steps or less.",
        "not tested": "These parameters have no runs that tell.",
        "finding": "With {seeds} seeds, the highest accuracies for K up to a quarter of the "
        "{steps} steps, beside those without truncation: {measured}.",
    },
    "ja": {
        "reproduced": "必要ない。勾配を短く打ち切っても変わらない。",
        "in part": "一方のネットワークには必要である。もう一方は、勾配を短く打ち切っても"
        "変わらない。",
        "not reproduced": "よく学習させるには、長くさかのぼる勾配が必要である。縮小した画像では、"
        "勾配が 4 分の 1 以下のステップしかさかのぼらないと、どちらのネットワークの正解率も"
        "大きく下がる。",
        "not tested": "このパラメーターでは、答えの根拠になるランがない。",
        "finding": "{seeds} 通りのシードで、K が {steps} ステップの 4 分の 1 以下の場合の最も高い"
        "正解率を、打ち切りなしの正解率とともに示す。{measured}。",
    },
}


def _doubt(entries: list[Entry], which: str = "") -> Entry:
    """Return the ledger's entry on the post's doubt."""
    return next(entry for entry in entries if entry.claim.name == f"no-long-memory{which}")


def doubt(entries: list[Entry], language: str) -> dict[str, str]:
    """Return the ledger's answer to the post's doubt, and what it rests on."""
    text = DOUBTS[language]
    small, later, full = (_doubt(entries, which) for which in ("", "-later", "-at-full-length"))
    finding = ""
    if small.measured:
        seeds = len({run.spec.seed for run in small.runs})
        steps = small.runs[0].spec.steps
        finding = text["finding"].format(measured=small.measured, steps=steps, seeds=seeds)
    return {
        "doubt": text[small.verdict],
        "doubt_finding": finding,
        "doubt_epochs": _epochs(small),
        "doubt_later_epochs": _epochs(later),
        "doubt_later": later.measured or "–",
        "doubt_full": full.measured or "–",
    }


def _epochs(entry: Entry) -> str:
    return f"{len(entry.runs[0])}" if entry.runs else "–"


def short_gradients(entries: list[Entry], language: str) -> Picture | None:
    """Draw the runs behind that answer, if there are any."""
    runs = _doubt(entries).runs
    if not runs:
        return None
    panel = truncated_bptt.WORDS[language]["rows"]
    return truncated_bptt.over_length({panel: runs}, language, ALT["short_gradients"][language])
