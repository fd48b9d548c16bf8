//! Where is a thread that does not come back?
//!
//! Role       Asks a thread of ours, by a signal, to write down its stack; and reads what it wrote.
//!            On Linux with glibc; elsewhere there is none, and callers are told so.
//! Owns       A [`Capture`] per thread that can be asked, made before anybody asks.
//! Limit      [`FRAMES_MAX`] frames; whoever asks waits for the answer, a few milliseconds at most.
//! Invariant  The handler of the signal allocates nothing, takes no lock of ours, and leaves `errno`
//!            as it was. `SIGURG` is taken only while nobody else has a handler for it.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

/// How often a thread is asked whose stack ends too early.
const ATTEMPTS: u32 = 4;
/// A worker that runs a handler has more frames than this below it, down to its thread's start.
const WHOLE_FRAMES: usize = 10;
/// The deepest stack that is written down; what called the rest is not.
pub(crate) const FRAMES_MAX: usize = 64;

const IDLE: u32 = 0;
const ASKED: u32 = 1;
const WRITING: u32 = 2;
const WRITTEN: u32 = 3;

/// Where a thread writes its stack.
pub(crate) struct Capture {
    state: AtomicU32,
    count: AtomicUsize,
    frames: [AtomicUsize; FRAMES_MAX],
}

impl Default for Capture {
    fn default() -> Self {
        Self {
            state: AtomicU32::new(IDLE),
            count: AtomicUsize::new(0),
            frames: [const { AtomicUsize::new(0) }; FRAMES_MAX],
        }
    }
}

impl Capture {
    /// What was written: return addresses, the innermost first. Empty when it cannot be had.
    ///
    /// Where a thread is on its way into another library, in a stub that says nothing of its caller,
    /// the stack ends at once: then it is asked again, and the longest answer counts.
    pub(crate) fn of_thread(&self, thread: i64, bound: Duration) -> Vec<usize> {
        let mut longest = Vec::new();
        for _ in 0..ATTEMPTS {
            let stack = self.ask(thread, bound);
            let is_last = stack.is_empty() || WHOLE_FRAMES <= stack.len();
            if longest.len() < stack.len() {
                longest = stack;
            }
            if is_last {
                break;
            }
        }
        longest
    }

    fn ask(&self, thread: i64, bound: Duration) -> Vec<usize> {
        let idle = self.state.load(Ordering::Acquire);
        // Somebody was asked before, and writes still.
        if idle == ASKED || idle == WRITING || !signal::is_ours() {
            return Vec::new();
        }
        self.state.store(ASKED, Ordering::Release);
        if signal::send(thread) && self.is_written(bound) {
            let count = self.count.load(Ordering::Relaxed);
            let frames = self.frames.iter().take(count);
            return frames.map(|frame| frame.load(Ordering::Relaxed)).collect();
        }
        // It comes too late, or not at all.
        let _ = self
            .state
            .compare_exchange(ASKED, IDLE, Ordering::AcqRel, Ordering::Relaxed);
        Vec::new()
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this is the room that has threads sleep; the timekeeper waits for a stuck thread"
    )]
    fn is_written(&self, bound: Duration) -> bool {
        const LOOK: Duration = Duration::from_micros(50);
        for _ in 0..bound.as_micros() / LOOK.as_micros() {
            // Pairs with the release in `write`.
            if self.state.load(Ordering::Acquire) == WRITTEN {
                return true;
            }
            std::thread::sleep(LOOK);
        }
        self.state.load(Ordering::Acquire) == WRITTEN
    }

    /// Writes down the stack of the thread that runs this, if somebody asks. In a signal's handler.
    #[cfg_attr(
        not(all(target_os = "linux", target_env = "gnu")),
        expect(dead_code, reason = "there is no handler here")
    )]
    fn write(&self, walk: impl FnOnce(&mut dyn FnMut(usize) -> bool)) {
        let asked =
            self.state
                .compare_exchange(ASKED, WRITING, Ordering::Acquire, Ordering::Relaxed);
        if asked.is_err() {
            return;
        }
        let mut count = 0;
        walk(&mut |address| {
            self.frames[count].store(address, Ordering::Relaxed);
            count += 1;
            count < FRAMES_MAX
        });
        self.count.store(count, Ordering::Relaxed);
        self.state.store(WRITTEN, Ordering::Release);
    }
}

pub(crate) use signal::Answers;

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod signal {
    //! The signal, and what its handler does.

    use std::cell::Cell;
    use std::ffi::{c_int, c_void};
    use std::sync::Arc;

    use super::Capture;

    thread_local! {
        /// Where this thread writes. Without a destructor, and first used before the signal can come:
        /// to read it is one load.
        static OWN: Cell<*const Capture> = const { Cell::new(std::ptr::null()) };
    }

    /// While it lives, its thread answers.
    pub(crate) struct Answers(#[expect(dead_code, reason = "kept for the handler")] Arc<Capture>);

    impl Answers {
        /// This thread writes its stack into `capture` when asked.
        pub(crate) fn new(capture: Arc<Capture>) -> Self {
            OWN.set(Arc::as_ptr(&capture));
            Self(capture)
        }
    }

    impl Drop for Answers {
        fn drop(&mut self) {
            OWN.set(std::ptr::null());
        }
    }

    /// A frame, to the unwinder.
    #[repr(C)]
    struct Frame {
        _opaque: [u8; 0],
    }

    type EachFrame = extern "C" fn(*mut Frame, *mut c_void) -> c_int;

    unsafe extern "C" {
        fn _Unwind_Backtrace(each: EachFrame, data: *mut c_void) -> c_int;
        fn _Unwind_GetIP(frame: *mut Frame) -> usize;
    }

    const GO_ON: c_int = 0;
    const END: c_int = 5;

    struct Walk<'a> {
        write: &'a mut dyn FnMut(usize) -> bool,
        /// Of the handler itself, and the way into it.
        skip: usize,
    }

    extern "C" fn each(frame: *mut Frame, data: *mut c_void) -> c_int {
        // SAFETY: `data` is the `Walk` that `on_signal` gave to the unwinder, which calls us while
        // that call lasts, on the same thread.
        let walk = unsafe { &mut *data.cast::<Walk<'_>>() };
        // SAFETY: the unwinder gives a valid frame.
        let address = unsafe { _Unwind_GetIP(frame) };
        if 0 < walk.skip {
            walk.skip -= 1;
            return GO_ON;
        }
        match address != 0 && (walk.write)(address) {
            true => GO_ON,
            false => END,
        }
    }

    extern "C" fn on_signal(_: c_int) {
        // SAFETY: the thread's own `errno`.
        let errno = unsafe { *libc::__errno_location() };
        let own = OWN.get();
        // SAFETY: null, or a capture that the thread's `Answers` keeps: the handler runs on that
        // thread, so it is not dropped meanwhile.
        if let Some(capture) = unsafe { own.as_ref() } {
            capture.write(|write| {
                let mut walk = Walk { write, skip: 0 };
                // SAFETY: `each` takes what is given here, and unwinds nowhere.
                unsafe { _Unwind_Backtrace(each, (&raw mut walk).cast()) };
            });
        }
        // SAFETY: as above.
        unsafe { *libc::__errno_location() = errno };
    }

    /// Whether the signal leads to our handler, from now on if nobody had one.
    pub(super) fn is_ours() -> bool {
        let handler = on_signal as extern "C" fn(c_int) as usize;
        // SAFETY: an all-zero `sigaction` is a valid one.
        let mut now: libc::sigaction = unsafe { std::mem::zeroed() };
        // SAFETY: only asks, into memory of ours.
        if unsafe { libc::sigaction(libc::SIGURG, std::ptr::null(), &raw mut now) } != 0 {
            return false;
        }
        match now.sa_sigaction {
            found if found == handler => true,
            libc::SIG_DFL | libc::SIG_IGN => install(handler),
            _ => false,
        }
    }

    fn install(handler: usize) -> bool {
        extern "C" fn nothing(_: *mut Frame, _: *mut c_void) -> c_int {
            END
        }
        // The first walk may load the unwinder's tables: not in the handler.
        // SAFETY: `nothing` takes any data.
        unsafe { _Unwind_Backtrace(nothing, std::ptr::null_mut()) };
        // SAFETY: an all-zero `sigaction` is a valid one, with an empty mask.
        let mut ours: libc::sigaction = unsafe { std::mem::zeroed() };
        ours.sa_sigaction = handler;
        // Calls that the system can take up again are not disturbed.
        ours.sa_flags = libc::SA_RESTART;
        // SAFETY: the handler only does what a handler may.
        unsafe { libc::sigaction(libc::SIGURG, &raw const ours, std::ptr::null_mut()) == 0 }
    }

    /// Sends the signal to a thread of this process; `false` when there is none.
    pub(super) fn send(thread: i64) -> bool {
        // SAFETY: touches no memory; a thread that has ended is an error.
        let sent = unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), thread, libc::SIGURG) };
        sent == 0
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
mod signal {
    //! Nobody can be asked here.

    use std::sync::Arc;

    use super::Capture;

    /// It answers nobody.
    pub(crate) struct Answers;

    impl Answers {
        pub(crate) fn new(_: Arc<Capture>) -> Self {
            Self
        }
    }

    pub(super) fn is_ours() -> bool {
        false
    }

    pub(super) fn send(_: i64) -> bool {
        false
    }
}
