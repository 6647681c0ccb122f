#include "eval/tokenizer/chat.h"

#include <stdlib.h>
#include <string.h>

#include "base/error_set.h"
#include "base/json.h"
#include "base/memory.h"
#include "eval/tokenizer/tokenizer.h"

/* ---- published templates ---- */

/* What a user gets by name: the plain form of each family, written for this project from the families' formats. */
typedef struct published {
    const char *name;
    const char *text;
} published;

#define CHATML                                                                                                                 \
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{% endfor %}"                   \
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"

#define ALTERNATE                                                                                                              \
    "{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"                                                                    \
    "{{ raise_exception('roles must alternate: user, assistant, user, ..') }}{% endif %}"

/* A first system message goes into the first user message. */
#define TAKE_SYSTEM                                                                                                            \
    "{% set system = '' %}{% set turns = messages %}{% if messages and messages[0].role == 'system' %}"                        \
    "{% set system = messages[0].content %}{% set turns = messages[1:] %}{% endif %}"

static const published templates[] = {
    {"chatml", CHATML},
    {"llama2", TAKE_SYSTEM "{% if system %}{% set system = '<<SYS>>\\n' + system + '\\n<</SYS>>\\n\\n' %}{% endif %}"
                           "{% for m in turns %}" ALTERNATE "{% if m.role == 'user' %}"
                           "{{ bos_token + '[INST] ' + ((system if loop.first else '') + m.content) | trim + ' [/INST]' }}"
                           "{% else %}{{ ' ' + m.content | trim + ' ' + eos_token }}{% endif %}{% endfor %}"},
    {"llama3", "{{ bos_token }}{% for m in messages %}"
               "{{ '<|start_header_id|>' + m.role + '<|end_header_id|>\\n\\n' + m.content | trim + '<|eot_id|>' }}{% endfor %}"
               "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}"},
    {"mistral-v1", TAKE_SYSTEM "{{ bos_token }}{% for m in turns %}" ALTERNATE "{% if m.role == 'user' %}{{ ' [INST] ' }}"
                               "{% if loop.first and system %}{{ system + '\\n\\n' }}{% endif %}{{ m.content + ' [/INST]' }}"
                               "{% else %}{{ ' ' + m.content + eos_token }}{% endif %}{% endfor %}"},
    {"mistral-v3", TAKE_SYSTEM "{{ bos_token }}{% for m in turns %}" ALTERNATE "{% if m.role == 'user' %}{{ '[INST] ' }}"
                               "{% if loop.last and system %}{{ system + '\\n\\n' }}{% endif %}{{ m.content + '[/INST]' }}"
                               "{% else %}{{ ' ' + m.content | trim + eos_token }}{% endif %}{% endfor %}"},
    {"gemma", TAKE_SYSTEM
     "{{ bos_token }}{% for m in turns %}" ALTERNATE
     "{{ '<start_of_turn>' + ('model' if m.role == 'assistant' else m.role) + '\\n' }}"
     "{% if loop.first and system %}{{ system + '\\n\\n' }}{% endif %}{{ m.content | trim + '<end_of_turn>\\n' }}{% endfor %}"
     "{% if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}"},
    {"zephyr", "{% for m in messages %}{{ '<|' + m.role + '|>\\n' + m.content + eos_token + '\\n' }}{% endfor %}"
               "{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}"},
    {"vicuna",
     TAKE_SYSTEM "{% if system %}{{ system + ' ' }}{% endif %}{% for m in turns %}" ALTERNATE
                 "{{ 'USER: ' + m.content + ' ' if m.role == 'user' else 'ASSISTANT: ' + m.content + eos_token }}{% endfor %}"
                 "{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"},
    {"phi3", "{% for m in messages %}{{ '<|' + m.role + '|>\\n' + m.content + '<|end|>\\n' }}{% endfor %}"
             "{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% else %}{{ eos_token }}{% endif %}"},
    {"human-assistant",
     "{% for m in messages %}{{ ('###Human: ' if m.role == 'user' else '###Assistant: ') + m.content + '\\n' }}{% endfor %}"
     "{% if add_generation_prompt %}{{ '###Assistant:' }}{% endif %}"},
    {"hh", "{% for m in messages %}{{ ('\\n\\nHuman: ' if m.role == 'user' else '\\n\\nAssistant: ') + m.content }}{% endfor %}"
           "{% if add_generation_prompt %}{{ '\\n\\nAssistant:' }}{% endif %}"},
};

/* ---- recognising ---- */

/* The first family all of whose marks the text has. The name only tells people what it is; what counts is the text. */
static const char *family_of(const char *text) {
    static const struct {
        const char *name, *marks[2];
    } families[] = {
        {"phi4", {"<|im_start|>", "<|im_sep|>"}},
        {"chatml", {"<|im_start|>", ""}},
        {"llama3", {"<|start_header_id|>", ""}},
        {"gemma", {"<start_of_turn>", ""}},
        {"llama2", {"[INST]", "<<SYS>>"}},
        {"mistral-v7", {"[INST]", "[SYSTEM_PROMPT]"}},
        {"mistral-v3", {"[INST]", "[AVAILABLE_TOOLS]"}},
        {"mistral-v1", {"[INST]", ""}},
        {"phi3", {"<|assistant|>", "<|end|>"}},
        {"zephyr", {"<|assistant|>", ""}},
        {"zephyr", {"'<|' + message['role'] + '|>", ""}},
        {"human-assistant", {"###Human", "###Assistant"}},
        {"human-assistant", {"### Human", "### Assistant"}},
        {"alpaca", {"### Instruction:", "### Response:"}},
        {"vicuna", {"USER:", "ASSISTANT:"}},
        {"hh", {"Human:", "Assistant:"}},
        {"command-r", {"<|START_OF_TURN_TOKEN|>", ""}},
        {"granite", {"<|start_of_role|>", ""}},
    };
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        if (strstr(text, families[i].marks[0]) && strstr(text, families[i].marks[1])) {
            return families[i].name;
        }
    }
    return "other";
}

hma_status hma_chat_open(hma_chat *out, const char *text) {
    *out = (hma_chat){0};
    if (!text) {
        return HMA_OK;
    }
    const hma_status status = hma_jinja_compile(&out->template, text, strlen(text));
    if (status == HMA_BAD_DATA) {
        out->why_not = hma_copy_text(hma_error_message());
        return out->why_not ? HMA_OK : HMA_FAILURE;
    }
    out->name = status == HMA_OK ? family_of(text) : NULL;
    return status;
}

void hma_chat_free(hma_chat *chat) {
    hma_jinja_free(chat->template);
    free(chat->why_not);
    *chat = (hma_chat){0};
}

/* ---- rendering ---- */

static hma_status check_messages(const hma_chat_message *messages, size_t count) {
    if (count == 0) {
        return hma_error(HMA_USAGE, "there is no message to render (expected at least one)");
    }
    for (size_t i = 0; i < count; i++) {
        if (!messages[i].role || !messages[i].content) {
            return hma_error(HMA_USAGE, "message %zu has no role or no content (expected both)", i);
        }
    }
    return HMA_OK;
}

static hma_status render(const hma_tokenizer *tokenizer, const hma_jinja *template, const hma_chat_message *messages,
                         size_t count, bool generation_prompt, char **text) {
    const hma_special_token *roles = tokenizer->settings.roles;
    const hma_jinja_global globals[] = {
        {"bos_token", roles[HMA_SPECIAL_BOS].token.text},  {"eos_token", roles[HMA_SPECIAL_EOS].token.text},
        {"unk_token", roles[HMA_SPECIAL_UNK].token.text},  {"sep_token", roles[HMA_SPECIAL_SEP].token.text},
        {"pad_token", roles[HMA_SPECIAL_PAD].token.text},  {"cls_token", roles[HMA_SPECIAL_CLS].token.text},
        {"mask_token", roles[HMA_SPECIAL_MASK].token.text}};
    hma_buffer out = {0};
    hma_buffer_add(&out, "", 0); /* so that there is a text to hand over */
    hma_status status = check_messages(messages, count);
    if (status == HMA_OK && (status = hma_jinja_render(template, messages, count, generation_prompt, globals,
                                                       sizeof globals / sizeof *globals, &out)) == HMA_OK) {
        *text = hma_buffer_release(&out);
        status = *text ? HMA_OK : HMA_FAILURE;
    }
    hma_buffer_free(&out);
    return status == HMA_BAD_DATA ? hma_error_prefix("%s: ", tokenizer->path) : status;
}

const char *hma_tokenizer_chat_template(const hma_tokenizer *tokenizer) { return tokenizer->chat.name; }

hma_status hma_chat_render(const hma_tokenizer *tokenizer, const hma_chat_message *messages, size_t count,
                           bool generation_prompt, char **text) {
    if (!tokenizer->chat.template) {
        return tokenizer->chat.why_not
                   ? hma_error(HMA_BAD_DATA, "%s: %s", tokenizer->path, tokenizer->chat.why_not)
                   : hma_error(HMA_BAD_DATA,
                               "%s: no chat template beside it (expected chat_template in tokenizer_config.json, or "
                               "chat_template.jinja): add one, or choose one by name",
                               tokenizer->path);
    }
    return render(tokenizer, tokenizer->chat.template, messages, count, generation_prompt, text);
}

static const published *find_published(const char *name) {
    for (size_t i = 0; i < sizeof templates / sizeof *templates; i++) {
        if (strcmp(templates[i].name, name) == 0) {
            return &templates[i];
        }
    }
    return NULL;
}

hma_status hma_chat_render_named(const hma_tokenizer *tokenizer, const char *template_name, const hma_chat_message *messages,
                                 size_t count, bool generation_prompt, char **text) {
    const published *chosen = find_published(template_name);
    hma_jinja *template = NULL;
    if (!chosen) {
        const char *names[sizeof templates / sizeof *templates + 1] = {NULL};
        for (size_t i = 0; i < sizeof templates / sizeof *templates; i++) {
            names[i] = templates[i].name;
        }
        const char *near = hma_nearest(template_name, names);
        return hma_error(
            HMA_USAGE,
            "there is no chat template \"%s\" (expected chatml, llama2, llama3, mistral-v1, mistral-v3, gemma, zephyr, "
            "vicuna, phi3, human-assistant or hh)%s%s",
            template_name, near ? ": did you mean " : "", near ? near : "");
    }
    hma_status status = hma_jinja_compile(&template, chosen->text, strlen(chosen->text));
    if (status == HMA_OK) {
        status = render(tokenizer, template, messages, count, generation_prompt, text);
    }
    hma_jinja_free(template);
    return status;
}
