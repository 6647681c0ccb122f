shown = [name for name, group in axes.items() if group.attrs["kind"] != "task"]
values = {name: (axes[name]["value"][()], axes[name]["stderr"][()]) for name in shown}
Table(
    ["point", "mean ratio", *shown, "front", "membership"],
    [
        [
            labels[i],
            float(mean_ratio[i]),
            *(f"{value[i]:.3f} ± {stderr[i]:.3f}" for value, stderr in values.values()),
            "yes" if on_front[i] else "",
            float(probability),
        ]
        for i, probability in enumerate(data["front/membership_probability"][()])
    ],
)
