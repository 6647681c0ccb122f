def first_text(task, i, item):
    """The text a point generated for an item, the first one where there are several; nothing for likelihood tasks."""
    if "text" not in task:
        return ""
    text = task["text"].asstr()[i, item]
    return text if isinstance(text, str) else text.flat[0]


changed = []
for name, task in data["items"].items():
    if isinstance(task, h5py.Group) and None not in (pre, post, recommended):
        score = task["score"][()]
        size = np.nan_to_num(np.abs(score[recommended] - score[post]))
        for item in np.argsort(-size, kind="stable")[:5]:
            if size[item] > 0:
                changed.append([task.attrs["long_name"], task["item_id"].asstr()[item],
                                *(float(score[i, item]) for i in (pre, post, recommended)),
                                first_text(task, post, item), first_text(task, recommended, item)])
Table(["task", "item", "pre", "post", "recommended", "text of post", "text of recommended"], changed)
