//! A short soak: `scripts/soak` kills more often.

use std::path::Path;

use bloom_tests::soak::{self, Plan};

use crate::support::Place;

#[tokio::test(flavor = "multi_thread")]
async fn killed_servers_and_workers_lose_nothing_and_do_nothing_twice() {
    let place = Place::new();
    // Each of them once, the server twice, and all together.
    let bloom = Path::new(env!("CARGO_BIN_EXE_bloom")).to_owned();
    let plan = Plan { bloom, folder: place.path(""), kills: 5, seed: 1 };
    let report = soak::run(&plan).await.unwrap_or_else(|error| panic!("{error:?}"));
    assert_eq!((report.server_kills, report.worker_kills), (3, 4));
    assert!(report.dispatched > 0 && report.runs > report.dispatched, "{report}");
}
