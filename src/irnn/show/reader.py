"""A digit being read: a finished picture, which `book/_static/reader.js` sets in motion.

The picture is complete without a script: a digit, and what networks answer after its last pixel.
The script takes from the same element the digits to choose from, the words and the names of the
files with the networks' weights, and runs the networks in the browser.
"""

import base64
import html
import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from irnn import forward
from irnn.checkpoint import recorded_weights
from irnn.data import Data
from irnn.show.picture import Picture
from irnn.show.style import COLORS
from irnn.spec import RunSpec
from irnn.store import Store

SIDE = 28
IMAGES = 200  # of the test set, from which the digits to choose from are taken

WORDS = {
    "en": {
        "after": "After {t} of {steps} pixels: {answers}.",
        "says": "{model} says {digit} ({percent})",
        "comma": ", ",
        "space": " ",  # between sentences
        "truth": "The digit is a {label}.",
        "image": "The digit {label}",
        "bars": "Probabilities of {model}: {values}",
        "digits": "Digits",
        "choose": "{label} (image {id}): {marks}",
        "right": "{model} right",
        "wrong": "{model} wrong",
        "drawn": "Your drawing",
        "draw": "Draw your own",
        "read": "Read it",
        "undo": "Undo",
        "clear": "Clear",
        "field": "Drawing field. Arrow keys move the pen, Space puts it down and lifts it, "
        "Backspace takes the last line back, Enter reads the digit.",
        "hint": "Draw a digit in the square with mouse or finger, then press “Read it”. "
        "With the keyboard: arrow keys move the pen, Space puts it down and lifts it, "
        "Backspace takes the last line back, Enter reads the digit.",
        "empty": "Nothing is drawn yet: draw a digit in the square, then press “Read it”.",
        "missing": "The networks did not arrive, so that this picture stays as it is. "
        "Reload the page to try again.",
        "no script": "To choose a digit, to draw one and to watch it being read takes JavaScript; "
        "without it, this picture stays as it is.",
        "unknown": "The address asks for what is not here ({what}); this is shown instead.",
        "play": "Play",
        "pause": "Pause",
        "position": "pixel {t} of {steps}",
        "slider": "Pixels read",
        "networks": "Networks",
        "both": "Both",
        "h": "hidden state",
        "c": "memory cell",
        "i": "input gate",
        "f": "forget gate",
        "o": "output gate",
        "largest": "max {value}",
        "pixels": "Pixels, in the order of reading",
        "sofar": "{model}: the answer, if the image ended here",
    },
    "ja": {
        "after": "{steps} 画素のうち {t} 画素まで読んだ時点で、{answers}。",
        "says": "{model} の答えは {digit}（{percent}）",
        "comma": "、",
        "space": "",
        "truth": "正解は {label}。",
        "image": "数字 {label} の画像",
        "bars": "{model} の出力する確率：{values}",
        "digits": "数字",
        "choose": "{label}（画像 {id}）：{marks}",
        "right": "{model} は正解",
        "wrong": "{model} は不正解",
        "drawn": "自分で描いた数字",
        "draw": "自分で描く",
        "read": "読ませる",
        "undo": "一つ戻す",
        "clear": "消す",
        "field": "描画欄。矢印キーでペンを動かし、スペースキーで下ろしたり上げたりする。"
        "Backspace で最後の線を消し、Enter で読ませる。",
        "hint": "枠の中にマウスか指で数字を描き、「読ませる」を押す。"
        "キーボードでは、矢印キーでペンを動かし、スペースキーで下ろしたり上げたりする。"
        "Backspace で最後の線を消し、Enter で読ませる。",
        "empty": "まだ何も描かれていない。枠の中に数字を描いてから「読ませる」を押す。",
        "missing": "ネットワークのファイルを読み込めなかったので、この図は静止したままである。"
        "ページを再読み込みすると、もう一度試せる。",
        "no script": "数字を選んだり描いたりして、読まれる様子を見るには JavaScript が必要である。"
        "ない場合、この図は静止したままになる。",
        "unknown": "アドレスに指定されたもの（{what}）はここにないので、代わりにこれを表示する。",
        "play": "再生",
        "pause": "一時停止",
        "position": "{t} / {steps} 画素",
        "slider": "読んだ画素の数",
        "networks": "ネットワーク",
        "both": "両方",
        "h": "隠れ状態",
        "c": "記憶セル",
        "i": "入力ゲート",
        "f": "忘却ゲート",
        "o": "出力ゲート",
        "largest": "最大 {value}",
        "pixels": "読む順に並べた画素",
        "sofar": "{model}：画像がここで終わるとしたときの答え",
    },
}


@dataclass(frozen=True)
class Digit:
    """An image, and the probabilities (10,) that each network gives after its last pixel."""

    id: int  # its index in its set
    image: np.ndarray  # (28, 28) in [0, 1]
    label: int
    answers: tuple[np.ndarray, ...]

    def is_right(self) -> tuple[bool, ...]:
        """Tell which networks name the digit."""
        return tuple(answer.argmax() == self.label for answer in self.answers)


def reading(specs: Sequence[RunSpec], images: Data, language: str, alt: str) -> Picture:
    """Return a picture of recorded networks that read digits, of which a reader chooses.

    The digits are of the test set or, where there is none, of the training set. Images of
    8 × 8 pixels are enlarged.

    Raises `InputError` for a network whose weights are missing or damaged.
    """
    text = WORDS[language]
    digits = _digits(specs, images)
    first = min(digits, key=lambda digit: (not all(digit.is_right()), digit.id))
    answered = list(zip(specs, first.answers, strict=True))
    said = text["comma"].join(_says(spec, answer, text) for spec, answer in answered)
    said = text["after"].format(t=SIDE * SIDE, steps=SIDE * SIDE, answers=said)
    said += text["space"] + text["truth"].format(label=first.label)
    networks = "".join(_network(spec, answer, text) for spec, answer in answered)
    page = {
        "words": text,
        "networks": [
            {"model": s.model, "name": s.model.upper(), "file": s.name, "color": COLORS[s.model]}
            for s in specs
        ],
        "digits": [_embedded(digit) for digit in digits],
        "first": first.id,
    }
    data = json.dumps(page, ensure_ascii=False).replace("</", "<\\/")
    drawn = (
        f'<div class="irnn-reader">'
        f'<div class="irnn-reader-stage" style="display: flex; flex-wrap: wrap; gap: 1.5rem">'
        f"{_image(first, text)}{networks}</div>"
        f'<p class="irnn-reader-status" role="status">{said}</p>'
        f"<noscript><p>{text['no script']}</p></noscript>"
        f'<script type="application/json">{data}</script></div>'
    )
    values = [
        {"image": digit.id, "label": digit.label, "network": spec.model}
        | {f"p{n}": float(p) for n, p in enumerate(answer)}
        for digit in digits
        for spec, answer in zip(specs, digit.answers, strict=True)
    ]
    runs = tuple(Store().read(spec) for spec in specs)
    return Picture(drawn, alt, language, runs, values=values)


def _digits(specs: Sequence[RunSpec], images: Data) -> list[Digit]:
    """Return a digit of each label, with what the recorded networks answer."""
    x, labels = images.x_test[:IMAGES], images.y_test[:IMAGES]
    if not len(x):
        x, labels = images.x_train[:IMAGES], images.y_train[:IMAGES]
    x = enlarged(x)
    answers = [
        forward.answers(spec, recorded_weights(spec, Store()), x.reshape(len(x), -1))
        for spec in specs
    ]
    right = [answer.argmax(axis=1) == labels for answer in answers]
    return [
        Digit(int(n), x[n], int(labels[n]), tuple(answer[n] for answer in answers))
        for n in chosen(labels, right)
    ]


def enlarged(images: np.ndarray) -> np.ndarray:
    """Return images of 8 × 8 pixels as such of 28 × 28; others stay as they are."""
    if images.shape[1] == SIDE:
        return images
    return np.pad(images.repeat(3, axis=1).repeat(3, axis=2), ((0, 0), (2, 2), (2, 2)))


def chosen(labels: np.ndarray, right: list[np.ndarray]) -> list[int]:
    """Return indices of images, the first of each label, in the order of the labels.

    In turns, they are ones that all networks name, that one of them alone names, and that none
    does, as far as there are such.
    """
    named = np.array(right)
    kinds = [named.all(axis=0)]
    kinds += [row & (named.sum(axis=0) == 1) for row in named]
    kinds += [~named.any(axis=0)]
    found = {}
    while kinds:
        kind = kinds.pop(0)
        left = [n for n in np.flatnonzero(kind) if labels[n] not in found]
        if left:
            found[labels[left[0]]] = left[0]
            kinds.append(kind)
    return [found[label] for label in sorted(found)]


def _percent(value: float) -> str:
    return f"{100 * value:.0f}%"


def _says(spec: RunSpec, answer: np.ndarray, text: dict[str, str]) -> str:
    return text["says"].format(
        model=spec.model.upper(), digit=answer.argmax(), percent=_percent(answer.max())
    )


def _embedded(digit: Digit) -> dict:
    pixels = np.round(255 * digit.image).astype("uint8").tobytes()
    return {
        "id": digit.id,
        "label": digit.label,
        "right": [bool(right) for right in digit.is_right()],
        "pixels": base64.b64encode(pixels).decode(),
    }


def _image(digit: Digit, text: dict[str, str]) -> str:
    """Return the image as SVG: a path for each of sixteen levels of grey."""
    levels = np.round(15 * digit.image).astype(int)
    paths = "".join(
        f'<path fill-opacity="{level / 15:.2f}" d="'
        + "".join(f"M{x} {y}h1v1h-1z" for y, x in np.argwhere(levels == level))
        + '"/>'
        for level in np.unique(levels[levels > 0])
    )
    label = text["image"].format(label=digit.label)
    return (
        f'<svg class="irnn-reader-image" viewBox="0 0 {SIDE} {SIDE}" width="168" height="168" '
        f'role="img" aria-label="{label}" fill="currentColor" shape-rendering="crispEdges">'
        f'<rect width="{SIDE}" height="{SIDE}" fill="none" stroke="currentColor" '
        f'stroke-width="0.2"/>{paths}</svg>'
    )


def _network(spec: RunSpec, answer: np.ndarray, text: dict[str, str]) -> str:
    """Return a network's answer and a bar for the probability of each digit."""
    model, color = spec.model.upper(), COLORS[spec.model]
    values = text["comma"].join(f"{digit}: {_percent(p)}" for digit, p in enumerate(answer))
    best = int(answer.argmax())
    bars = "".join(
        f'<rect x="{20 * digit + 3}" width="14" height="{p:.3f}" '
        f'fill-opacity="{1 if digit == best else 0.6}"/>'
        for digit, p in enumerate(answer)
    )
    names = "".join(f'<text x="{20 * digit + 10}" y="74">{digit}</text>' for digit in range(10))
    label = html.escape(text["bars"].format(model=model, values=values))
    return (
        f'<div class="irnn-reader-network" role="group" aria-label="{model}" '
        f'style="--color: {color}"><p><b>{model}</b> <span class="irnn-reader-answer">'
        f"{best} <small>{_percent(answer[best])}</small></span></p>"
        f'<svg viewBox="0 0 200 88" width="250" height="110" role="img" aria-label="{label}" '
        f'fill="currentColor" font-size="11" text-anchor="middle" dominant-baseline="hanging">'
        f'<g fill="{color}" transform="translate(0 70) scale(1 -70)">{bars}</g>{names}'
        f'<path d="M0 70.5h200" stroke="currentColor" stroke-opacity="0.4"/></svg></div>'
    )
