def difference(axis, i):
    """Mean, interval and p of a point's paired difference to post."""
    mean, low, high, p = (data[f"paired/post/{axis}/{name}"][i] for name in ("mean", "ci_low", "ci_high", "p"))
    return f"{mean:+.3f} [{low:.3f}, {high:.3f}], p = {p:.3f}"


compared = [name for name in ("alignment", "retention") if name in axes]
matters = [i for i in range(len(ids)) if (on_front[i] or i in (pre, recommended)) and i != post]
Table(["point", *compared], [[labels[i], *(difference(name, i) for name in compared)] for i in matters])
