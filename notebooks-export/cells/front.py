def interval(axis):
    """Values of an axis, and the lengths of their 95 % intervals to both sides."""
    value, low, high = (axis[name][()] for name in ("value", "ci_low", "ci_high"))
    return value, np.nan_to_num(np.maximum(0, [value - low, high - value]))


y_name = measured[-1] if measured else "retention"
y, y_error = interval(axes[y_name])
if len(measured) == 2:
    x_name, (x, x_error) = "alignment", interval(axes["alignment"])
else:
    x_name, x, x_error = "mean ratio", mean_ratio, np.zeros((2, len(ids)))
blocks = ~uniform

figure, plot = plt.subplots(figsize=(9, 6))
plot.plot(x[uniform], y[uniform], color="#0072b2", alpha=0.5, linewidth=1.2, zorder=1)
for members, marker, colour, name in (
    (uniform, "o", "#0072b2", "one ratio for all layers"),
    (blocks, "D", "#d55e00", "one ratio per block"),
):
    plot.errorbar(x[members], y[members], xerr=x_error[:, members], yerr=y_error[:, members], fmt="none",
                  ecolor=colour, elinewidth=0.8, alpha=0.4)
    faces = np.where(on_front[members], colour, "white")
    plot.scatter(x[members], y[members], marker=marker, c=list(faces), edgecolors=colour, label=name, zorder=2)
if x_name == "alignment":
    front = [point(one) for one in texts("front/points")]
    plot.step(x[front], y[front], where="pre", color="#009e73", linestyle="--", label="front")
for i, name in ((pre, "pre"), (post, "post"), (recommended, "recommended")):
    if i is not None and np.isfinite(x[i]) and np.isfinite(y[i]):
        right = x[i] > np.nanmean(x)
        plot.annotate(name, (x[i], y[i]), xytext=(-9 if right else 9, 9), ha="right" if right else "left",
                      textcoords="offset points", fontweight="bold")
plot.set_xlabel("alignment (more is better)" if x_name == "alignment" else "mean ratio (weight of post)")
plot.set_ylabel(f"{y_name} (more is better)")
plot.set_title(data.attrs["title"], parse_math=False)
plot.grid(alpha=0.3)
plot.legend()
plt.show()
