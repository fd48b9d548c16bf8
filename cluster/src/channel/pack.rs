//! How do frames that leave together get smaller?
//!
//! Role       Several whole frames as one that holds them compressed: LZ4, of the crate `lz4_flex`.
//! Limit      [`PACKED_BYTES_MAX`] bytes before, and [`EXPANSION_MAX`] for each that came; a longer promise
//!            is refused before anything is made.
//! Invariant  What comes out is frames, none of them packed again; or it is refused.

use crate::connection::frame::{BadFrame, HEADER_BYTES, Kind, header, read_header};

/// The most bytes that are packed at once.
pub(crate) const PACKED_BYTES_MAX: usize = 512 * 1024;
/// Less than this is not worth it.
const PACKED_BYTES_MIN: usize = 256;
const LENGTH_BYTES: usize = 4;
/// As many bytes does one of LZ4 become at most.
const EXPANSION_MAX: usize = 255;

/// The frames as one, if that is smaller by an eighth.
pub(crate) fn pack(frames: &[u8]) -> Option<Vec<u8>> {
    if !(PACKED_BYTES_MIN..=PACKED_BYTES_MAX).contains(&frames.len()) {
        return None;
    }
    let begin = HEADER_BYTES + LENGTH_BYTES;
    let mut out = vec![0; begin + lz4_flex::block::get_maximum_output_size(frames.len())];
    let length = lz4_flex::block::compress_into(frames, &mut out[begin..]).ok()?;
    if frames.len() - frames.len() / 8 < begin + length {
        return None;
    }
    out.truncate(begin + length);
    out[..HEADER_BYTES].copy_from_slice(&header(Kind::Packed, LENGTH_BYTES + length));
    out[HEADER_BYTES..begin].copy_from_slice(&(frames.len() as u32).to_be_bytes());
    Some(out)
}

/// The frames in one.
pub(crate) fn unpack(content: &[u8]) -> Result<Vec<u8>, BadFrame> {
    let Some((length, packed)) = content.split_first_chunk::<LENGTH_BYTES>() else {
        return Err(BadFrame::Content);
    };
    let length = u32::from_be_bytes(*length) as usize;
    if PACKED_BYTES_MAX < length {
        return Err(BadFrame::TooLong(length));
    }
    if packed.len() * EXPANSION_MAX < length {
        return Err(BadFrame::Content);
    }
    let mut frames = vec![0; length];
    let there = lz4_flex::block::decompress_into(packed, &mut frames);
    match there {
        Ok(there) if there == length => Ok(frames),
        _ => Err(BadFrame::Content),
    }
}

/// The next of whole frames, and the rest; `None` at their end.
pub(crate) fn split(frames: &[u8]) -> Result<Option<(Kind, &[u8], &[u8])>, BadFrame> {
    if frames.is_empty() {
        return Ok(None);
    }
    let (head, rest) = frames.split_first_chunk().ok_or(BadFrame::Content)?;
    let (kind, length) = read_header(*head)?;
    if kind == Kind::Packed || rest.len() < length {
        return Err(BadFrame::Content);
    }
    let (content, rest) = rest.split_at(length);
    Ok(Some((kind, content, rest)))
}

#[cfg(test)]
mod tests {
    use foundation_runtime::Rng;

    use super::*;

    fn frames(contents: &[&[u8]]) -> Vec<u8> {
        let frame = |content: &&[u8]| [&header(Kind::Process, content.len()), *content].concat();
        contents.iter().flat_map(frame).collect()
    }

    fn contents(mut frames: &[u8]) -> Result<Vec<Vec<u8>>, BadFrame> {
        let mut found = Vec::new();
        while let Some((_, content, rest)) = split(frames)? {
            found.push(content.to_vec());
            frames = rest;
        }
        Ok(found)
    }

    #[test]
    fn what_is_packed_comes_out_as_it_was() {
        let many: Vec<Vec<u8>> = (0..100)
            .map(|at| format!("reading {at} of the boiler").into_bytes())
            .collect();
        let many: Vec<&[u8]> = many.iter().map(Vec::as_slice).collect();
        let plain = frames(&many);
        let packed = pack(&plain).expect("it gets smaller");
        assert!(
            packed.len() < plain.len() / 2,
            "{} of {}",
            packed.len(),
            plain.len()
        );
        let (kind, content, rest) = split_packed(&packed);
        assert_eq!((kind, rest.len()), (Kind::Packed, 0));
        let out = unpack(content).expect("it was packed");
        assert_eq!(
            contents(&out),
            Ok(many.iter().map(|it| it.to_vec()).collect())
        );
    }

    fn split_packed(frame: &[u8]) -> (Kind, &[u8], &[u8]) {
        let (head, rest) = frame.split_first_chunk().expect("a header");
        let (kind, length) = read_header(*head).expect("a header");
        (kind, &rest[..length], &rest[length..])
    }

    #[test]
    fn what_gets_no_smaller_is_not_packed() {
        let mut rng = Rng::new(7);
        let noise: Vec<u8> = (0..4096).map(|_| rng.below(256) as u8).collect();
        assert_eq!(pack(&frames(&[&noise])), None);
        assert_eq!(pack(&frames(&[b"short"])), None);
        assert_eq!(pack(&vec![0; PACKED_BYTES_MAX + 1]), None);
    }

    #[test]
    fn garbage_is_refused_and_promises_cost_nothing() {
        let huge = [&u32::MAX.to_be_bytes()[..], b"abc"].concat();
        assert_eq!(unpack(&huge), Err(BadFrame::TooLong(u32::MAX as usize)));
        assert_eq!(unpack(b"abc"), Err(BadFrame::Content));
        assert_eq!(unpack(&[0, 0, 0, 9, 1, 2]), Err(BadFrame::Content));
        // Nothing is packed so well that it could become more.
        let most = pack(&vec![0; PACKED_BYTES_MAX]).expect("it gets smaller");
        assert_eq!(unpack(&most[HEADER_BYTES..]), Ok(vec![0; PACKED_BYTES_MAX]));
        let packed = pack(&frames(&[&[7; 1000]])).expect("it gets smaller");
        let content = &packed[HEADER_BYTES..];
        for cut in 0..content.len() {
            assert!(unpack(&content[..cut]).is_err(), "cut at {cut}");
        }
        // What lies in it is no frame, or packed once more.
        let inner = unpack(&pack(&vec![0xff; 1000]).expect("smaller")[HEADER_BYTES..]);
        assert!(contents(&inner.expect("it was packed")).is_err());
        let twice = pack(&frames(&[&[7; 1000]])).expect("smaller");
        assert_eq!(contents(&twice), Err(BadFrame::Content));
        assert_eq!(contents(&[0, 0, 0, 9, 1]), Err(BadFrame::Content));
    }
}
