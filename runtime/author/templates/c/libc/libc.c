// A C library that is small because every call of a tool gets a fresh instance: memory is handed out one after another
// and never taken back, since all of it goes when the call ends.
//
// A tool that needs more (printf, qsort, …) can be linked with wasi-libc instead: see the README.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 65536

extern unsigned char __heap_base; // set by the linker
static uintptr_t next;

// What stands before each piece, so that `realloc` knows how much to copy; 16 keeps the alignment.
typedef struct {
    size_t size;
    size_t unused[3];
} head;

_Noreturn void abort(void) { __builtin_trap(); }

void *malloc(size_t size) {
    if (next == 0) next = (uintptr_t)&__heap_base;
    uintptr_t start = (next + 15) & ~(uintptr_t)15;
    uintptr_t end = start + sizeof(head) + size;
    if (end < start) return NULL;
    size_t have = __builtin_wasm_memory_size(0) * PAGE;
    if (end > have && __builtin_wasm_memory_grow(0, (end - have + PAGE - 1) / PAGE) == (size_t)-1) return NULL;
    ((head *)start)->size = size;
    next = end;
    return (void *)(start + sizeof(head));
}

void *realloc(void *old, size_t size) {
    if (old == NULL) return malloc(size);
    size_t had = ((head *)((uintptr_t)old - sizeof(head)))->size;
    if (size <= had) return old;
    void *new = malloc(size);
    return new == NULL ? NULL : memcpy(new, old, had);
}

void free(void *memory) { (void)memory; }

void *memcpy(void *restrict to, const void *restrict from, size_t size) {
    unsigned char *target = to;
    const unsigned char *source = from;
    while (size--) *target++ = *source++;
    return to;
}

void *memmove(void *to, const void *from, size_t size) {
    unsigned char *target = to;
    const unsigned char *source = from;
    if (target < source) return memcpy(to, from, size);
    while (size--) target[size] = source[size];
    return to;
}

void *memset(void *to, int byte, size_t size) {
    unsigned char *target = to;
    while (size--) *target++ = (unsigned char)byte;
    return to;
}

int memcmp(const void *one, const void *other, size_t size) {
    const unsigned char *left = one, *right = other;
    for (; size--; left++, right++)
        if (*left != *right) return *left < *right ? -1 : 1;
    return 0;
}

size_t strlen(const char *text) {
    const char *end = text;
    while (*end) end++;
    return (size_t)(end - text);
}
