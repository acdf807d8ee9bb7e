//! Time travel.

use serde_json::json;

use crate::drawing::{assert_harmless, drawing, ended, greeting, icon, page, published, refused, told};

#[tokio::test]
async fn each_moment_of_a_run_is_shown_with_what_changed() {
    let world = drawing();
    published(&world, "greet", "Greeting", "", &greeting()).await;
    let run = ended(&world, "greet", &json!({})).await;
    let at = |seq: u64| format!("/runs/{run}/travel?at={seq}");
    let first = page(&world, &at(1)).await;
    assert_harmless(&first);
    assert!(first.contains("Run started") && icon(&first, "3").contains("shape current"), "{first}");
    assert!(!icon(&first, "4").contains("shape taken") && first.contains("not set"), "{first}");
    assert!(first.contains("data-step=\"previous\" rel=\"prev\" href=\"/runs/") && first.contains("aria-disabled"));
    let asked = page(&world, &at(2)).await;
    assert!(asked.contains("No variable changed by this event") && asked.contains("data-at=\"2\""), "{asked}");
    let answered = page(&world, &at(3)).await;
    assert!(answered.contains("change-added") && answered.contains("1 variable changed by this event"), "{answered}");
    assert!(answered.contains("hello") && icon(&answered, "5").contains("shape current"), "{answered}");
    let ukrainian = told(&world, &at(3), "uk").await;
    assert!(
        ukrainian.contains("Ця подія змінила 1 змінну") && ukrainian.contains("<strong>нова</strong>"),
        "{ukrainian}"
    );
    for bad in ["at=0", "at=99", "at=x"] {
        assert_eq!(refused(&world, &format!("/runs/{run}/travel?{bad}")).await.0, 400, "{bad}");
    }
    world.end().await;
}

#[tokio::test]
async fn moments_of_a_long_run_are_the_same_from_whichever_mark_they_are_come_to() {
    let world = drawing();
    let items = json!({
        "3": { "type": "action", "content": "sum ← 0", "one": "4" },
        "4": { "type": "loopbegin", "content": "i; list", "one": "5" },
        "5": { "type": "action", "content": "TIMER \"t\" 1 min\nsum ← sum + i", "one": "6" },
        "6": { "type": "loopend", "one": "7" },
        "7": { "type": "action", "content": "RETURN {sum: sum}", "one": "1" },
    });
    published(&world, "sum", "Sum", "list: [int]", &items).await;
    let run = ended(&world, "sum", &json!({ "list": vec![1; 200] })).await;
    // Event 2 n + 1 answers the n-th timer, after which the sum is n.
    for n in [1_u64, 31, 32, 33, 64, 65, 150, 199] {
        let shown = page(&world, &format!("/runs/{run}/travel?at={}", 2 * n + 1)).await;
        let (_, sum) = shown.split_once("<code>sum</code>").unwrap();
        assert!(sum.split("</pre>").next().unwrap().ends_with(&format!(">{n}")), "{n}: {shown}");
        assert!(sum.contains(&format!("<del>{}</del>", n - 1)), "{n}: {shown}");
        assert!(shown.contains("change-changed"), "{n}: {shown}");
    }
    world.end().await;
}
