//! Kills a server and its workers at random moments, and looks whether anything was lost: `scripts/soak`.

#![expect(clippy::print_stdout, reason = "it tells a person what it does")]

use anyhow::Context as _;
use bloom_tests::soak::{self, Plan};

/// As often as is promised.
const KILLS: u32 = 200;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let bloom = arguments.next().context("soak BLOOM [KILLS [SEED]]: BLOOM is the binary")?.into();
    let kills = arguments.next().map_or(Ok(KILLS), |kills| kills.parse()).context("KILLS is a number")?;
    let seed =
        arguments.next().map_or_else(|| Ok(fastrand::u64(..)), |seed| seed.parse()).context("SEED is a number")?;
    let folder = tempfile::tempdir()?;
    let plan = Plan { bloom, folder: folder.path().to_owned(), kills, seed };
    println!("seed {seed}, {kills} kills, in {}", plan.folder.display());
    match soak::run(&plan).await {
        Ok(report) => println!("{report}"),
        Err(error) => {
            // Its logs and its store are worth a look.
            let kept = folder.keep();
            return Err(error.context(format!("seed {seed}; logs and store are in {}", kept.display())));
        }
    }
    Ok(())
}
