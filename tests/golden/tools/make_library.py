#!/usr/bin/env python3
"""Makes tests/golden/library: small hand-made documents in the layouts in which data sets are published, a suite that reads
them, and the requests that lm-evaluation-harness 0.4.13 makes of them.

    python3 tests/golden/tools/make_library.py          (needs lm_eval 0.4.13 and datasets; the program and its tests do not)

The harness runs on its own task definitions; only the loading of data sets is replaced by the documents below.
"""
import csv
import json
import pathlib
import sys

import datasets

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "library"
DATA = FOLDER / "data"
local = {}


def load_local(path=None, name=None, **_):
    return datasets.DatasetDict({split: datasets.Dataset.from_list(docs) for split, docs in local[(path, name)].items()})


datasets.load_dataset = load_local
import lm_eval  # noqa: E402
from lm_eval.tasks import TaskManager, get_task_dict  # noqa: E402

TASKS = pathlib.Path(lm_eval.__file__).parent / "tasks"
USED = ["arc", "openbookqa", "commonsense_qa", "piqa", "super_glue/boolq", "hellaswag", "winogrande", "race", "truthfulqa", "lambada",
        "squadv2", "drop", "gsm8k", "translation"]
manager = TaskManager(include_path=[str(TASKS / folder) for folder in USED], include_defaults=False)

# ---- documents ----

NAMES = ["Ann", "Bob", "Chloé", "Dmitri", "Eve", "Farid", "Gül", "Hans", "Ines", "Jun", "Kofi", "Lea", "Mio", "Nils", "Olga",
         "Pia", "Quim", "Rosa", "Sven", "Tara", "Uma", "Vera", "Wim", "Xu", "Yara", "Zoé"]


def arc(n):
    docs = []
    for i in range(n):
        letters = ["1", "2", "3", "4"] if i % 3 == 2 else ["A", "B", "C", "D", "E"][: 3 + i % 3]
        docs.append({"id": f"Mercury_{i}", "question": f"Why does {NAMES[i]} see \"it\"?\nChoose:  one ", "choices": {
            "text": [f"because of {w} {i}" for w in ["light", "a café", "'sound'", "it's \"heat\"", "nothing "][: len(letters)]],
            "label": letters}, "answerKey": letters[i % len(letters)]})
    return docs


def openbook(n):
    return [{"id": f"7-{i}", "question_stem": f"{NAMES[i]} puts ice in the sun, so", "choices": {
        "text": ["it melts", "it grows", f"it turns {i}", "it sings"], "label": ["A", "B", "C", "D"]},
        "answerKey": " " * (i % 2) + "ABCD"[i % 4]} for i in range(n)]


def commonsense(n):
    return [{"id": f"q{i}", "question": f"  Where would {NAMES[i]} keep a {i}th fox? ", "question_concept": "fox", "choices": {
        "label": ["A", "B", "C", "D", "E"], "text": ["hen house", "zoo", "england", "forêt", f"box {i}"]}, "answerKey": "ABCDE"[i % 5]}
        for i in range(n)]


def piqa(n):
    return [{"goal": f"To open jar {i},", "sol1": f"{NAMES[i]} twists the lid. ", "sol2": f"{NAMES[i]} eats the lid\twhole", "label": i % 2}
            for i in range(n)]


def boolq(n):
    return [{"question": f"is {NAMES[i].lower()} a river", "passage": f"{NAMES[i]} (river) -- {NAMES[i]} is {i} km long.\nIt flows.",
             "idx": i, "label": (i + 1) % 2} for i in range(n)]


def hellaswag(n):
    contexts = [("A man sits. [header] He is", "NOW standing up  tall"), ("[header] How to sew [title] Thread it. [step] Pull", ""),
                ("She is on a  boat.", "ÉTÉ is warm"), ("[a [b] c] x", "ΣΟΦΟΣ waits. The dog's ΟΔΟΣ"), ("They wait.", "iPhone [br\nk] rings")]
    docs = []
    for i in range(n):
        a, b = contexts[i % len(contexts)]
        docs.append({"ind": i, "activity_label": f"Task {NAMES[i]}", "ctx_a": a, "ctx_b": b, "ctx": a + " " + b,
                     "endings": [f" stands [title] and sings {i}. ", "[substeps] goes  away   now", f"eats [x] {NAMES[i]}'s hat",
                                 f"ends {i}"], "source_id": f"s{i}", "split": "val", "split_type": "indomain", "label": str(i % 4)})
    return docs


def winogrande(n):
    return [{"sentence": f"{NAMES[i]} gave it to {NAMES[i + 1]} because _ had asked  for it_{i}." if i % 3 else f"The one they like is _ ",
             "option1": NAMES[i], "option2": NAMES[i + 1], "answer": str(1 + i % 2)} for i in range(n)]


def race(n):
    docs = []
    for i in range(n):
        problems = []
        for k in range(2 + i % 3):
            question = [f"What did {NAMES[i]} \"say\" to the {k}th man?", f"The author's cat isn't  _  .", "What  _  ?", f"{NAMES[k]} is  _  ."][(i + k) % 4]
            problems.append({"question": question, "answer": "ABCD"[(i + k) % 4], "options": [
                f"it's {k}", f"\"yes\" {i}", f"a 'both' \"kind\" {k}\\n", f"{NAMES[k]}\u2028line"]})
        docs.append({"article": f"Once {NAMES[i]} went home.\nIt was {i} o'clock. ", "problems": str(problems)})
    return docs


def truthful(n):
    return [{"question": f"What happens if {NAMES[i]} eats {i} seeds?", "mc1_targets": {
        "choices": ["Nothing happens", f"{NAMES[i]} grows", "It's \"bad\" luck"], "labels": [1, 0, 0]}, "mc2_targets": {
        "choices": ["Nothing happens", "The seeds pass", f"{NAMES[i]} grows", "Luck"], "labels": [1, 1, 0, 0]}} for i in range(n)]


def lambada(n):
    texts = ["he said that {0} would never come back to the old house with {0}", "\"no,\" said {0}, \"it's   mine\n\n\" and {0}'s", "{0}", "ends with space {0} "]
    return [{"text": texts[i % 4].format(NAMES[i])} for i in range(n)]


def squad(n):
    docs = []
    for i in range(n):
        answers = [[], ["1867", "in 1867"], [f"{NAMES[i]}", "the", f"the {NAMES[i]}"], ["The"]][i % 4]
        docs.append({"id": f"56{i}", "title": f"Title_{i // 3}", "context": f"{NAMES[i]} was born in 1867.\nLater \u201cfamous\u201d.",
                     "question": f"When was {NAMES[i]} born ?", "answers": {"text": answers, "answer_start": [i] * len(answers)}})
    return docs


def drop(n):
    docs = []
    no_date = {"day": "", "month": "", "year": ""}
    for i in range(n):
        kinds = [{"number": str(i), "date": no_date, "spans": []}, {"number": "", "date": no_date, "spans": [NAMES[i], f"{NAMES[i + 1]} Jr."]},
                 {"number": "", "date": {"day": "3", "month": "May", "year": "1920"}, "spans": []}, {"number": "", "date": {
                     "day": "", "month": "", "year": "1920"}, "spans": []}]
        answer = dict(kinds[i % 4], worker_id="w", hit_id="h")
        validated = [kinds[(i + 1) % 4], kinds[i % 4], kinds[(i + 2) % 4]][: i % 4]
        docs.append({"section_id": f"nfl_{i // 2}", "query_id": f"q-{i}", "passage": f"{NAMES[i // 2]} scored {i // 2} points, i.e. many.",
                     "question": f"How many points did {NAMES[i]} score?", "answer": answer, "validated_answers": {
                         key: [v[key] for v in validated] for key in ["number", "date", "spans"]} | {
                         "worker_id": ["w"] * len(validated), "hit_id": ["h"] * len(validated)}})
    return docs


def gsm8k(n):
    return [{"question": f"{NAMES[i]} has {i} apples & buys 3. How many?", "answer": f"{i}+3=<<{i}+3={i + 3}>>{i + 3}\n#### {i + 3}{',000' * (i % 2)}"} for i in range(n)]


def wmt(n):
    return [{"translation": {"fr": f"{NAMES[i]} n'a pas « {i} » ans. ", "en": f"{NAMES[i]} isn't \"{i}\" years old."}} for i in range(n)]


# ---- files ----

def lines(name, docs):
    (DATA / name).write_text("".join(json.dumps(doc, ensure_ascii=i % 2 == 0) + "\n" for i, doc in enumerate(docs)), encoding="utf-8")


def whole(name, value):
    (DATA / name).write_text(json.dumps(value, ensure_ascii=False, indent=1), encoding="utf-8")


def text(name, rows):
    (DATA / name).write_text("".join(row + "\n" for row in rows), encoding="utf-8")


def table(name, docs):
    with open(DATA / name, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(docs[0]))
        writer.writeheader()
        writer.writerows(docs)


def stem(docs, key):
    return [{"id": d["id"], "question": {"stem": d[key], "choices": [
        {"text": t, "label": l} for t, l in zip(d["choices"]["text"], d["choices"]["label"])]}, "answerKey": d["answerKey"]} for d in docs]


def nested_squad(docs):
    articles = {}
    for d in docs:
        articles.setdefault(d["title"], []).append({"context": d["context"], "qas": [{
            "id": d["id"], "question": d["question"], "is_impossible": not d["answers"]["text"],
            "answers": [{"text": t, "answer_start": s} for t, s in zip(d["answers"]["text"], d["answers"]["answer_start"])]}]})
    return {"version": "v2.0", "data": [{"title": t, "paragraphs": p} for t, p in articles.items()]}


def nested_drop(docs):
    sections = {}
    for d in docs:
        v = d["validated_answers"]
        section = sections.setdefault(d["section_id"], {"passage": d["passage"], "qa_pairs": [], "wiki_url": "w"})
        section["qa_pairs"].append({"query_id": d["query_id"], "question": d["question"], "answer": d["answer"], "validated_answers": [
            {"number": v["number"][i], "date": v["date"][i], "spans": v["spans"][i]} for i in range(len(v["number"]))]})
    return sections


def race_folder(name, docs):
    (DATA / name).mkdir(parents=True, exist_ok=True)
    for i, d in enumerate(docs):
        problems = eval(d["problems"])  # noqa: S307 (made above)
        whole(f"{name}/{i + 8}.txt", {"answers": [p["answer"] for p in problems], "options": [p["options"] for p in problems],
                                      "questions": [p["question"] for p in problems], "article": d["article"], "id": f"high{i}.txt"})


def race_rows(docs):
    return [{"example_id": f"high{i}.txt", "article": d["article"], "answer": p["answer"], "question": p["question"], "options": p["options"]}
            for i, d in enumerate(docs) for p in eval(d["problems"])]  # noqa: S307


# ---- cases ----

suite, expected = [], []


def requests_of(task_name, case, shots, limit, description, ids):
    task = get_task_dict([task_name], manager)[task_name]
    if shots is not None:
        task.set_config(key="num_fewshot", value=shots)
    if description:
        task.set_config(key="description", value=description)
    task.set_fewshot_seed(seed=1234)
    task.build_all_requests(limit=limit)
    out = []
    for instance in task.instances:
        doc = ids[instance.doc_id] if ids else str(instance.doc_id)
        if instance.request_type == "generate_until":
            context, arguments = instance.args
            out.append({"id": f"{case}/{doc}", "type": "generate", "context": context, "until": arguments["until"],
                        "max_tokens": arguments.get("max_gen_toks", 256)})
        elif task_name != "squadv2":  # its second request serves metrics that hma does not have
            context, continuation = instance.args
            out.append({"id": f"{case}/{doc}/{instance.idx}", "type": "loglikelihood", "context": context, "continuation": continuation})
    return out


def add(task, files, ids=None, shots=None, limit=None, description=None, as_task=None, **more):
    """One set of expected requests; the suite reads them from each of `files` in turn."""
    for number, file in enumerate(files):
        case = f"{as_task or task}.{number}" + (f".{shots}shot" if shots is not None else "")
        entry = {"name": case, "task": as_task or task} | (file if isinstance(file, dict) else {"file": f"data/{file}"})
        entry |= {key: value for key, value in {"num_fewshot": shots, "limit": limit, "description": description}.items() if value is not None}
        suite.append(entry | (more if number == 0 else {}))
        expected.extend(requests_of(task, case, shots, limit, description, ids))


def main():
    DATA.mkdir(parents=True, exist_ok=True)
    n, train = 7, 26
    # ARC: pools of their own; 26 > 21 documents are drawn through a set, 12 through a list
    docs = arc(n)
    local[("allenai/ai2_arc", "ARC-Easy")] = {"train": arc(25), "validation": arc(3), "test": docs}
    local[("allenai/ai2_arc", "ARC-Challenge")] = {"train": arc(12), "validation": arc(3), "test": docs}
    lines("arc.hf.jsonl", docs), lines("arc.jsonl", stem(docs, "question")), lines("arc.train.jsonl", arc(25)), lines("arc.train12.jsonl", arc(12))
    ids = [d["id"] for d in docs]
    add("arc_easy", ["arc.hf.jsonl", "arc.jsonl"], ids)
    add("arc_easy", ["arc.hf.jsonl"], ids, shots=3, limit=5, fewshot_file="data/arc.train.jsonl")
    add("arc_challenge", ["arc.jsonl"], ids, shots=6, description="Answer these:\n\n", fewshot_file="data/arc.train12.jsonl")
    docs = openbook(5)
    local[("allenai/openbookqa", "main")] = {"train": openbook(8), "validation": openbook(3), "test": docs}
    lines("openbookqa.hf.jsonl", docs), lines("openbookqa.jsonl", stem(docs, "question_stem"))
    add("openbookqa", ["openbookqa.hf.jsonl", "openbookqa.jsonl"], [d["id"] for d in docs])
    docs = commonsense(5)
    local[("tau/commonsense_qa", None)] = {"train": commonsense(24), "validation": docs, "test": commonsense(2)}
    lines("commonsense_qa.hf.jsonl", docs), lines("commonsense_qa.jsonl", stem(docs, "question")), lines("commonsense_qa.train.jsonl", commonsense(24))
    add("commonsense_qa", ["commonsense_qa.hf.jsonl", "commonsense_qa.jsonl"], [d["id"] for d in docs])
    add("commonsense_qa", ["commonsense_qa.hf.jsonl"], [d["id"] for d in docs], shots=2, fewshot_file="data/commonsense_qa.train.jsonl")
    # PIQA: one more is drawn, and the asked document is left out, although the pool is the training split
    docs = piqa(n)
    local[("baber/piqa", None)] = {"train": piqa(train), "validation": docs}
    lines("piqa.hf.jsonl", docs), lines("piqa.jsonl", [{k: d[k] for k in ["goal", "sol1", "sol2"]} for d in docs])
    text("piqa.lst", [str(d["label"]) for d in docs]), table("piqa.csv", docs), lines("piqa.train.jsonl", piqa(train))
    add("piqa", ["piqa.hf.jsonl", {"file": "data/piqa.jsonl", "answers_file": "data/piqa.lst"}, "piqa.csv"])
    add("piqa", ["piqa.hf.jsonl"], shots=20, fewshot_file="data/piqa.train.jsonl")
    docs = boolq(n)
    local[("aps/super_glue", "boolq")] = {"train": docs + boolq(n), "validation": docs}
    lines("boolq.hf.jsonl", docs), lines("boolq.jsonl", [{"question": d["question"], "title": "t", "answer": d["label"] == 1, "passage": d["passage"]} for d in docs])
    table("boolq.csv", [{"passage": d["passage"], "question": d["question"], "answer": d["label"] == 1} for d in docs])
    lines("boolq.train.jsonl", docs + boolq(n))
    add("boolq", ["boolq.hf.jsonl", "boolq.jsonl", "boolq.csv"])
    # copies of the asked document are left out, and then too few may be left: the harness draws again
    add("boolq", ["boolq.hf.jsonl"], shots=11, fewshot_file="data/boolq.train.jsonl")
    docs = hellaswag(10)
    local[("Rowan/hellaswag", None)] = {"train": hellaswag(22), "validation": docs, "test": hellaswag(2)}
    lines("hellaswag.jsonl", docs), whole("hellaswag.json", [dict(d, label=int(d["label"])) for d in docs]), lines("hellaswag.train.jsonl", hellaswag(22))
    add("hellaswag", ["hellaswag.jsonl", "hellaswag.json"])
    add("hellaswag", ["hellaswag.jsonl"], shots=4, fewshot_file="data/hellaswag.train.jsonl")
    docs = winogrande(n)
    local[("allenai/winogrande", "winogrande_xl")] = {"train": winogrande(24), "validation": docs, "test": winogrande(2)}
    lines("winogrande.jsonl", docs), table("winogrande.csv", docs), lines("winogrande.train.jsonl", winogrande(24))
    add("winogrande", ["winogrande.jsonl", "winogrande.csv"])
    add("winogrande", ["winogrande.jsonl"], shots=5, fewshot_file="data/winogrande.train.jsonl")
    # RACE draws from the documents that are asked, as they are
    docs = race(n)
    local[("EleutherAI/race", "high")] = {"test": docs}
    lines("race.hf.jsonl", docs), race_folder("race", docs), lines("race.rows.jsonl", race_rows(docs))
    add("race", ["race.hf.jsonl"], None)
    add("race", ["race.hf.jsonl"], None, shots=2)
    for number, file in enumerate(["race", "race.rows.jsonl"]):
        suite.append({"name": f"race.{number + 1}", "task": "race", "file": f"data/{file}"})
        ids = [f"high{i}.txt" for i in range(n)] if file == "race" else None
        expected.extend(requests_of("race", f"race.{number + 1}", None, None, None, ids))
    docs = truthful(5)
    local[("truthfulqa/truthful_qa", "multiple_choice")] = {"validation": docs}
    lines("truthfulqa.hf.jsonl", docs)
    whole("truthfulqa.json", [{"question": d["question"]} | {k: dict(zip(d[k]["choices"], d[k]["labels"])) for k in ["mc1_targets", "mc2_targets"]} for d in docs])
    add("truthfulqa_mc1", ["truthfulqa.hf.jsonl", "truthfulqa.json"])
    add("truthfulqa_mc2", ["truthfulqa.hf.jsonl", "truthfulqa.json"])
    docs = lambada(n)
    local[("EleutherAI/lambada_openai", "default")] = {"test": docs}
    local[("cimec/lambada", None)] = {"train": lambada(2), "validation": lambada(10), "test": [d for d in docs if "\n" not in d["text"]]}
    lines("lambada.jsonl", docs), text("lambada.txt", [d["text"] for d in docs if "\n" not in d["text"]]), lines("lambada.validation.jsonl", lambada(10))
    add("lambada_openai", ["lambada.jsonl"])
    add("lambada_openai", ["lambada.jsonl"], shots=1)
    add("lambada_standard", ["lambada.txt"])
    add("lambada_standard", ["lambada.txt"], shots=2, fewshot_file="data/lambada.validation.jsonl")
    docs = squad(n)
    local[("lighteval/squad_v2", None)] = {"train": squad(23), "validation": docs}
    lines("squad.hf.jsonl", docs), whole("squad.json", nested_squad(docs))  # worked examples of squadv2 fail in this version of the harness
    ids = [d["id"] for d in docs]
    add("squadv2", ["squad.hf.jsonl", "squad.json"], ids)
    add("squadv2", ["squad.json"], ids, as_task="squad")
    docs = drop(10)
    local[("EleutherAI/drop", None)] = {"train": drop(22), "validation": docs}
    lines("drop.hf.jsonl", docs), whole("drop.json", nested_drop(docs)), lines("drop.train.jsonl", drop(22))
    ids = [d["query_id"] for d in docs]
    add("drop", ["drop.hf.jsonl", "drop.json"], ids)
    add("drop", ["drop.hf.jsonl"], ids, shots=3, fewshot_file="data/drop.train.jsonl")
    docs = gsm8k(n)
    local[("openai/gsm8k", "main")] = {"train": gsm8k(25), "test": docs}
    lines("gsm8k.jsonl", docs), lines("gsm8k.train.jsonl", gsm8k(25))
    add("gsm8k", ["gsm8k.jsonl"], fewshot_file="data/gsm8k.train.jsonl")
    add("gsm8k", ["gsm8k.jsonl"], shots=0)
    docs = wmt(n)
    for name in ["fr-en"]:
        local[("wmt/wmt14", name)] = {"train": wmt(2), "validation": wmt(9), "test": docs}
    lines("wmt.jsonl", docs), text("wmt.fr", [d["translation"]["fr"] for d in docs]), text("wmt.en", [d["translation"]["en"] for d in docs])
    lines("wmt.validation.jsonl", wmt(9))
    add("wmt14-fr-en", ["wmt.jsonl", {"file": "data/wmt.fr", "answers_file": "data/wmt.en"}])
    add("wmt14-fr-en", ["wmt.jsonl"], shots=2, fewshot_file="data/wmt.validation.jsonl")
    add("wmt14-en-fr", [{"file": "data/wmt.en", "answers_file": "data/wmt.fr"}])
    (FOLDER / "suite.json").write_text(json.dumps({"name": "library", "tasks": suite}, indent=1) + "\n")
    (FOLDER / "expected.jsonl").write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in expected), encoding="utf-8")
    print(len(suite), "tasks,", len(expected), "requests", file=sys.stderr)


if __name__ == "__main__":
    main()
