// {{name}}: the title and the number of words of a note.
//
// bindings/adapter.h declares what the host offers and what a tool exports; it was generated from the WIT package.
#include <string.h>
#include "../bindings/adapter.h"
#include "json.h"

extern const char manifest[]; // manifest.json, by manifest.S

void exports_adapter_describe(adapter_string_t *ret) { adapter_string_dup(ret, manifest); }

static bool fail(adapter_failure_t *failure, const char *code, const char *message, text about) {
    buffer words = {0};
    put(&words, message);
    put_string(&words, about);
    *failure = (adapter_failure_t){text_of(code), text_in(&words), false};
    return false;
}

static void log_size(text path, size_t size) {
    buffer line = {0};
    put_bytes(&line, path.ptr, path.len);
    put(&line, " has ");
    put_number(&line, size);
    put(&line, " bytes");
    text message = text_in(&line);
    bloom_tool_log_write(BLOOM_TOOL_LOG_LEVEL_INFO, &message);
}

static bool is_space(uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Letters, digits and everything beyond ASCII.
static bool is_of_word(uint8_t c) { return c >= 0x80 || (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z'); }

static size_t count_words(adapter_list_u8_t note) {
    size_t words = 0;
    bool counted = false;
    for (size_t n = 0; n < note.len; n++) {
        if (is_space(note.ptr[n])) counted = false;
        else if (!counted && is_of_word(note.ptr[n])) { words++; counted = true; }
    }
    return words;
}

static text title(adapter_list_u8_t note, text otherwise) {
    for (size_t start = 0; start < note.len;) {
        size_t end = start;
        while (end < note.len && note.ptr[end] != '\n') end++;
        if (end - start > 2 && !memcmp(note.ptr + start, "# ", 2)) return (text){note.ptr + start + 2, end - start - 2};
        start = end + 1;
    }
    return otherwise;
}

bool exports_adapter_invoke(adapter_string_t *call_id, adapter_string_t *input, adapter_string_t *ret,
                            adapter_failure_t *err) {
    (void)call_id; // the same for every attempt at this call: an idempotency key for what changes something outside
    text value, path;
    if (!json_member(*input, "path", &value) || !json_string(value, &path)) {
        return fail(err, "invalid_input", "there is no path in ", *input);
    }
    text root = text_of("notes");
    adapter_list_u8_t note;
    if (!bloom_tool_files_read(&root, &path, &note, err)) return false; // the host's failure, as `not_found`
    log_size(path, note.len);
    size_t words = count_words(note);
    if (words == 0) return fail(err, "empty_note", "there are no words in ", path);

    buffer output = {0};
    put(&output, "{\"title\":");
    put_string(&output, title(note, path));
    put(&output, ",\"words\":");
    put_number(&output, words);
    put(&output, "}");
    *ret = text_in(&output);
    return true;
}
