//! `bloom service`: what a service manager needs to run a server or a worker.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, ValueEnum};

use crate::catalogue::text;
use crate::failure::{Exit, Explained};
use crate::output::Out;
use crate::session::Session;
use crate::setting::absolute;

#[derive(Args, Debug)]
pub(crate) struct Service {
    #[arg(value_enum, value_name = "MANAGER")]
    manager: Manager,
    #[arg(long, value_enum, value_name = "COMMAND", default_value = "serve")]
    command: Kind,
    #[arg(long, value_name = "NAME", default_value = "bloom")]
    user: String,
    #[arg(long, value_name = "FILE", default_value = "/usr/local/bin/bloom")]
    program: PathBuf,
}

/// Who runs it.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Manager {
    Systemd,
    Openrc,
}

/// What is run.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    Serve,
    Worker,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Serve => "serve",
            Self::Worker => "worker",
        }
    }

    fn told(self) -> &'static str {
        match self {
            Self::Serve => "BLOOM Runtime: runs flows and looks after them",
            Self::Worker => "BLOOM Runtime: a worker that answers for a server",
        }
    }
}

/// Secrets and settings as variables, one `NAME=value` a line: for root and the manager only.
const ENVIRONMENT: &str = "/etc/bloom/environment";

/// How long requests and tasks under way may take when it is to stop, in seconds.
const PATIENCE: u32 = 90;

impl Service {
    pub(crate) fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let data = absolute(session.data.path(&session.catalogue)?);
        let config = session.config()?.file.clone();
        let unit = Unit {
            kind: self.command,
            user: plain(Path::new(&self.user), session)?,
            program: plain(&absolute(&self.program), session)?,
            data: plain(&data, session)?,
            config: config.map(|file| plain(&absolute(&file), session)).transpose()?,
        };
        let text = match self.manager {
            Manager::Systemd => unit.systemd(),
            Manager::Openrc => unit.openrc(),
        };
        out.exact(text.as_bytes())?;
        Ok(Exit::Completed)
    }
}

/// A name that stands for itself in units and in shells. Service managers each quote in their own way; a name that needs that is
/// refused.
fn plain(path: &Path, session: &Session) -> anyhow::Result<String> {
    let shown = path.display().to_string();
    let is_plain = |text: &&str| {
        !text.is_empty()
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "/._+-@".contains(c))
            && !text.starts_with('-')
    };
    let text = path.to_str().filter(is_plain).map(str::to_owned);
    text.with_context(|| Explained::usage(text!(session.catalogue, "service-odd-name", name = shown)))
}

struct Unit {
    kind: Kind,
    user: String,
    program: String,
    data: String,
    config: Option<String>,
}

impl Unit {
    fn arguments(&self) -> String {
        let mut arguments = format!("{} --data {}", self.kind.name(), self.data);
        if let Some(config) = &self.config {
            // Writing to a text does not fail.
            let _ = write!(arguments, " --config {config}");
        }
        arguments
    }

    /// A unit, `bloom.service`. Compiled tools are machine code that is made while it runs, so memory may become executable.
    fn systemd(&self) -> String {
        let Self { kind, user, program, data, .. } = self;
        let (told, arguments) = (kind.told(), self.arguments());
        format!(
            "[Unit]
Description={told}
Wants=network-online.target
After=network-online.target

[Service]
Type=exec
User={user}
ExecStart={program} {arguments}
EnvironmentFile=-{ENVIRONMENT}
Restart=on-failure
RestartSec=2
KillSignal=SIGTERM
TimeoutStopSec={PATIENCE}
LimitNOFILE=65536
UMask=0077

NoNewPrivileges=true
CapabilityBoundingSet=
ProtectSystem=strict
ProtectHome=read-only
ReadWritePaths=-{data}
PrivateTmp=true
PrivateDevices=true
ProtectClock=true
ProtectControlGroups=true
ProtectHostname=true
ProtectKernelLogs=true
ProtectKernelModules=true
ProtectKernelTunables=true
LockPersonality=true
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=true
RestrictRealtime=true
RestrictSUIDSGID=true
SystemCallArchitectures=native

[Install]
WantedBy=multi-user.target
"
        )
    }

    /// A script, `/etc/init.d/bloom`.
    fn openrc(&self) -> String {
        let Self { kind, user, program, data, .. } = self;
        let (told, arguments) = (kind.told(), self.arguments());
        format!(
            "#!/sbin/openrc-run

description=\"{told}\"
supervisor=supervise-daemon
command=\"{program}\"
command_args=\"{arguments}\"
command_user=\"{user}\"
umask=077
respawn_delay=2
respawn_max=0
retry=\"TERM/{PATIENCE}/KILL/5\"
output_log=\"/var/log/bloom-{name}.log\"
error_log=\"/var/log/bloom-{name}.log\"

depend() {{
\tneed net
\tuse dns logger
\tafter firewall
}}

start_pre() {{
\tif [ -r {ENVIRONMENT} ]; then
\t\tset -a
\t\t. {ENVIRONMENT}
\t\tset +a
\tfi
\tcheckpath --directory --owner \"{user}\" --mode 0700 \"{data}\"
\tcheckpath --file --owner \"{user}\" --mode 0600 \"/var/log/bloom-{name}.log\"
}}
",
            name = kind.name()
        )
    }
}
