"""The first page: the question, the answer, and the main experiment in one figure."""

from irnn.chapters import irnn_vs_lstm
from irnn.chapters.claims import Entry
from irnn.chapters.irnn_vs_lstm import CAPTIONS, curves, experiment
from irnn.evidence import Runs
from irnn.parameters import shared

PARAMETERS = shared()

__all__ = ["CAPTIONS", "PARAMETERS", "curves", "experiment", "numbers"]

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
        "in part": "On small images a short one is enough to name most digits; the best accuracy "
        "takes the whole.",
        "not reproduced": "Yes.",
        "not tested": "These parameters have no runs that tell.",
        "finding": "Test accuracy on images averaged to {steps} pixels, with the gradient cut "
        "after the last K steps, at the K up to a quarter of them that does best: {measured}.",
        "full": " On images of full size, where so few seeds decide little: {measured}.",
    },
    "ja": {
        "reproduced": "必要ない。勾配を短く打ち切っても変わらない。",
        "in part": "縮小した画像では、勾配を短く打ち切っても大半の数字を当てられる。"
        "ただし、最高の正解率を得るには、系列全体をさかのぼる勾配が必要である。",
        "not reproduced": "必要である。",
        "not tested": "このパラメーターでは、答えの根拠になるランがない。",
        "finding": "{steps} 画素に縮小した画像で、勾配を最後の K ステップで打ち切ったときの"
        "テスト正解率を、全体の 4 分の 1 以下で最も良い K について示す。{measured}。",
        "full": "縮小しない画像での結果は次のとおりだが、シードが少なく、決められることは"
        "少ない。{measured}。",
    },
}


def doubt(entries: list[Entry], language: str) -> dict[str, str]:
    """Return the ledger's answer to the post's doubt, and what it rests on."""
    text = DOUBTS[language]
    found = {entry.claim.name: entry for entry in entries}
    small, full = (found[f"no-long-memory{size}"] for size in ("", "-at-full-length"))
    findings = [
        text[name].format(measured=entry.measured, steps=entry.runs[0].spec.steps)
        for name, entry in {"finding": small, "full": full}.items()
        if entry.measured
    ]
    return {"doubt": text[small.verdict], "doubt_finding": "".join(findings)}
