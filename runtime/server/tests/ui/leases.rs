use bloom_interpreter::effect::EffectError;
use bloom_runtime::record::LeaseEnding;

use crate::fleet::{between, end, idle, lease, page, page_in, puller, task};

#[tokio::test]
async fn active_leases_are_shown_with_the_time_that_is_left_and_ended_ones_by_status() {
    let world = idle();
    assert!(page(&world, "/leases").await.contains("There are no leases here"));
    puller(&world, "gpu").await;
    let (first, second) = (task(&world, "a").await, task(&world, "b").await);
    let failed = lease(&world, &first, "gpu").await;
    let held = lease(&world, &second, "gpu").await;
    end(&world, &failed, LeaseEnding::Failed(EffectError::new("worker_error", "no"))).await;
    world.pass(std::time::Duration::from_secs(100));
    let active = page(&world, "/leases").await;
    let row = between(&active, &format!("data-lease=\"{}\"", held.lease.id), "</tr>");
    assert!(row.contains("<progress max=\"300\" value=\"199\"") && row.contains("3 min 19 s"), "{row}");
    assert!(row.contains(&format!("href=\"/tasks/{second}\"")) && row.contains("href=\"/workers/gpu\""), "{row}");
    assert_eq!(active.matches("data-lease=").count(), 1);
    assert!(
        between(&active, "<section id=\"leases\"", ">").contains("data-every"),
        "time goes by without anything happening"
    );
    let ended = page(&world, "/leases?status=failed").await;
    assert!(ended.contains(&format!("data-lease=\"{}\"", failed.lease.id)) && !ended.contains("<progress"), "{ended}");
    assert_eq!(page(&world, "/leases?status=all").await.matches("data-lease=").count(), 2);
    assert!(page_in(&world, "/leases", "uk").await.contains("Лишилося"));
    world.end().await;
}
