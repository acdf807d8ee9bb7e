//! Large runs, at a quarter, a half and the whole of the size that is promised.

use anyhow::Context as _;
use bloom_tests::scale::{SHAPES, lives};

pub(crate) fn table() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    println!("large runs, through the engine and a store on disk; in brackets: times what half the size took");
    for shape in SHAPES {
        println!(
            "  {:<32} {:>10} {:>18} {:>20} {:>16} {:>16}",
            shape.name, "size", "CPU ms", "allocations", "MB asked for", "MB held"
        );
        let mut before = None;
        for size in [shape.size / 4, shape.size / 2, shape.size] {
            let folder = tempfile::tempdir_in(".")?;
            let lives =
                lives(shape, size, &runtime, folder.path()).with_context(|| format!("{size} {}", shape.name))?;
            for (number, (part, taken)) in lives.iter().enumerate() {
                let figures = figures(taken);
                let half = before.as_ref().map(|lives: &Vec<(_, _)>| self::figures(&lives[number].1));
                print!("    {part:<30} {size:>10}");
                for (column, figure) in figures.iter().enumerate() {
                    let ratio = half.map_or(String::new(), |half| format!("({:.2})", figure / half[column]));
                    print!(" {figure:>10.2} {ratio:>7}");
                }
                println!();
            }
            before = Some(lives);
        }
    }
    println!();
    Ok(())
}

fn figures(taken: &bloom_tests::allocation::Taken) -> [f64; 4] {
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    [taken.cpu.as_secs_f64() * 1e3, taken.allocations as f64, megabytes(taken.bytes), megabytes(taken.peak)]
}
