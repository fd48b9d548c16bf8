//! Which functions are at these addresses?
//!
//! Role       Puts a stack of addresses into words: the symbols of the program and of the libraries
//!            it runs with, read from their files when somebody asks. No lines, and a function that
//!            was inlined is part of the one it is in.
//! Inputs     Return addresses of this process; on Linux, `/proc/self/maps` and the files it names.
//! Outputs    A name each, or the address where there is none, as in a program without symbols.
//! Limit      It reads as much as the file has symbols, which may take a tenth of a second.

use std::fmt::Write as _;

/// One line a frame, as a `Backtrace` prints them.
pub(crate) fn text(addresses: &[usize]) -> String {
    let names = files::names(addresses);
    let mut text = String::new();
    for (number, (name, address)) in names.into_iter().zip(addresses).enumerate() {
        let name = name.unwrap_or_else(|| format!("{address:#x}"));
        let _ = writeln!(text, "{number:>4}: {name}");
    }
    text
}

#[cfg(all(
    target_os = "linux",
    target_pointer_width = "64",
    target_endian = "little"
))]
#[expect(
    clippy::disallowed_methods,
    reason = "the system tells what is mapped where, and symbols stand in the program's file"
)]
mod files {
    //! ELF, as far as symbols go.

    use std::collections::BTreeMap;
    use std::fs::File;
    use std::os::unix::fs::FileExt;

    const SYMBOLS: u32 = 2;
    const DYNAMIC_SYMBOLS: u32 = 11;
    const LOADED: u32 = 1;
    const FUNCTION: u8 = 2;
    const SECTIONS_MAX: u64 = 1 << 16;
    const SECTION_MAX: u64 = 1 << 30;

    pub(super) fn names(addresses: &[usize]) -> Vec<Option<String>> {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
        // By file: which frame, and where in the file it is.
        let mut wanted: BTreeMap<&str, Vec<(usize, u64)>> = BTreeMap::new();
        for (frame, address) in addresses.iter().enumerate() {
            // A return address is after the call.
            let address = (*address as u64).saturating_sub(1);
            if let Some((path, offset)) = maps.lines().find_map(|line| place(line, address)) {
                wanted.entry(path).or_default().push((frame, offset));
            }
        }
        let mut names = vec![None; addresses.len()];
        for (path, offsets) in wanted {
            let Some(found) = File::open(path)
                .ok()
                .and_then(|file| look_up(&file, &offsets))
            else {
                continue;
            };
            for (frame, name) in found {
                names[frame] = Some(format!("{:#}", rustc_demangle::demangle(&name)));
            }
        }
        names
    }

    /// The file that is mapped at this address, and where in it that is.
    fn place(line: &str, address: u64) -> Option<(&str, u64)> {
        let mut words = line.splitn(6, ' ');
        let (begin, end) = words.next()?.split_once('-')?;
        let hex = |text| u64::from_str_radix(text, 16).ok();
        let (begin, end) = (hex(begin)?, hex(end)?);
        let offset = hex(words.nth(1)?)?;
        let path = words.nth(2)?.trim_start();
        let within = begin <= address && address < end && path.starts_with('/');
        within.then(|| (path, address - begin + offset))
    }

    /// A piece of a file.
    fn read(file: &File, at: u64, length: u64) -> Option<Vec<u8>> {
        if SECTION_MAX < length {
            return None;
        }
        let mut bytes = vec![0; usize::try_from(length).ok()?];
        file.read_exact_at(&mut bytes, at).ok()?;
        Some(bytes)
    }

    fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<u64> {
        let bytes = bytes.get(at..at + N)?;
        let all = bytes.iter().rev();
        Some(all.fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// The names of the functions at these places of the file.
    fn look_up(file: &File, offsets: &[(usize, u64)]) -> Option<Vec<(usize, String)>> {
        let head = read(file, 0, 64)?;
        if !head.starts_with(b"\x7fELF\x02\x01") {
            return None;
        }
        let table = |begin, each, count| -> Option<(Vec<u8>, usize)> {
            let (begin, each) = (number::<8>(&head, begin)?, number::<2>(&head, each)?);
            let count = number::<2>(&head, count)?.min(SECTIONS_MAX);
            Some((
                read(file, begin, each * count)?,
                usize::try_from(each).ok()?.max(1),
            ))
        };
        let (segments, each) = table(32, 54, 56)?;
        let mut wanted = Vec::new();
        for (frame, offset) in offsets {
            let address = segments.chunks(each).find_map(|segment| {
                let within = offset.checked_sub(number::<8>(segment, 8)?)?;
                let loaded = number::<4>(segment, 0)? == u64::from(LOADED);
                let inside = loaded && within < number::<8>(segment, 32)?;
                inside.then_some(number::<8>(segment, 16)?.wrapping_add(within))
            });
            wanted.extend(address.map(|address| (*frame, address)));
        }
        let (sections, each) = table(40, 58, 60)?;
        let sections: Vec<&[u8]> = sections.chunks(each).collect();
        // The program's own, else what a library shows to others.
        for kind in [SYMBOLS, DYNAMIC_SYMBOLS] {
            let is = |section: &&&[u8]| number::<4>(section, 4) == Some(u64::from(kind));
            if let Some(section) = sections.iter().find(is) {
                return in_section(file, &sections, section, &wanted);
            }
        }
        None
    }

    fn in_section(
        file: &File,
        sections: &[&[u8]],
        section: &[u8],
        wanted: &[(usize, u64)],
    ) -> Option<Vec<(usize, String)>> {
        let content = |of: &[u8]| read(file, number::<8>(of, 24)?, number::<8>(of, 32)?);
        let symbols = content(section)?;
        let each = usize::try_from(number::<8>(section, 56)?).ok()?.max(1);
        let names = content(sections.get(usize::try_from(number::<4>(section, 40)?).ok()?)?)?;
        let mut found: BTreeMap<usize, (u64, String)> = BTreeMap::new();
        for symbol in symbols.chunks_exact(each) {
            if number::<1>(symbol, 4)? as u8 & 15 != FUNCTION {
                continue;
            }
            let (begin, size) = (number::<8>(symbol, 8)?, number::<8>(symbol, 16)?);
            for (frame, address) in wanted {
                let nearer = || found.get(frame).is_none_or(|(known, _)| *known < begin);
                if address.checked_sub(begin).is_some_and(|at| at < size) && nearer() {
                    let name = names.get(usize::try_from(number::<4>(symbol, 0)?).ok()?..)?;
                    let name = name.split(|byte| *byte == 0).next()?;
                    let name = String::from_utf8_lossy(name).into_owned();
                    found.insert(*frame, (begin, name));
                }
            }
        }
        Some(
            found
                .into_iter()
                .map(|(frame, (_, name))| (frame, name))
                .collect(),
        )
    }
}

#[cfg(not(all(
    target_os = "linux",
    target_pointer_width = "64",
    target_endian = "little"
)))]
mod files {
    //! Nobody tells.

    pub(super) fn names(addresses: &[usize]) -> Vec<Option<String>> {
        vec![None; addresses.len()]
    }
}
