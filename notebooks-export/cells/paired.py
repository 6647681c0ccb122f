def difference(axis, i):
    """Mean, interval and p of a point's paired difference to post."""
    mean, low, high, p = (data[f"paired/post/{axis}/{name}"][i] for name in ("mean", "ci_low", "ci_high", "p"))
    return f"{mean:+.3f} [{low:.3f}, {high:.3f}], p = {p:.3f}"


matters = [i for i in range(len(ids)) if (on_front[i] or i in (pre, recommended)) and i != post]
Table(["point", *measured], [[labels[i], *(difference(name, i) for name in measured)] for i in matters])
