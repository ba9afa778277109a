//! The session: what a process decides about its trackers. When is a snapshot written, to which file, and what does a
//! forked child have of its own?
//!
//! The answers are the same on every operating system. Nothing in this folder makes a system call or uses the C library: it
//! calls functions of [`os`](crate::os), and [`os`](crate::os) reports events to [`lifecycle`].
//!
//! | module | its subject |
//! |---|---|
//! | [`lifecycle`] | the start and the exit of the process, and the reports of the system |
//! | [`registry`] | the regions of the process, one for each tracker |
//! | [`environment`], [`files`] | the environment variables, and the paths in them |
//! | [`thread_words`], [`stack_bounds`] | the words that trackers keep for each thread, the readable part of a stack |
//! | [`triggers`] | the causes of snapshots: a signal, an interval, a peak, a failure, a sandbox |
//! | [`snapshot_file`], [`owner`] | the file that collects snapshots, and the process that a file belongs to |
//! | [`recording`], [`modules_seen`] | tables whose memory is a file, and the modules that such a file must list |
//! | [`forks`] | how a forked child makes the tables its own |
//! | [`generations`], [`unloading`] | libraries that are loaded at the address of an unloaded one |
//! | [`space`] | the address space, in which tables grow |

pub(crate) mod environment;
mod files;
pub(crate) mod forks;
pub(crate) mod generations;
pub(crate) mod lifecycle;
pub(crate) mod modules_seen;
pub(crate) mod owner;
pub(crate) mod recording;
pub(crate) mod registry;
pub(crate) mod snapshot_file;
pub(crate) mod space;
pub(crate) mod stack_bounds;
pub(crate) mod thread_words;
pub(crate) mod triggers;
mod unloading;
