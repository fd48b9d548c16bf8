//! Do servers, supervisors, tasks and applications keep OTP's rules?
//!
//! Role       One test per row of the semantics page (B096-B179, B203-B217, B220-B223), each on the
//!            real platform and under seeds on the simulated one; then rules of the specification
//!            beyond the rows. Rows that types rule out are in `impossible.md`.
//! Source     otp: supervisor, gen_server, gen_event, proc_lib, application; elixir:
//!            DynamicSupervisor, Agent, Task, Task.Supervisor, GenStage

mod agent;
mod application;
mod applications;
mod blocking;
mod cycles;
mod ecosystem;
mod event_manager;
mod event_rows;
mod event_swap;
mod globals;
mod mailboxes;
mod partsup;
mod pg;
mod proc_lib;
mod protocols;
mod references;
mod registry;
mod remote_spawn;
#[path = "../conformance/scene.rs"]
mod scene;
mod server_calls;
mod server_ends;
mod server_events;
mod server_faults;
mod server_remote;
mod server_requests;
mod server_start;
mod shutdown;
mod stage;
mod stage_ends;
mod statem_ends;
mod statem_faults;
mod statem_handlers;
mod statem_order;
mod statem_streams;
mod statem_support;
mod statem_timeouts;
mod stuck;
mod sup_auto;
mod sup_calls;
mod sup_dynamic;
mod sup_elsewhere;
mod sup_group;
mod sup_intensity;
mod sup_restart;
mod sup_start;
mod sup_stop;
mod support;
mod suspend;
mod sys_snapshot;
mod sys_state;
mod sys_statem;
mod sys_upgrade;
mod table;
mod task;
mod task_callers;
mod task_restart;
mod task_rows;
mod task_stream;
mod task_supervisor;
mod turns;
mod two_nodes;
