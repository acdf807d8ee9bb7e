//! What of the program's own file is in memory.

use std::ffi::c_void;
use std::{env, fs, ops::Range, path::Path};

use rustix::mm::{Advice, madvise};

/// Lets go of the program's code in memory, of which most was only needed to start: what is needed again is brought back from the
/// file when it is, in pieces of 64 KiB. Where the system does not tell where it is, nothing happens.
pub(crate) fn let_go_of_code() {
    let (Ok(program), Ok(maps)) = (env::current_exe(), fs::read_to_string("/proc/self/maps")) else { return };
    for code in maps.lines().filter_map(|line| code_of(&program, line)) {
        let_go(&code);
    }
}

#[expect(unsafe_code, reason = "who lets go of memory that something was written to would lose that")]
fn let_go(code: &Range<usize>) {
    // SAFETY: the range is a private mapping of the program's file that is executed and may not be written (`code_of`), so that it
    // has nothing that is not in the file: what is read there next is the same, whoever runs in it meanwhile.
    let _ = unsafe { madvise(code.start as *mut c_void, code.len(), Advice::LinuxDontNeed) };
}

/// The addresses of a line of `/proc/self/maps` (`proc_pid_maps(5)`) that maps code of the program.
fn code_of(program: &Path, line: &str) -> Option<Range<usize>> {
    let mut fields = line.splitn(6, ' ');
    let (start, end) = fields.next()?.split_once('-')?;
    let (is_code, path) = (fields.next()? == "r-xp", fields.nth(3)?.trim_start());
    let address = |digits| usize::from_str_radix(digits, 16).ok();
    (is_code && Path::new(path) == program).then_some(address(start)?..address(end)?)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::args::Cli;

    /// Bytes of the program's code that are in memory (`proc_pid_smaps(5)`).
    fn resident() -> u64 {
        let (program, text) = (env::current_exe().unwrap(), fs::read_to_string("/proc/self/smaps").unwrap());
        let mut lines = text.lines();
        let mut kibibytes = 0;
        while let Some(line) = lines.next() {
            if code_of(&program, line).is_some() {
                let rss = lines.find_map(|line| line.strip_prefix("Rss:")).unwrap();
                kibibytes += rss.trim().trim_end_matches(" kB").parse::<u64>().unwrap();
            }
        }
        kibibytes * 1024
    }

    #[test]
    fn code_that_is_let_go_of_is_there_when_it_is_needed() {
        let help = || Cli::command().render_long_help().to_string();
        let shown = help();
        // What looks is in memory, too, before it is counted.
        resident();
        let before = resident();
        let_go_of_code();
        let after = resident();
        assert!(after < before, "{after} bytes of {before}");
        assert_eq!(help(), shown);
    }

    #[test]
    fn only_code_of_the_program_is_meant() {
        let program = Path::new("/opt/with space/bloom");
        let line =
            |perms: &str, path: &str| format!("55cf55475000-55cf58128000 {perms} 01827000 fe:00 5310435    {path}");
        let code = 0x55cf_5547_5000..0x55cf_5812_8000;
        assert_eq!(code_of(program, &line("r-xp", "/opt/with space/bloom")), Some(code));
        for (perms, path) in [
            ("r--p", "/opt/with space/bloom"),
            ("rw-p", "/opt/with space/bloom"),
            ("rwxp", "/opt/with space/bloom"),
            ("r-xp", "/opt/with space/bloom (deleted)"),
            ("r-xp", "/usr/lib/libc.so.6"),
            ("r-xp", ""),
        ] {
            assert_eq!(code_of(program, &line(perms, path)), None, "{perms} {path}");
        }
        assert_eq!(code_of(program, "7f0000000000-7f0000001000 r-xp 00000000 00:00 0"), None);
        assert_eq!(code_of(program, ""), None);
    }
}
