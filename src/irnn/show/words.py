"""Words of the pictures that chapters share, in both languages."""

SHARED = {
    "en": {
        "epoch": "epoch",
        "test accuracy": "accuracy on the test set",
        "minutes": "computation time in minutes",
        "rate": "{model}, learning rate {rate}",
        "seeds": "{label} ({n} seeds)",
        "chance": "chance (10%)",
        "seconds": "seconds per epoch (logarithmic)",
        "behind": "Runs behind this figure",
        "measured": "Measurements behind this figure",
        "measurement": "{date}, {machine}, {cores} cores, {backend}",
        "run": "{spec}: {n} epochs, {backend}, {device}, {date}",
    },
    "ja": {
        "epoch": "エポック",
        "test accuracy": "テストデータでの正解率",
        "minutes": "計算時間（分）",
        "rate": "{model}、学習率 {rate}",
        "seeds": "{label}（{n} 通りのシード）",
        "chance": "チャンスレベル（10%）",
        "seconds": "1 エポックあたりの秒数（対数目盛）",
        "behind": "この図のもとになったラン",
        "measured": "この図のもとになった測定",
        "measurement": "{date}、{machine}（{cores} コア）、{backend}",
        "run": "{spec}：{n} エポック、{backend}、{device}、{date}",
    },
}
