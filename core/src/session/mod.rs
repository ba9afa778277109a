//! A process as its trackers see it: which trackers it has, when snapshots are written, and where to.
//!
//! Everything here is policy. It makes no system call and uses nothing of the C library: it asks [`os`](crate::os), which
//! calls back through [`lifecycle`].
//!
//! | module | what it decides |
//! |---|---|
//! | [`registry`] | which trackers the process has |
//! | [`environment`], [`files`] | what the environment variables ask for, and the paths of files |
//! | [`thread_words`], [`stack_bounds`] | the words that a tracker keeps for each thread, the readable part of its stack |
//! | [`owner`] | which process a file belongs to |
//! | [`snapshot_file`] | the file that collects snapshots |
//! | [`space`] | where tables that grow take their memory |
//! | [`triggers`] | when snapshots are written without the program asking |
//! | [`recording`] | tables whose memory a file stands in for |
//! | [`modules_seen`], [`generations`], [`unloading`] | which modules there are, and those at the place of others |
//! | [`forks`] | what a forked child has of its own |
//! | [`lifecycle`] | what runs before `main`, at exit, and when the system calls back |

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
