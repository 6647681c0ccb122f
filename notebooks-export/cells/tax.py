tasks = [name for name, group in axes.items() if group.attrs["kind"] == "task"]


def tax(name):
    """What post lost on a task, and what the recommended merge is worth there."""
    value, paired = axes[name]["value"][()], data[f"paired/pre/{name}"]
    mean, low, high, p = (paired[column][post] for column in ("mean", "ci_low", "ci_high", "p"))
    interval = f"{mean:+.3f} [{low:.3f}, {high:.3f}], p = {p:.3f}"
    return [axes[name].attrs["name"].removeprefix("task_"), float(value[pre]), float(value[post]), interval,
            float(value[recommended])]


complete = None not in (pre, post, recommended)
if tasks and complete:
    rows = np.arange(len(tasks))
    figure, plot = plt.subplots(figsize=(9, 1 + 0.6 * len(tasks)))
    for offset, i, colour, name in ((-0.25, pre, "#222222", "pre"), (0, recommended, "#d55e00", "recommended"),
                                    (0.25, post, "#999999", "post")):
        plot.barh(rows + offset, [axes[task]["value"][i] for task in tasks], height=0.22, color=colour, label=name)
    plot.set_yticks(rows)
    plot.set_yticklabels([axes[task].attrs["name"].removeprefix("task_") for task in tasks], parse_math=False)
    plot.invert_yaxis()
    plot.legend()
    plt.show()
Table(["task", "pre", "post", "tax (post minus pre)", "recommended"], [tax(name) for name in tasks] if complete else [])
