def on_the_curve(at):
    """Retention of one ratio for all layers at an alignment, linear between uniform points; the best of several."""
    curve = [i for i in np.flatnonzero(uniform) if np.isfinite(x[i]) and np.isfinite(y[i])]
    found = [
        y[a] + (y[b] - y[a]) * ((at - x[a]) / (x[b] - x[a]) if x[a] != x[b] else 1)
        for a, b in zip(curve, curve[1:])
        if min(x[a], x[b]) <= at <= max(x[a], x[b])
    ]
    return max(found, default=np.nan)


comparable = blocks & np.isfinite(x) & np.isfinite(y) & (len(measured) == 2)
by_block = np.flatnonzero(comparable)
gain = np.array([y[i] - on_the_curve(x[i]) for i in by_block])
if len(by_block):
    figure, plot = plt.subplots(figsize=(9, 4))
    plot.axhline(0, color="#0072b2", linewidth=1.2)
    plot.scatter(x[by_block], gain, marker="D", c="#d55e00")
    plot.set_xlabel("alignment")
    plot.set_ylabel("retention gained over one ratio")
    plot.grid(alpha=0.3)
    plt.show()
Table(
    ["ratios by block", "alignment", "retention", "gain over one ratio"],
    [[labels[i], float(x[i]), float(y[i]), f"{more:+.3f}"] for i, more in zip(by_block, gain)],
)
