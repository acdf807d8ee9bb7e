// The tool on this machine, with a host made of two notes: `make test`.
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include "../bindings/adapter.h"
#include "../src/json.h"

const char manifest[] = "{}";
static char logged[256];

void bloom_tool_log_write(bloom_tool_log_level_t level, adapter_string_t *message) {
    snprintf(logged, sizeof logged, "%d %.*s", level, (int)message->len, (char *)message->ptr);
}

bool bloom_tool_files_read(adapter_string_t *root, adapter_string_t *path, adapter_list_u8_t *ret,
                           bloom_tool_files_failure_t *err) {
    assert(root->len == 5 && !memcmp(root->ptr, "notes", 5));
    const char *content = NULL;
    if (path->len == 6 && !memcmp(path->ptr, "\xd0\xb0\"\\.m", 6)) content = "# Bach\n\ntwo - words \xd1\x82\xd1\x80\xd0\xb8";
    if (path->len == 1 && *path->ptr == 'e') content = "\n";
    if (content == NULL) {
        *err = (bloom_tool_files_failure_t){text_of("not_found"), text_of("no such note"), false};
        return false;
    }
    *ret = (adapter_list_u8_t){(uint8_t *)content, strlen(content)};
    return true;
}

void adapter_string_dup(adapter_string_t *ret, const char *s) { *ret = text_of(s); }

static const char *call(const char *json) {
    static char answer[256];
    adapter_string_t id = text_of("call"), input = text_of(json), output;
    adapter_failure_t failure;
    text shown = exports_adapter_invoke(&id, &input, &output, &failure) ? output : failure.code;
    snprintf(answer, sizeof answer, "%.*s", (int)shown.len, (char *)shown.ptr);
    return answer;
}

static void expect(const char *json, const char *expected) {
    const char *answer = call(json);
    if (strcmp(answer, expected)) {
        fprintf(stderr, "%s: %s, not %s\n", json, answer, expected);
        assert(0);
    }
}

int main(void) {
    expect("{ \"other\": {\"path\": [1, \"}\"]}, \"path\" : \"\\u0430\\\"\\\\.m\" }", "{\"title\":\"Bach\",\"words\":4}");
    assert(!strcmp(logged, "1 \xd0\xb0\"\\.m has 26 bytes"));
    expect("{\"path\":\"e\"}", "empty_note");
    expect("{\"path\":\"missing\"}", "not_found");
    puts("ok");
}
