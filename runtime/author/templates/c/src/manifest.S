# manifest.json, ended by a zero, as `const char manifest[]`.
    .section .rodata.manifest,"",@
    .globl manifest
    .type manifest,@object
manifest:
    .incbin "manifest.json"
    .byte 0
.Lend:
    .size manifest, .Lend - manifest
