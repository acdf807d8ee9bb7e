# What both kinds of agents need to become a service. Sourced by nobody: the server puts it into each script.

# For a trial: everything goes under this folder, and nothing is started.
root=${BLOOM_INSTALL_ROOT:-}
# Who the agent runs as: who is logged in to the Claude CLI.
owner=${BLOOM_INSTALL_USER:-${SUDO_USER:-$(id -un)}}

say() { printf '%s\n' "$*"; }

fail() {
    printf 'install: %s\n' "$*" >&2
    exit 1
}

need() { command -v "$1" >/dev/null 2>&1 || fail "$1 is needed, and is not on this machine"; }

as_root() {
    if [ -n "$root" ] || [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

as_owner() {
    if [ -n "$root" ] || [ "$(id -un)" = "$owner" ]; then "$@"; else sudo -H -u "$owner" -- "$@"; fi
}

home_of() {
    home=$(getent passwd "$1" 2>/dev/null | cut -d : -f 6) || home=
    [ -n "$home" ] || home=$HOME
    printf '%s' "$home"
}

# put WHO FILE MODE: keeps what comes in, as a whole or not at all, as `as_root` or `as_owner`. What lies where the owner may write
# is written as the owner: root would follow whatever link was put there.
put() {
    "$1" mkdir -p "$(dirname "$2")"
    # shellcheck disable=SC2016
    "$1" sh -c 'umask 077 && cat >"$1.new" && chmod "$2" "$1.new" && mv "$1.new" "$1"' sh "$2" "$3"
}

# setting NAME VALUE: a line that systemd and the shell read alike.
setting() {
    case $2 in
    *[\'\"\\]* | *'
'*) fail "$1 holds a quote, a backslash or a line break, which cannot be kept" ;;
    esac
    printf "%s='%s'\n" "$1" "$2"
}

# enroll AGENT: exchanges the token for what this node is to show and be shown. The token stands on no command line.
enroll() {
    need curl
    [ -n "$(init_system)" ] || fail "neither systemd nor OpenRC is here"
    answer=$(printf '{"token":"%s","agent":"%s"}' "$ENROLL_TOKEN" "$1" |
        curl --silent --show-error --max-time 30 --header 'content-type: application/json' --data-binary @- \
            --write-out '\n%{http_code}' "$ENROLL_URL/api/runtime/enroll") || fail "$ENROLL_URL does not answer"
    [ "${answer##*
}" = 201 ] || fail "$ENROLL_URL gives this node no key: $(given error)"
}

# given NAME: a text in what was exchanged for the token; nothing where there is none.
given() { printf '%s' "$answer" | sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }

init_system() {
    if [ -n "${BLOOM_INSTALL_INIT:-}" ]; then
        printf '%s' "$BLOOM_INSTALL_INIT"
    elif [ -d /run/systemd/system ]; then
        printf systemd
    elif command -v rc-service >/dev/null 2>&1; then
        printf openrc
    fi
}

# service NAME DESCRIPTION FOLDER SETTINGS COMMAND ARGUMENT: has it started now and with the machine.
service() {
    for name in "$3" "$4" "$5" "$6" "$owner"; do
        case $name in
        '' | *[!A-Za-z0-9/._+@-]*) fail "$name holds what service managers would take for more than a name" ;;
        esac
    done
    case $(init_system) in
    systemd)
        put as_root "$root/etc/systemd/system/$1.service" 644 <<UNIT
[Unit]
Description=$2
After=network-online.target
Wants=network-online.target

[Service]
User=$owner
WorkingDirectory=$3
EnvironmentFile=$4
ExecStart="$5" $6
Restart=always
RestartSec=5
TimeoutStopSec=90
NoNewPrivileges=true

[Install]
WantedBy=multi-user.target
UNIT
        [ -n "$root" ] && return
        as_root systemctl daemon-reload
        as_root systemctl enable "$1.service"
        as_root systemctl restart "$1.service"
        ;;
    openrc)
        # Root runs this script; the settings are the owner's, and read as the owner.
        put as_root "$root/etc/init.d/$1" 755 <<SCRIPT
#!/sbin/openrc-run
description="$2"
supervisor=supervise-daemon
directory="$3"
command=/bin/sh
command_args="-c 'set -a; . $4; set +a; exec $5 $6'"
command_user="$owner"
respawn_delay=5
retry="TERM/90/KILL/5"

depend() {
    need net
}
SCRIPT
        [ -n "$root" ] && return
        as_root rc-update add "$1" default
        as_root rc-service "$1" restart
        ;;
    *) fail "neither systemd nor OpenRC is here" ;;
    esac
}
