#!/usr/bin/env python3
"""Trains tokenizers with drawn pipelines and lets the references encode drawn Unicode texts with them.

  make_tokenizer_variants.py --out DIR [--seed S] [--count N] [--kinds byte-level,metaspace,unigram,sentencepiece,folder] [--texts N]
                             [--folder TOKENIZER ..]

Needs tokenizers, transformers 4.57 and sentencepiece. The folders have the form of tests/golden/tokenizers and are read by
check_hma.py. --folder: no training, but the tokenizer of a folder, such as a real vocabulary.
"""
import argparse
import io
import json
import os
import random
import shutil
import unicodedata
import warnings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
warnings.filterwarnings("ignore")
import sentencepiece
import transformers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer

WORDS = ("river window garden letter engine winter kitchen market isn't we'll Don'T they're I'VE éclair naïve façade Straße ΑΣ Ωμέγα река поезд "
         "東京 中文 ひらがな カタカナ 한국어 नमस्ते ที่นี่ שלום السلام Việt Nam x2 3.14 2024 def return __init__ http:// a+b=c camelCase HTML").split()
ALPHABETS = ["abcdefghijklmnopqrstuvwxyz", "ABCXYZ", "0123456789", "٣٤٥२०½²③Ⅷ", "éèñüßøåÅçœ", "абвгдеёж", "αβγδΣς", "中文字東京語", "ひらがなカタ", "한국어가", "नमस्तेक्ष", "שלום", "السلامعليكم", "ที่นี้",
             "'’\"“”", "!?.,;:-–—…", "()[]{}<>/\\|", "$€£%@#&*+=^~`_", "▁Ġ Ċ", "\u0301\u0308\u0327\u0323\u0334", "\u200d\u200b\u2060\ufeff\u00ad\u200e\u202e", "😀👍🏽👩‍👧🇨🇭1️⃣🏴", "\x01\x1b\x7f\x80\x9f", "\ue000\ufffd\u0378",
             "ﬁﬂㇱ㍿℡ＡＢ１２ﾊﾟ", "𝔘𝟘𠮷\U0001fffe\U0010ffff", "ſKÅİıẞ", "ᄒ\u1161ᆫ각"]
SPACES = [" ", "  ", "   ", "\t", "\n", "\n\n", "\r\n", "\u00a0", "\u3000", "\u2009", "\u2028", "\u0085", " \n", "\n ", "\t\t", " " * 9, " " * 33, "\n" * 5, "\v", "\f", "\x1c", "\u1680", "\u180e"]


def draw_text(r, specials):
    if r.random() < 0.02:
        return r.choice(["", " ", "\n", "a", "é", "😀"])
    out = []
    for _ in range(r.choice([1, 2, 4, 8, 20])):
        kind = r.random()
        if kind < 0.35:
            out.append(r.choice(WORDS))
        elif kind < 0.65:
            a = r.choice(ALPHABETS)
            out.append("".join(r.choice(a) for _ in range(r.choice([1, 1, 2, 3, 7, 20]))))
        elif kind < 0.72:
            c = chr(r.choice([r.randrange(1, 0x250), r.randrange(0x250, 0x3100), r.randrange(0x3100, 0xd800), r.randrange(0xe000, 0x10000), r.randrange(0x10000, 0x20000), r.randrange(0x20000, 0x110000)]))
            out.append(c * r.choice([1, 1, 2]))
        elif kind < 0.80 and specials:
            s = r.choice(specials)
            out.append(r.choice([s, s, s[:-1], s[1:], s.upper(), s + s]))
        elif kind < 0.84:
            out.append(r.choice("abc.= \n0") * r.choice([5, 40, 150]))
        else:
            out.append("".join(r.choice(WORDS[:12] + ["ab", "1", "."]) for _ in range(3)))
        if r.random() < 0.6:
            out.append(r.choice(SPACES))
    return "".join(out)


def corpus(r, lines=1200):
    out = []
    for _ in range(lines):
        words = [r.choice(WORDS) if r.random() < 0.7 else "".join(r.choice(r.choice(ALPHABETS[:14])) for _ in range(r.randrange(1, 9))) for _ in range(r.randrange(3, 14))]
        out.append(r.choice([" ", " ", "  ", "\n", ", "]).join(words))
    return out


# ---- pipelines --------------------------------------------------------------------------------------------------
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
CL100K = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
O200K = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
         r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
TEKKEN = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
DEEPSEEK3 = r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"""
ONE = {"gpt2": GPT2, "cl100k": CL100K, "qwen2": CL100K.replace(r"\p{N}{1,3}", r"\p{N}"), "o200k": O200K, "tekken": TEKKEN,
       "olmo2": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
       "qwen2-no-i": r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
       "glm4": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s+[\r\n]+|\s+(?!\S)|\s+",
       "simple": r"\w+|[^\w\s]+", "gap": r"\s+", "poro": r" ?[^(\s|[.,!?…。，、।۔،])]+", "bloom": r" ?[^(\s|[.,!?…。，、।۔،])]+"}
MANY = {"deepseek": [r"[\r\n]", r"\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-Ֆ]+", r"\s?[!-/:-~！-／：-～‘-‟　-。]+", r"\s+$", r"[一-龥ࠀ-一가-퟿]+"],
        "deepseek3": [r"\p{N}{1,3}", r"[一-龥぀-ゟ゠-ヿ]+", DEEPSEEK3], "falcon": [r"[0-9][0-9][0-9]"], "starcoder": [r"\p{N}", GPT2], "digits3": [r"\p{N}{1,3}", GPT2]}
BEHAVIOURS = ["removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"]


def draw_normalizer(r, bytes_too=False):
    one = lambda: r.choice([normalizers.NFC, normalizers.NFC, normalizers.NFKC, normalizers.NFD, normalizers.NFKD, normalizers.Lowercase, normalizers.StripAccents, normalizers.Nmt,
                            lambda: normalizers.Replace(" ", "▁"), lambda: normalizers.Replace(Regex(" {2,}"), " "), lambda: normalizers.Replace("``", '"'), lambda: normalizers.Replace("e", "éé"), lambda: normalizers.Replace(Regex(r"\p{Mn}"), ""),
                            lambda: normalizers.Prepend("▁"), lambda: normalizers.Prepend(" "), lambda: normalizers.Strip(left=r.random() < 0.5, right=r.random() < 0.5)])()
    n = r.choice([0, 0, 1, 1, 2, 3])
    return None if n == 0 else one() if n == 1 else normalizers.Sequence([one() for _ in range(n)])


def draw_byte_level(r):
    """-> pre-tokenizer, what it is"""
    prefix = r.random() < 0.3
    kind = r.choice(["plain", "one", "one", "many", "digits", "wild", "wild"])
    last = lambda regex: pre_tokenizers.ByteLevel(add_prefix_space=prefix, use_regex=regex)
    if kind == "plain":
        return last(True), "ByteLevel with its own regex"
    if kind == "digits":
        return pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=r.random() < 0.6), last(True)]), "Digits, ByteLevel"
    if kind == "one":
        name = r.choice(list(ONE))
        return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(ONE[name]), r.choice(["isolated", "isolated", "removed"]), invert=r.random() < 0.3), last(False)]), f"Split {name}, ByteLevel"
    if kind == "many":
        name = r.choice(list(MANY))
        return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(x), "isolated") for x in MANY[name]] + [last(r.random() < 0.3)]), f"Split {name}, ByteLevel"
    steps = [r.choice([lambda: pre_tokenizers.Split(Regex(r.choice([r"\d", r"\p{L}+", r"[aeiou]", r"\s", r" +", r"(?<=[a-z])(?=[A-Z])", r"\b", r"[^\S\n]+|\n", r"\p{Han}", r"\p{Emoji}", r"[[:punct:]]", r"\h", r"(?s:.)", r"x*", r"[\p{L}&&[^a-m]]+"])), r.choice(BEHAVIOURS), invert=r.random() < 0.3),
                       lambda: pre_tokenizers.Split(r.choice([" ", "a", "▁", ".."]), r.choice(BEHAVIOURS), invert=r.random() < 0.3), lambda: pre_tokenizers.Digits(r.random() < 0.5), lambda: pre_tokenizers.Punctuation(r.choice(BEHAVIOURS)),
                       lambda: pre_tokenizers.Whitespace(), lambda: pre_tokenizers.WhitespaceSplit(), lambda: pre_tokenizers.CharDelimiterSplit("-"), lambda: pre_tokenizers.Metaspace(prepend_scheme=r.choice(["always", "first", "never"]), split=r.random() < 0.5)])() for _ in range(r.choice([1, 2, 3]))]
    return pre_tokenizers.Sequence([*steps, last(r.random() < 0.5)]), "drawn steps, ByteLevel"


def add_tokens(r, t):
    contents = r.sample(["<|a|>", "<|b|>", "<|end|>", "<x>", "</x>", "river", "é", "  ", "\n\n", "▁▁", "<|a|>x", "1", "ab", "[INST]", " the", "İ", "A\u030a", "東京", "👍🏽"], r.randrange(1, 8))
    for c in contents:
        special = r.random() < 0.5
        token = AddedToken(c, lstrip=r.random() < 0.25, rstrip=r.random() < 0.25, single_word=r.random() < 0.2, normalized=r.random() < (0.2 if special else 0.6), special=special)
        t.add_special_tokens([token]) if special else t.add_tokens([token])
    return contents


def post(r, t, bos, eos):
    kind = r.choice(["none", "bytes", "template", "sequence"])
    byte_level = processors.ByteLevel(trim_offsets=r.random() < 0.5)
    single = [x for x in (f"{bos}:0" if r.random() < 0.7 else None, "$A:0", f"{eos}:0" if r.random() < 0.3 else None) if x]
    template = processors.TemplateProcessing(single=" ".join(single), pair=" ".join(single) + " $B:1", special_tokens=[(s, t.token_to_id(s)) for s in (bos, eos)])
    t.post_processor = {"none": None, "bytes": byte_level, "template": template, "sequence": processors.Sequence([byte_level, template])}[kind] or byte_level


def from_dict(t, **changes):
    d = json.loads(t.to_str())
    d["model"].update(changes)
    return Tokenizer.from_str(json.dumps(d))


def draw_config(r, family, bos, eos):
    c = {"bos_token": bos, "eos_token": eos, "clean_up_tokenization_spaces": r.random() < 0.3, "model_max_length": 1000000000000000019884624838656}
    c["tokenizer_class"] = r.choice({"byte": ["PreTrainedTokenizerFast", "PreTrainedTokenizerFast", "GPT2Tokenizer", "GPTNeoXTokenizer", "Qwen2Tokenizer", "LlamaTokenizerFast"],
                                     "metaspace": ["LlamaTokenizer", "LlamaTokenizerFast", "GemmaTokenizer", "PreTrainedTokenizerFast"]}[family])
    for key in ("add_bos_token", "add_eos_token", "add_prefix_space", "legacy"):
        if r.random() < 0.35 and not (key == "add_prefix_space" and "Llama" in c["tokenizer_class"]):
            c[key] = r.random() < 0.5
    return c


def byte_level(r, lines):
    t = Tokenizer(models.BPE())
    t.pre_tokenizer, what = draw_byte_level(r)
    t.decoder = decoders.ByteLevel()
    normalizer = draw_normalizer(r)
    if normalizer:
        t.normalizer = normalizer
    bos, eos = r.choice([("<s>", "</s>"), ("<|endoftext|>", "<|endoftext|>")])
    first = sorted({bos, eos}) if r.random() < 0.5 else []
    t.train_from_iterator(lines, trainers.BpeTrainer(vocab_size=r.randrange(400, 700), special_tokens=first, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    t = from_dict(t, ignore_merges=r.random() < 0.3)
    if r.random() < 0.3:
        d = json.loads(t.to_str())
        kept = [m for m in d["model"]["merges"] if r.random() < 0.9]
        d["model"]["merges"] = kept if r.random() < 0.5 else [" ".join(m) for m in kept]
        t = Tokenizer.from_str(json.dumps(d))
    t.add_special_tokens([AddedToken(s, special=True, normalized=False) for s in (bos, eos)])
    contents = add_tokens(r, t)
    post(r, t, bos, eos)
    return t, draw_config(r, "byte", bos, eos), contents, what


def metaspace(r, lines):
    bytes_ = [f"<0x{i:02X}>" for i in range(256)]
    fallback = r.random() < 0.8
    t = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=fallback, fuse_unk=r.random() < 0.6))
    t.normalizer = normalizers.Replace(" ", "▁")
    t.pre_tokenizer = pre_tokenizers.Split(Regex("▁+[^▁]*"), "isolated")
    t.train_from_iterator(["▁" + x for x in lines], trainers.BpeTrainer(vocab_size=r.randrange(600, 900), special_tokens=["<unk>", "<s>", "</s>", *(bytes_ if fallback else [])], limit_alphabet=r.choice([60, 110]), show_progress=False))
    d = json.loads(t.to_str())
    d["added_tokens"] = [a for a in d["added_tokens"] if a["content"] not in bytes_]
    d["normalizer"] = d["pre_tokenizer"] = None
    if fallback and r.random() < 0.15:  # a vocabulary that lacks one byte
        d["model"]["vocab"]["<0xe4>"] = d["model"]["vocab"].pop("<0xE4>")
    d["model"]["ignore_merges"] = r.random() < 0.2
    t = Tokenizer.from_str(json.dumps(d))
    kind = r.choice(["prepend", "always", "first", "never", "gemma", "drawn"])
    strip = True
    if kind == "prepend":
        t.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    elif kind == "gemma":
        t.normalizer, strip = normalizers.Replace(" ", "▁"), False
        t.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    elif kind == "drawn":
        extra = draw_normalizer(r)
        t.normalizer = normalizers.Sequence([*([extra] if extra else []), normalizers.Replace(" ", "▁")])
    else:
        t.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=kind, split=r.random() < 0.5)
        normalizer = draw_normalizer(r)
        if normalizer:
            t.normalizer = normalizer
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()] + ([decoders.Strip(" ", 1, 0)] if strip else [])
    t.decoder = decoders.Metaspace(prepend_scheme=r.choice(["always", "never", "first"])) if r.random() < 0.2 else decoders.Sequence(steps)
    contents = add_tokens(r, t)
    post(r, t, "<s>", "</s>")
    c = draw_config(r, "metaspace", "<s>", "</s>")
    c["unk_token"] = "<unk>"
    if "Llama" in c["tokenizer_class"]:
        c.pop("add_prefix_space", None)  # the reference wants tokenizer.model then
    return t, c, contents, f"metaspace {kind}, byte fallback {fallback}"


def unigram(r, lines):
    t = Tokenizer(models.Unigram())
    normalizer = draw_normalizer(r)
    if normalizer:
        t.normalizer = normalizer
    t.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=r.choice(["always", "first", "never"]), split=r.random() < 0.7)
    t.train_from_iterator(lines, trainers.UnigramTrainer(vocab_size=r.randrange(400, 600), special_tokens=["<unk>", "<s>", "</s>"], unk_token="<unk>", show_progress=False))
    t.decoder = decoders.Metaspace(prepend_scheme=r.choice(["always", "never", "first"]))
    contents = add_tokens(r, t)
    post(r, t, "<s>", "</s>")
    c = draw_config(r, "metaspace", "<s>", "</s>")
    c.update({"unk_token": "<unk>", "tokenizer_class": "PreTrainedTokenizerFast"})
    return t, c, contents, "Unigram in tokenizer.json"


def piece_model(r, lines, folder):
    """A folder with tokenizer.model only."""
    options = dict(model_type=r.choice(["bpe", "unigram"]), vocab_size=r.randrange(560, 800), byte_fallback=r.random() < 0.75, character_coverage=r.choice([0.98, 0.99, 1.0]), unk_id=0, bos_id=1, eos_id=2, pad_id=-1, hard_vocab_limit=False,
                   minloglevel=2, num_threads=1, max_sentence_length=10000, normalization_rule_name=r.choice(["identity", "identity", "nmt_nfkc", "nfkc", "nmt_nfkc_cf", "nfkc_cf"]), remove_extra_whitespaces=r.random() < 0.5,
                   add_dummy_prefix=r.random() < 0.7, split_digits=r.random() < 0.5, allow_whitespace_only_pieces=r.random() < 0.5, split_by_whitespace=r.random() < 0.8, split_by_unicode_script=r.random() < 0.7,
                   escape_whitespaces=True, treat_whitespace_as_suffix=r.random() < 0.15)
    contents = r.sample(["<sep>", "[X]", "▁▁", "river", "é", "<|a|>", "東京", "ab"], r.randrange(0, 4))
    if contents:
        options["user_defined_symbols"] = contents
    control = r.sample(["<ctl>", "<|c|>"], r.randrange(0, 2))
    if control:
        options["control_symbols"] = control
    buffer = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter([x for line in lines for x in line.split("\n") if x]), model_writer=buffer, **options)
    with open(os.path.join(folder, "tokenizer.model"), "wb") as f:
        f.write(buffer.getvalue())
    c = {"tokenizer_class": r.choice(["LlamaTokenizer", "LlamaTokenizer", "GemmaTokenizer"]), "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "legacy": r.random() < 0.7, "clean_up_tokenization_spaces": r.random() < 0.2, "model_max_length": 1000000000000000019884624838656}
    for key in ("add_bos_token", "add_eos_token", "add_prefix_space"):
        if r.random() < 0.4:
            c[key] = r.random() < 0.5
    if r.random() < 0.4:
        c["added_tokens_decoder"] = {str(i): {"content": s, "lstrip": r.random() < 0.3, "normalized": r.random() < 0.5, "rstrip": r.random() < 0.3, "single_word": False, "special": r.random() < 0.5}
                                     for i, s in enumerate(["<|pad|>", "<|end|>"], sentencepiece.SentencePieceProcessor(model_proto=buffer.getvalue()).vocab_size())}
        contents += ["<|pad|>", "<|end|>"]
    return c, contents + control + ["<s>", "</s>"], {k: v for k, v in options.items() if k in ("model_type", "normalization_rule_name", "remove_extra_whitespaces", "add_dummy_prefix", "byte_fallback", "treat_whitespace_as_suffix", "split_by_whitespace")}


# ---- writing ----------------------------------------------------------------------------------------------------
def dump(path, value):
    with open(path, "w", encoding="utf-8") as f:
        json.dump(value, f, indent=1, ensure_ascii=False)


def questions(tok, r, specials, count):
    """-> rows of (request, expected)"""
    rows, sequences = [], []
    for i in range(count):
        text, special = draw_text(r, specials), r.random() < 0.6
        ids = tok.encode(text, add_special_tokens=special)
        rows.append(({"id": f"t{i}", "type": "tokenize", "text": text, "special": special}, {"id": f"t{i}", "ids": ids}))
        sequences.append(ids)
    size = len(tok)
    for i, ids in enumerate(r.sample(sequences, min(len(sequences), count // 3)) + [[r.randrange(size) for _ in range(r.randrange(1, 12))] for _ in range(count // 4)]):
        rows.append(({"id": f"d{i}", "type": "detokenize", "ids": ids}, {"id": f"d{i}", "text": tok.decode(ids, skip_special_tokens=True)}))
    return rows


def finish(folder, r, what, specials, count, by):
    tok = AutoTokenizer.from_pretrained(folder, use_fast=os.path.exists(os.path.join(folder, "tokenizer.json")))
    rows = questions(tok, r, specials + [t for t in tok.all_special_tokens if t], count)
    for name, i in (("requests", 0), ("expected", 1)):
        with open(os.path.join(folder, f"{name}.jsonl"), "w", encoding="utf-8", newline="\n") as f:
            f.writelines(json.dumps(row[i], ensure_ascii=n % 3 == 0) + "\n" for n, row in enumerate(rows))
    dump(os.path.join(folder, "about.json"), {"kind": "tokenizer", "catches": str(what), "reference": f"transformers {transformers.__version__}, {type(tok).__name__}", "requests": len(rows), "made by": by})


def make(out, kind, seed, number, count, source=None):
    r = random.Random(f"{seed}/{kind}/{number}")
    folder = os.path.join(out, "tokenizers", f"{kind}-{number}")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    by = f"make_tokenizer_variants.py --seed {seed}, {kind} {number}"
    if source:
        for f in ("tokenizer.json", "tokenizer.model", "tokenizer_config.json", "special_tokens_map.json"):
            if os.path.exists(os.path.join(source, f)):
                shutil.copy(os.path.join(source, f), folder)
        return finish(folder, r, "drawn texts", [], count, by)
    lines = corpus(r)
    if kind == "sentencepiece":
        config, contents, what = piece_model(r, lines, folder)
    else:
        t, config, contents, what = {"byte-level": byte_level, "metaspace": metaspace, "unigram": unigram}[kind](r, lines)
        t.save(os.path.join(folder, "tokenizer.json"), pretty=False)
        if r.random() < 0.7:
            config["added_tokens_decoder"] = {str(i): {k: getattr(a, k) for k in ("content", "lstrip", "normalized", "rstrip", "single_word", "special")} for i, a in sorted(t.get_added_tokens_decoder().items())}
    dump(os.path.join(folder, "tokenizer_config.json"), config)
    finish(folder, r, what, contents, count, by)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--out", required=True)
    p.add_argument("--seed", default="1")
    p.add_argument("--count", type=int, default=10)
    p.add_argument("--texts", type=int, default=150)
    p.add_argument("--kinds", default="byte-level,metaspace,unigram,sentencepiece")
    p.add_argument("--folder", nargs="*", default=[])
    a = p.parse_args()
    jobs = [(os.path.basename(os.path.normpath(f)), 0, f) for f in a.folder] or [(k, n, None) for k in a.kinds.split(",") for n in range(a.count)]
    for kind, number, source in jobs:
        try:
            make(a.out, kind, a.seed, number, a.texts, source)
        except BaseException as e:  # a mixture that the reference itself refuses (its panics are BaseException)
            if isinstance(e, KeyboardInterrupt):
                raise
            shutil.rmtree(os.path.join(a.out, "tokenizers", f"{kind}-{number}"), ignore_errors=True)
            print(f"left out {kind}-{number}: {type(e).__name__}: {str(e)[:300]}", flush=True)


if __name__ == "__main__":
    main()
