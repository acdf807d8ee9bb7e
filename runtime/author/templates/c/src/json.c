#include "json.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static bool is_space(uint8_t c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

static const uint8_t *after_spaces(const uint8_t *at, const uint8_t *end) {
    while (at < end && is_space(*at)) at++;
    return at;
}

static const uint8_t *after_string(const uint8_t *at, const uint8_t *end) {
    for (at++; at < end && *at != '"'; at++)
        if (*at == '\\') at++;
    return at < end ? at + 1 : end;
}

static const uint8_t *after_value(const uint8_t *at, const uint8_t *end) {
    size_t depth = 0;
    while (at < end) {
        if (*at == '"') {
            at = after_string(at, end);
        } else {
            if (*at == '{' || *at == '[') depth++;
            else if (*at == '}' || *at == ']') { if (depth == 0) return at; depth--; }
            else if (*at == ',' && depth == 0) return at;
            at++;
        }
        if (depth == 0 && (at == end || *at == ',' || *at == '}' || *at == ']')) return at;
    }
    return at;
}

bool json_member(text object, const char *name, text *value) {
    const uint8_t *end = object.ptr + object.len;
    const uint8_t *at = after_spaces(object.ptr, end);
    if (at == end || *at != '{') return false;
    for (at = after_spaces(at + 1, end); at < end && *at == '"'; at = after_spaces(at + 1, end)) {
        const uint8_t *key = at;
        at = after_string(at, end);
        text found, written = {(uint8_t *)key, (size_t)(at - key)};
        bool known = json_string(written, &found) && found.len == strlen(name) && !memcmp(found.ptr, name, found.len);
        at = after_spaces(at, end); // the colon
        if (at < end) at = after_spaces(at + 1, end);
        const uint8_t *start = at;
        at = after_value(at, end);
        if (known) {
            const uint8_t *last = at;
            while (last > start && is_space(last[-1])) last--;
            *value = (text){(uint8_t *)start, (size_t)(last - start)};
            return true;
        }
        if (at == end || *at != ',') break;
    }
    return false;
}

static uint32_t hex(const uint8_t *at) {
    uint32_t value = 0;
    for (int n = 0; n < 4; n++) {
        uint8_t c = at[n];
        value = value * 16 + (c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
    }
    return value;
}

static void put_utf8(buffer *to, uint32_t c) {
    uint8_t bytes[4];
    size_t size;
    if (c < 0x80) { bytes[0] = c; size = 1; }
    else if (c < 0x800) { bytes[0] = 0xc0 | c >> 6; size = 2; }
    else if (c < 0x10000) { bytes[0] = 0xe0 | c >> 12; size = 3; }
    else { bytes[0] = 0xf0 | c >> 18; size = 4; }
    for (size_t n = 1; n < size; n++) bytes[n] = 0x80 | (c >> 6 * (size - 1 - n) & 0x3f);
    put_bytes(to, bytes, size);
}

bool json_string(text value, text *content) {
    if (value.len < 2 || value.ptr[0] != '"') return false;
    const uint8_t *at = value.ptr + 1, *end = value.ptr + value.len - 1;
    buffer to = {0};
    while (at < end) {
        if (*at != '\\') { put_bytes(&to, at++, 1); continue; }
        uint8_t escape = at[1];
        at += 2;
        if (escape == 'u') {
            if (end - at < 4) return false;
            uint32_t c = hex(at);
            at += 4;
            if (c >= 0xd800 && c < 0xdc00 && end - at >= 6) {
                c = 0x10000 + ((c - 0xd800) << 10) + (hex(at + 2) - 0xdc00);
                at += 6;
            }
            put_utf8(&to, c);
        } else {
            const char *letters = "bfnrt", *meant = "\b\f\n\r\t";
            size_t n = 0;
            while (letters[n] && letters[n] != (char)escape) n++;
            char c = letters[n] ? meant[n] : (char)escape;
            put_bytes(&to, &c, 1);
        }
    }
    *content = text_in(&to);
    return true;
}

void put_bytes(buffer *to, const void *bytes, size_t size) {
    if (to->room - to->size < size) {
        to->room = (to->size + size) * 2;
        to->bytes = realloc(to->bytes, to->room);
        if (to->bytes == NULL) abort();
    }
    memcpy(to->bytes + to->size, bytes, size);
    to->size += size;
}

void put(buffer *to, const char *verbatim) { put_bytes(to, verbatim, strlen(verbatim)); }

void put_number(buffer *to, size_t number) {
    char digits[20];
    size_t start = sizeof digits;
    do digits[--start] = (char)('0' + number % 10); while (number /= 10);
    put_bytes(to, digits + start, sizeof digits - start);
}

void put_string(buffer *to, text content) {
    put(to, "\"");
    for (size_t n = 0; n < content.len; n++) {
        uint8_t c = content.ptr[n];
        if (c == '"' || c == '\\') { put(to, "\\"); put_bytes(to, &c, 1); }
        else if (c < 0x20) {
            const char *digits = "0123456789abcdef";
            char escape[6] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};
            put_bytes(to, escape, 6);
        } else put_bytes(to, &c, 1);
    }
    put(to, "\"");
}

text text_of(const char *literal) { return (text){(uint8_t *)literal, strlen(literal)}; }

text text_in(const buffer *from) { return (text){(uint8_t *)from->bytes, from->size}; }
