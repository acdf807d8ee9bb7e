# Finds what a build needs, and installs what is missing. Sourced by ./demo and ./test from the root of the project.
# shellcheck shell=sh

# A rustup that was installed a minute ago is not on this shell's PATH yet.
command -v cargo >/dev/null 2>&1 || PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
if ! command -v cargo >/dev/null 2>&1; then
    echo "Rust is not installed. Install rustup (the way is described on the site of the Rust language), then run this again." >&2
    exit 1
fi

if ! command -v cc >/dev/null 2>&1; then
    echo "There is no C linker (cc), which Rust links programs with. Install a C compiler" >&2
    echo "(the package is called build-essential, gcc, base-devel or Xcode command line tools), then run this again." >&2
    exit 1
fi

minimum=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)

toolchain_fits() {
    version=$(rustc --version 2>/dev/null | cut -d ' ' -f 2)
    [ -n "$version" ] && [ "$(printf '%s\n%s\n' "$minimum" "$version" | sort -t . -k 1,1n -k 2,2n | head -n 1)" = "$minimum" ]
}

if ! toolchain_fits; then
    echo "== A Rust toolchain of version $minimum or newer is needed: installing the stable one"
    rustup toolchain install stable --no-self-update --profile minimal --component rustfmt --component clippy || exit 1
    RUSTUP_TOOLCHAIN=stable
    export RUSTUP_TOOLCHAIN
    if ! toolchain_fits; then
        echo "The stable toolchain is older than $minimum: run 'rustup update stable', then this again." >&2
        exit 1
    fi
fi

wasm_target=wasm32-unknown-unknown
has_wasm_target() {
    [ -d "$(rustc --print sysroot)/lib/rustlib/$wasm_target" ]
}

if ! has_wasm_target; then
    echo "== Adding the target $wasm_target, which the tool adapters are built for"
    rustup target add "$wasm_target" || {
        echo "== The target could not be added. The build goes on without the adapters that ship with bloom"
        echo "   (read-notes, read-context, read-memory, create-proposal, write-memory): flows that call them are"
        echo "   refused, and their tests are skipped and say so."
    }
fi
