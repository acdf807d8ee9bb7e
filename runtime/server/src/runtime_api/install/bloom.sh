# A worker of BLOOM Runtime: the program is on this machine already, and is made a service.
main() {
    set -eu
    program=${BLOOM_INSTALL_PROGRAM:-$(command -v bloom || true)}
    [ -n "$program" ] && [ -x "$program" ] ||
        fail "the program bloom is not on this machine: put it into /usr/local/bin, then run this again"
    settings=/etc/bloom/worker.env
    key=${BLOOM_WORKER_KEY:-}
    if [ -z "$key" ] && [ -n "$ENROLL_TOKEN" ]; then
        # The token is used up by this: what can be found wrong is found before.
        setting BLOOM_WORKER_NAME "$NODE_ID" >/dev/null
        enroll bloom
        key=$(given worker_key)
        [ -n "$key" ] || fail "$ENROLL_URL gave this node no key"
    elif [ -z "$key" ] && as_root test -f "$root$settings"; then
        # It was installed before, and keeps its key.
        key=$(as_root sed -n "s/^BLOOM_WORKER_KEY='\(.*\)'\$/\1/p" "$root$settings")
    fi
    # As a whole first: what cannot be kept must not leave half of it.
    text=$(
        setting BLOOM_WORKER_SERVER "$SERVER_URL"
        setting BLOOM_WORKER_NAME "${NODE_ID:-$(uname -n)}"
        # No key is in this script: who runs it hands on the worker's own, or a token is exchanged for it.
        [ -z "$key" ] || setting BLOOM_WORKER_KEY "$key"
    )
    printf '%s\n' "$text" | put as_root "$root$settings" 600
    [ -n "$root" ] || as_root chown "$owner" "$settings"
    service bloom-worker "BLOOM worker" "$(home_of "$owner")" "$settings" "$program" worker
    [ -n "$key" ] || say "It has no key: where the server asks for one, run this again with BLOOM_WORKER_KEY set"
    say "bloom-worker is installed on ${NODE_ID:-$(uname -n)}, and asks $SERVER_URL for work"
}

main </dev/null
