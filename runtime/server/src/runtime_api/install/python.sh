# The node agent that is written in Python: cloned (or brought up to date), set up, and made a service.
main() {
    set -eu
    need git
    need python3
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "Python 3.11 or newer is needed"
    home=$(home_of "$owner")
    folder=$home/membridge
    there=$root$folder
    if [ -d "$there/.git" ]; then
        say "Bringing $folder up to date"
        as_owner git -C "$there" pull --quiet --ff-only
    else
        [ -n "$REPO_URL" ] || fail "the agent is not in $folder: add repo_url=URL to the address of this script"
        say "Cloning $REPO_URL to $folder"
        as_owner mkdir -p "$root$home"
        as_owner git clone --quiet -- "$REPO_URL" "$there"
    fi
    [ -f "$there/run-agent.sh" ] || fail "$folder has no run-agent.sh: it is not the agent's repository"
    if [ -f "$there/requirements.txt" ]; then
        say "Installing what it needs"
        as_owner python3 -m venv "$there/.venv"
        as_owner "$there/.venv/bin/pip" install --quiet --disable-pip-version-check -r "$there/requirements.txt"
    fi
    settings=$there/.env.agent
    if [ -z "$AGENT_KEY" ] && [ -n "$ENROLL_TOKEN" ]; then
        # The token is used up by this: what can be found wrong is found before.
        setting MEMBRIDGE_NODE_ID "$NODE_ID" >/dev/null
        enroll python
        AGENT_KEY=$(given agent_key)
    fi
    # As a whole first: what cannot be kept must not leave half of it.
    text=$(
        setting MEMBRIDGE_NODE_ID "${NODE_ID:-$(uname -n)}"
        setting MEMBRIDGE_SERVER_URL "$SERVER_URL"
        setting MEMBRIDGE_AGENT_PORT "$PORT"
        # Keys of the server are not in this script: who runs it may hand one on.
        [ -z "$AGENT_KEY" ] || setting MEMBRIDGE_AGENT_KEY "$AGENT_KEY"
        [ -z "${MEMBRIDGE_ADMIN_KEY:-}" ] || setting MEMBRIDGE_SERVER_ADMIN_KEY "$MEMBRIDGE_ADMIN_KEY"
    )
    printf '%s\n' "$text" | put as_owner "$settings" 600
    service membridge-agent "Membridge node agent" "$folder" "$folder/.env.agent" /bin/sh "$folder/run-agent.sh"
    say "membridge-agent is installed on ${NODE_ID:-$(uname -n)}, and listens on port $PORT"
}

main </dev/null
