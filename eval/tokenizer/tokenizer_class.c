#include "eval/tokenizer/tokenizer_class.h"

#include <string.h>

#define END_OF_TEXT "<|endoftext|>"

/* The first stands for transformers' base class, which changes nothing but a lone ByteLevel's add_prefix_space. */
static const hma_tokenizer_class classes[] = {
    {.name = "PreTrainedTokenizer", .prefix_space_by_config = true},
    {.name = "TokenizersBackend", .prefix_space_by_config = true}, /* what transformers 5 calls it */
    {.name = "LlamaTokenizer", .bos = "<s>", .eos = "</s>", .unk = "<unk>", .rebuilds = true, .add_bos = true, .slow = true},
    {.name = "GemmaTokenizer",
     .bos = "<bos>",
     .eos = "<eos>",
     .unk = "<unk>",
     .pad = "<pad>",
     .rebuilds = true,
     .add_bos = true,
     .prefix_space_by_config = true,
     .slow = true},
    {.name = "GPTNeoXTokenizer",
     .bos = END_OF_TEXT,
     .eos = END_OF_TEXT,
     .unk = END_OF_TEXT,
     .rebuilds = true,
     .prefix_space_by_config = true},
    {.name = "GPT2Tokenizer", .bos = END_OF_TEXT, .eos = END_OF_TEXT, .unk = END_OF_TEXT, .prefix_space_by_config = true},
    {.name = "CodeGenTokenizer", .bos = END_OF_TEXT, .eos = END_OF_TEXT, .unk = END_OF_TEXT, .prefix_space_by_config = true},
    {.name = "Qwen2Tokenizer",
     .eos = END_OF_TEXT,
     .unk = END_OF_TEXT,
     .pad = END_OF_TEXT,
     .prefix_space_by_config = true,
     .firm_specials = true},
    {.name = "CohereTokenizer",
     .bos = "<BOS_TOKEN>",
     .eos = "<|END_OF_TURN_TOKEN|>",
     .unk = "<UNK>",
     .rebuilds = true,
     .add_bos = true,
     .prefix_space_by_config = true},
    {.name = "BloomTokenizer", .bos = "<s>", .eos = "</s>", .unk = "<unk>", .pad = "<pad>", .prefix_space_by_config = true},
};

/* The class that transformers picks when a folder names none. */
static const struct {
    const char *model_type, *class;
} by_model_type[] = {
    {"llama", "LlamaTokenizer"},       {"llama4", "LlamaTokenizer"},     {"llama4_text", "LlamaTokenizer"},
    {"mistral", "LlamaTokenizer"},     {"mixtral", "LlamaTokenizer"},    {"phi3", "LlamaTokenizer"},
    {"gemma", "GemmaTokenizer"},       {"gemma2", "GemmaTokenizer"},     {"gemma3", "GemmaTokenizer"},
    {"gemma3_text", "GemmaTokenizer"}, {"gpt2", "GPT2Tokenizer"},        {"gpt_neo", "GPT2Tokenizer"},
    {"gptj", "GPT2Tokenizer"},         {"opt", "GPT2Tokenizer"},         {"olmo3", "GPT2Tokenizer"},
    {"starcoder2", "GPT2Tokenizer"},   {"gpt_bigcode", "GPT2Tokenizer"}, {"gpt_neox", "GPTNeoXTokenizer"},
    {"olmo", "GPTNeoXTokenizer"},      {"olmo2", "GPTNeoXTokenizer"},    {"stablelm", "GPTNeoXTokenizer"},
    {"mpt", "GPTNeoXTokenizer"},       {"qwen2", "Qwen2Tokenizer"},      {"qwen3", "Qwen2Tokenizer"},
    {"qwen2_moe", "Qwen2Tokenizer"},   {"qwen3_moe", "Qwen2Tokenizer"},  {"phi", "CodeGenTokenizer"},
    {"codegen", "CodeGenTokenizer"},   {"cohere", "CohereTokenizer"},    {"cohere2", "CohereTokenizer"},
    {"bloom", "BloomTokenizer"},
};

const hma_tokenizer_class *hma_tokenizer_class_find(const char *name) {
    const size_t length = strlen(name);
    const size_t stem = length > 4 && strcmp(name + length - 4, "Fast") == 0 ? length - 4 : length;
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        if (strlen(classes[i].name) == stem && memcmp(classes[i].name, name, stem) == 0) {
            return &classes[i];
        }
    }
    return NULL;
}

const hma_tokenizer_class *hma_tokenizer_class_of_model(const char *model_type) {
    for (size_t i = 0; model_type && i < sizeof by_model_type / sizeof *by_model_type; i++) {
        if (strcmp(model_type, by_model_type[i].model_type) == 0) {
            return hma_tokenizer_class_find(by_model_type[i].class);
        }
    }
    return &classes[0];
}
