# Which binary is measured: the one that $BLOOM names, or one that is built. Sourced after scripts/setup.sh, from the root of the project.
# shellcheck shell=sh

# What cargo build --release builds.
measure_release() {
    [ -z "${BLOOM:-}" ] || return 0
    cargo build --locked --release --quiet --package bloom --bin bloom
    BLOOM=${CARGO_TARGET_DIR:-target}/release/bloom
}

# What scripts/optimized builds.
measure_optimized() {
    [ -z "${BLOOM:-}" ] || return 0
    said=$(scripts/optimized)
    BLOOM=$(printf '%s\n' "$said" | tail -n 1)
}
