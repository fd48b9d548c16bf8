//! Which of the bodies run with their processes on two nodes as well?
//!
//! Role       The table of them: the server there, whoever calls it here.

use crate::scene::on_two_nodes;

on_two_nodes! {
    server_calls (10):
        b142_a_call_returns_the_reply,
        b144_a_server_that_dies_in_a_call,
        b145_a_call_to_nobody_is_noproc,
        b147_another_process_may_answer,
        a_reply_may_come_before_the_handler_returns,
        b148_a_cast_to_nobody_is_ok,
        b222_an_early_return_is_the_answer,
        a_lost_node_fails_the_calls_to_it,
        a_late_reply_is_dropped,
        a_reply_that_is_queued_at_the_timeout_is_returned,
        a_dropped_reply_right_is_no_reply,
        a_reply_right_that_was_handed_on,
        handlers_never_overlap,
        calls_share_a_deadline,
        a_deadline_stays_where_it_is;
    remote_spawn (10):
        a_spawned_actor_is_like_any_other,
        an_init_that_fails_is_told,
        what_cannot_be_started_is_refused,
        a_link_is_there_before_the_first_instruction,
        a_linked_child_ends_with_its_starter,
        a_monitor_is_there_before_the_first_instruction,
        a_start_that_takes_too_long_is_given_up,
        a_start_that_is_dropped_is_given_up,
        only_so_many_starts_are_under_way,
        a_group_leader_is_inherited,
        a_group_leader_is_set_by_a_signal,
        who_starts_for_others_takes_along_what_is_not_done;
    sup_elsewhere (10):
        a_child_there_is_restarted_there,
        a_child_there_ends_with_its_tree,
        a_killed_supervisor_takes_its_child_there_along,
        the_next_node_takes_over,
        what_does_not_start_there_fails_as_at_home,
        strategies_are_the_same_for_children_of_any_node,
        ends_count_the_same_on_any_node,
        who_gives_up_takes_children_of_all_nodes_along,
        a_child_there_is_stopped_and_started_by_hand;
}

/// Of bodies that need what a cluster knows together: they run over its connections alone.
macro_rules! on_two_nodes_of_a_cluster {
    ($($file:ident ($seeds:literal): $($test:ident),+ $(,)?;)+) => {
        $(mod $file {
            $(mod $test {
                use crate::scene::Scene;
                use foundation::prelude::*;

                crate::scene::of_a_cluster!($file, $test, $seeds);
            })+
        })+
    };
}

on_two_nodes_of_a_cluster! {
    pg (10):
        b180_a_process_joins_k_times,
        b181_who_has_not_joined_cannot_leave,
        b182_the_dead_are_in_no_group,
        b185_a_monitor_gives_snapshot_and_changes;
}
