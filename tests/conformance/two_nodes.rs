//! Which of the bodies run with their processes on two nodes as well?
//!
//! Role       The table of them. Those that do not are in `one_node.md`, with the reason.

use crate::scene::on_two_nodes;

on_two_nodes! {
    signals (10):
        b001_messages_of_one_sender_arrive_in_order,
        b003_a_detour_promises_no_order,
        b004_a_send_to_the_dead_is_silent,
        b006_a_down_comes_after_what_was_sent_before,
        b008_info_comes_after_the_messages_sent_before;
    exits (10):
        the_exit_table_for_signals_of_others,
        the_exit_table_for_links,
        b009_normal_from_another_is_ignored,
        b010_normal_from_another_can_be_trapped,
        b014_killed_can_be_trapped,
        b017_a_kill_goes_over_links_as_killed,
        b018_a_normal_end_takes_nobody_along,
        b019_a_chain_of_links_falls,
        b021_an_exit_beats_the_timeout_of_a_receive,
        b022_the_first_of_two_exit_signals_counts,
        b023_an_exit_does_not_wait_for_the_mailbox,
        a_process_ends_as_its_code_says;
    links (10):
        b025_two_links_are_one,
        b026_either_side_may_unlink,
        b029_a_link_with_the_dead_can_be_trapped,
        b032_a_lost_node_ends_its_links,
        an_unlink_leaves_what_was_queued,
        an_exit_over_an_old_link_is_dropped,
        crossing_links_and_unlinks_leave_both_sides_alike;
    monitors (10):
        b034_an_end_is_one_down,
        b035_the_dead_are_down_with_noproc,
        b036_an_unknown_name_is_down_with_noproc,
        b037_monitors_stack,
        b039_a_demonitor_ends_it,
        b040_a_flush_removes_the_down,
        b041_a_fired_monitor_is_gone,
        b042_demonitor_info_of_an_active_monitor,
        b043_flush_and_info_together,
        b044_a_tag_takes_the_place_of_the_word,
        b045_a_large_reason_arrives_whole,
        b046_a_dead_watcher_is_forgotten,
        a_wait_for_a_down_may_be_given_up;
    names (10):
        b049_a_name_is_taken_once,
        b053_a_name_is_free_before_the_down,
        b053_a_name_is_free_while_its_process_is_torn_down;
    aliases (10):
        b088_an_alias_delivers,
        b090_an_inactive_alias_delivers_nothing,
        b091_a_reply_alias_delivers_once,
        b093_an_alias_of_a_monitor_lives_as_its_mode_says,
        b094_only_the_owner_takes_an_alias_back;
    info (10):
        b068_nothing_is_known_of_the_dead;
    receive (10):
        a_dropped_receive_loses_nothing;
    distribution (10):
        sends_keep_their_order_here_and_there,
        a_send_to_a_name_elsewhere_never_fails,
        links_work_here_and_there,
        a_link_with_the_dead_elsewhere_never_fails,
        monitors_work_here_and_there,
        exits_and_questions_work_here_and_there,
        a_local_message_does_not_leave_its_node,
        a_name_that_is_too_long_is_nobodys;
    large (1):
        what_is_too_large_is_refused,
        a_reason_too_large_to_travel_arrives_in_part;
}
