//! What every store must do, whatever is below it. Each check is given an empty store and panics when it is let down.
//!
//! ```no_run
//! # async fn run() {
//! for (name, check) in bloom_store::conformance::CHECKS {
//!     println!("{name}");
//!     check(std::sync::Arc::new(bloom_store::RedbStore::in_memory().unwrap())).await;
//! }
//! # }
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a suite of tests: to panic is how it reports"
)]

pub mod fixture;
pub mod model;

use std::pin::Pin;
use std::sync::Arc;

use bloom_runtime::store::Store;

/// A check, run over an empty store.
pub type Check = fn(Arc<dyn Store>) -> Pin<Box<dyn Future<Output = ()> + Send>>;

macro_rules! checks {
    ($($group:ident { $($check:ident)* })*) => {
        $(mod $group;)*

        /// All checks by name.
        pub const CHECKS: &[(&str, Check)] = &[$($(
            (stringify!($check), |store| Box::pin(async move { $group::$check(&store).await })),
        )*)*];
    };
}

checks! {
    runs {
        submitted_run_is_there_with_its_inbox_entry_and_events
        run_is_submitted_once
        contradicting_submission_is_refused
        submission_keeps_its_flow
        fork_has_the_events_that_it_shares
        events_move_the_run
        append_out_of_sequence_is_refused
        events_of_another_history_are_refused
        broken_chain_is_refused
        erased_event_is_not_appended
        status_must_be_what_the_events_say
        ended_run_takes_no_more
        refused_append_leaves_nothing
        history_is_read_in_pages
        large_payload_comes_back
        what_runs_hand_out_is_listed
        runs_are_listed_newest_first
        runs_are_filtered_by_flow_and_status
        histories_of_many_runs_stay_apart
        run_that_waits_for_its_turn_begins_later
        run_that_never_began_is_cancelled
        what_agents_use_is_summed_by_day
        one_of_many_racing_writers_wins
        racing_submissions_make_one_run
    }
    tasks {
        best_task_is_granted_first
        worker_gets_only_what_it_can_do
        worker_of_a_run_gets_only_its_tasks
        lease_id_is_used_once
        effect_has_one_task
        completion_appends_in_the_same_commit
        holder_that_lost_its_lease_appends_nothing
        completion_with_an_append_out_of_sequence_changes_nothing
        repeated_completion_gives_the_stored_task
        other_answer_after_completion_is_stale
        failure_is_retried_until_the_task_is_dead
        failure_that_is_not_retryable_is_final
        attempt_given_back_does_not_count
        late_completion_is_accepted_while_nobody_else_works
        newer_grant_makes_a_lease_stale
        end_of_the_run_cancels_its_tasks
        outcome_of_the_effect_closes_its_task
        dead_task_is_revived_by_a_requeue
        requeue_of_a_resolved_effect_is_refused
        racing_workers_get_different_tasks
        delayed_task_is_not_granted_before_it_is_due
    }
    workers {
        task_of_a_client_is_kept_and_granted
        task_that_is_asked_for_by_name_is_granted
        lease_is_found_by_its_token
        result_and_artifact_are_kept_with_the_end
        tasks_and_leases_are_listed_newest_first
        worker_is_kept
        removed_worker_holds_nothing
        setting_is_kept
    }
    projects {
        project_is_kept_with_its_nodes
        project_has_a_name_of_its_own
        removed_project_leaves_nothing
    }
    waits {
        waiting_runs_are_found_when_they_are_due
        run_that_moves_on_is_not_woken
        runs_that_somebody_has_to_drive_are_found
        run_that_nobody_waits_for_any_more_is_to_be_driven
        status_of_a_run_is_told_alone
        question_is_kept_and_answered
        outcome_of_the_effect_closes_its_question
        end_of_the_run_closes_its_questions
        signal_keeps_its_inbox_entry
    }
    proposals {
        emission_makes_one_proposal
        same_content_while_pending_is_a_duplicate
        duplicates_in_one_append_are_seen
        duplicates_follow_the_decision
        duplicate_is_not_decided_on
        decided_content_may_be_proposed_again
        decided_proposal_moves_through_applying
        proposals_are_listed_newest_first
        overdue_proposals_expire_and_their_duplicates_inherit
    }
    flows {
        flow_is_found_by_hash_and_by_version
        version_names_one_program
        unregistered_version_has_no_name
        later_document_of_a_hash_stands
        flows_are_listed_newest_first
        documents_of_a_flow_are_found_in_the_order_in_which_they_came
        blob_is_found_by_its_digest
        unknown_context_is_empty
        unknown_ids_find_nothing
    }
    audit {
        notes_are_chained_in_order
        refused_verb_writes_no_note
        grants_and_decisions_write_notes
        log_of_racing_verbs_verifies
        range_of_entries_is_read
    }
}
