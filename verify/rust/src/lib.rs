//! An addon that runs the loops of docs/event_loops.md in a thread. verify/rust.ts takes their code
//! from there.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::{io, mem};

use napi::bindgen_prelude::BigInt;
use napi_derive::napi;

#[path = "../../../build/rust/mio.rs"]
mod mio_loop;
#[path = "../../../build/rust/tokio.rs"]
mod tokio_loop;

static TURNS: AtomicU32 = AtomicU32::new(0);
static THREAD: Mutex<Option<JoinHandle<io::Result<()>>>> = Mutex::new(None);

/// Watches a descriptor in a thread, until it was readable `turns` times. Each time the thread calls
/// func(arg).
#[napi]
pub fn start(library: String, fd: i32, func: BigInt, arg: BigInt, turns: u32) {
    // SAFETY: these are drainFunc() of an EventPipe, which is a `void (*)(void *)`.
    let drain = unsafe { mem::transmute::<usize, extern "C" fn(usize)>(word(func)) };
    let arg = word(arg);
    TURNS.store(0, Ordering::SeqCst);
    let work = move || TURNS.fetch_add(1, Ordering::SeqCst) + 1 < turns;
    let thread = std::thread::spawn(move || {
        if library == "mio" {
            return mio_loop::loop_mio(fd, drain, arg, work);
        }
        tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()?
            .block_on(tokio_loop::loop_tokio(fd, drain, arg, work))
    });
    *THREAD.lock().unwrap() = Some(thread);
}

fn word(value: BigInt) -> usize {
    value.get_u64().1 as usize
}

/// How often it was woken.
#[napi]
pub fn turns() -> u32 {
    TURNS.load(Ordering::SeqCst)
}

/// Waits for the end of the thread.
#[napi]
pub fn join() -> napi::Result<()> {
    let thread = THREAD.lock().unwrap().take().unwrap();
    Ok(thread.join().unwrap()?)
}
