//! A stand-in for the sandbox, so that `cargo test` runs a tool natively.
//!
//! ```
//! use bloom_tool::testing::Host;
//! use bloom_tool::{files, http, log};
//!
//! let host = Host::new()
//!     .file("notes", "a.md", "# Bach")
//!     .http(|request| Ok(bloom_tool::testing::response(200, format!("you asked for {}", request.url))));
//!
//! let text = host.run(|| {
//!     log::info("reading");
//!     files::read_text("notes", "a.md")
//! });
//! assert_eq!(text.unwrap(), "# Bach");
//! assert_eq!(host.log(), ["info: reading"]);
//!
//! let missing = host.run(|| files::read("notes", "b.md")).unwrap_err();
//! assert_eq!(missing.code, "not_found");
//! let refused = host.run(|| files::read("memory", "a.md")).unwrap_err();
//! assert_eq!(refused.code, "not_granted");
//! ```

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::Failure;
use crate::http::{Request, Response};

type Server = Box<dyn Fn(&Request) -> Result<Response, Failure>>;

/// Settings, files, artifacts and servers for the calls of a test; what was not given is not granted.
#[derive(Default)]
pub struct Host(Rc<Granted>);

#[derive(Default)]
struct Granted {
    config: BTreeMap<String, String>,
    roots: BTreeSet<String>,
    files: BTreeMap<(String, String), (Vec<u8>, i64)>,
    artifacts: Vec<(crate::artifacts::Artifact, Vec<u8>)>,
    server: Option<Server>,
    log: RefCell<Vec<String>>,
}

thread_local! {
    static CURRENT: RefCell<Option<Rc<Granted>>> = const { RefCell::new(None) };
}

impl Host {
    /// One that grants nothing.
    pub fn new() -> Self {
        Self::default()
    }

    fn with(mut self, change: impl FnOnce(&mut Granted)) -> Self {
        if let Some(granted) = Rc::get_mut(&mut self.0) {
            change(granted);
        }
        self
    }

    /// Sets a setting.
    #[must_use]
    pub fn config(self, key: &str, value: &str) -> Self {
        self.with(|granted| drop(granted.config.insert(key.into(), value.into())))
    }

    /// Grants a root, which may stay empty.
    #[must_use]
    pub fn root(self, root: &str) -> Self {
        self.with(|granted| granted.roots.extend([root.into()]))
    }

    /// Adds a file, and grants its root.
    #[must_use]
    pub fn file(self, root: &str, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.file_of(root, path, content, 0)
    }

    /// Adds a file that was changed at a time, in Unix milliseconds.
    #[must_use]
    pub fn file_of(self, root: &str, path: &str, content: impl Into<Vec<u8>>, modified: i64) -> Self {
        let content = content.into();
        self.root(root).with(|granted| drop(granted.files.insert((root.into(), path.into()), (content, modified))))
    }

    /// Adds an artifact that a run handed out, later than those added before.
    #[must_use]
    pub fn artifact(self, name: &str, run: &str, digest: &str, content: impl Into<Vec<u8>>) -> Self {
        let artifact = crate::artifacts::Artifact { digest: digest.into(), name: name.into(), run: run.into() };
        let content = content.into();
        self.with(|granted| granted.artifacts.push((artifact, content)))
    }

    /// Answers requests. Without it they are not granted.
    #[must_use]
    pub fn http(self, server: impl Fn(&Request) -> Result<Response, Failure> + 'static) -> Self {
        self.with(|granted| granted.server = Some(Box::new(server)))
    }

    /// Calls something with this host.
    pub fn run<T>(&self, call: impl FnOnce() -> T) -> T {
        let _reset = Reset(CURRENT.replace(Some(Rc::clone(&self.0))));
        call()
    }

    /// The lines that were logged, as `info: text`.
    pub fn log(&self) -> Vec<String> {
        self.0.log.borrow().clone()
    }
}

/// Sets what [`call_id`](crate::call_id) returns on this thread.
pub fn set_call_id(id: &str) {
    crate::call::set_call_id(id.to_owned());
}

/// A response without headers.
pub fn response(status: u16, body: impl Into<Vec<u8>>) -> Response {
    Response { status, url: String::new(), headers: Vec::new(), body: body.into() }
}

/// Puts the host before back, also where the call panics.
struct Reset(Option<Rc<Granted>>);

impl Drop for Reset {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}

fn current() -> Result<Rc<Granted>, Failure> {
    let missing =
        || Failure::new("not_granted", "there is no host: make the call within `bloom_tool::testing::Host::run`");
    CURRENT.with_borrow(Clone::clone).ok_or_else(missing)
}

fn not_granted(kind: &str, name: &str) -> Failure {
    Failure::new("not_granted", format!("`{kind}:{name}` was not granted to this tool"))
}

/// What the component's imports are in a test.
pub(crate) mod imports {
    pub(crate) mod log {
        use crate::log::Level;
        use crate::testing::current;

        pub(crate) fn write(level: Level, line: &str) {
            let line = format!("{}: {line}", format!("{level:?}").trim_start_matches("Level::").to_lowercase());
            match current() {
                Ok(host) => host.log.borrow_mut().push(line),
                Err(_) => eprintln!("{line}"),
            }
        }
    }

    pub(crate) mod config {
        use crate::Failure;
        use crate::testing::{current, not_granted};

        pub(crate) fn get(key: &str) -> Result<String, Failure> {
            current()?.config.get(key).cloned().ok_or_else(|| not_granted("config", key))
        }
    }

    pub(crate) mod files {
        use crate::Failure;
        use crate::files::{Entry, Page};
        use crate::testing::{Granted, current, not_granted};

        /// So few that a tool which forgets the cursor is found out.
        const PAGE: usize = 2;

        pub(crate) fn list(root: &str, folder: &str, cursor: Option<&str>) -> Result<Page, Failure> {
            let host = current()?;
            granted(&host, root)?;
            let below =
                |path: &str| folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
            let found = host.files.iter().filter(|((of, path), _)| of == root && below(path));
            let mut entries: Vec<Entry> = found
                .filter(|((_, path), _)| cursor.is_none_or(|cursor| path.as_str() > cursor))
                .map(|((_, path), (content, modified))| Entry {
                    path: path.clone(),
                    size: content.len() as u64,
                    modified: *modified,
                })
                .collect();
            let more = entries.len() > PAGE;
            entries.truncate(PAGE);
            let next = if more { entries.last().map(|entry| entry.path.clone()) } else { None };
            Ok(Page { entries, next })
        }

        pub(crate) fn read(root: &str, path: &str) -> Result<Vec<u8>, Failure> {
            let host = current()?;
            granted(&host, root)?;
            let file = host.files.get(&(root.to_owned(), path.to_owned()));
            file.map(|(content, _)| content.clone())
                .ok_or_else(|| Failure::new("not_found", format!("there is no `{root}/{path}`")))
        }

        fn granted(host: &Granted, root: &str) -> Result<(), Failure> {
            if host.roots.contains(root) { Ok(()) } else { Err(not_granted("files", root)) }
        }
    }

    pub(crate) mod artifacts {
        use crate::Failure;
        use crate::artifacts::Artifact;
        use crate::testing::{current, not_granted};

        pub(crate) fn find(name: &str, run: Option<&str>) -> Result<Artifact, Failure> {
            let host = current()?;
            if host.artifacts.is_empty() {
                return Err(not_granted("artifacts", "own"));
            }
            let mut found = host.artifacts.iter().rev().map(|(artifact, _)| artifact);
            found
                .find(|artifact| artifact.name == name && run.is_none_or(|run| artifact.run == run))
                .cloned()
                .ok_or_else(|| Failure::new("not_found", format!("there is no artifact `{name}`")))
        }

        pub(crate) fn read(digest: &str) -> Result<Vec<u8>, Failure> {
            let host = current()?;
            if host.artifacts.is_empty() {
                return Err(not_granted("artifacts", "own"));
            }
            let mut found = host.artifacts.iter().filter(|(artifact, _)| artifact.digest == digest);
            let found = found.next().map(|(_, content)| content.clone());
            found.ok_or_else(|| Failure::new("not_found", format!("there is no artifact `{digest}`")))
        }
    }

    pub(crate) mod http {
        use crate::Failure;
        use crate::http::{Request, Response};
        use crate::testing::{current, not_granted};

        pub(crate) fn fetch(request: &Request) -> Result<Response, Failure> {
            match &current()?.server {
                Some(server) => server(request),
                None => Err(not_granted("http", &request.url)),
            }
        }
    }
}
