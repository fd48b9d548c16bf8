//! What do bytes that a fuzzer thinks of do to one decoder?
//!
//! Role       libFuzzer around the target that `FOUNDATION_FUZZ` names. `fuzz/run.sh` builds it so that
//!            the engine sees which branches are taken. With `FOUNDATION_SEEDS_TO` it first writes a
//!            folder of seeds per target there, and prints the targets' names.

#![no_main]
#![allow(clippy::disallowed_methods, reason = "seeds are files")]

use std::path::Path;
use std::sync::OnceLock;
use std::{env, fs, io};

use foundation_fuzz::{TARGETS, Target};
use libfuzzer_sys::fuzz_target;

static TARGET: OnceLock<&'static Target> = OnceLock::new();

fn write_seeds(folder: &Path) -> io::Result<()> {
    for target in TARGETS {
        let of_target = folder.join(target.name);
        fs::create_dir_all(&of_target)?;
        for (at, seed) in (target.seeds)().iter().enumerate() {
            fs::write(of_target.join(format!("seed-{at:02}")), seed)?;
        }
        println!("{}", target.name);
    }
    Ok(())
}

fn target() -> &'static Target {
    TARGET.get_or_init(|| {
        let name = env::var("FOUNDATION_FUZZ").expect("FOUNDATION_FUZZ names a target");
        Target::named(&name).expect("there is a target of that name")
    })
}

fuzz_target!(
    init: {
        if let Some(folder) = env::var_os("FOUNDATION_SEEDS_TO") {
            write_seeds(Path::new(&folder)).expect("seeds can be written");
        }
    },
    |bytes: &[u8]| {
        target().check(bytes);
    }
);
