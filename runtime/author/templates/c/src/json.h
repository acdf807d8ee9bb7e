// As much JSON as a tool with a few arguments needs: read members of an object, write text.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include "../bindings/adapter.h"

typedef adapter_string_t text;

// The value of a member of an object, as it stands there. The input of a call needs no checks: the host only calls with
// JSON that satisfies the manifest's input schema.
bool json_member(text object, const char *name, text *value);

// A string's content, with its escapes decoded; false where the value is no string.
bool json_string(text value, text *content);

// Text that grows.
typedef struct {
    char *bytes;
    size_t size, room;
} buffer;

void put(buffer *to, const char *verbatim);
void put_bytes(buffer *to, const void *bytes, size_t size);
void put_number(buffer *to, size_t number);
void put_string(buffer *to, text content); // with quotes and escapes

text text_of(const char *literal);
text text_in(const buffer *from);
