//! What is to go wrong, and when?
//!
//! Role       Reads `NODE@LINE`, for `--kill` and `--partition`.
//! Outputs    A [`Mishap`], or what is wrong with the text.

/// What happens to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blow {
    /// It is killed, and started again.
    Kill,
    /// For a while it is cut off from the others.
    Partition,
}

/// Something that goes wrong when so many lines are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mishap {
    /// What.
    pub blow: Blow,
    /// To which node.
    pub node: u32,
    /// When.
    pub line: u64,
}

/// Reads `NODE@LINE`: `2@3000` is node 2 when 3000 lines are counted.
///
/// # Errors
/// What is wrong with it, and how it is to be.
pub fn mishap(text: &str) -> Result<(u32, u64), String> {
    let parts = text.split_once('@');
    let (node, line) = parts.ok_or_else(|| format!("`{text}` names no line: {EXAMPLE}"))?;
    let node = node
        .parse()
        .map_err(|_| format!("`{node}` is no number of a node: {EXAMPLE}"))?;
    let line = line
        .parse()
        .map_err(|_| format!("`{line}` is no number of lines: {EXAMPLE}"))?;
    match node {
        0 => Err("nodes are numbered from 1, and 1 reads the input".to_owned()),
        1 => Err("node 1 reads the input: the job is lost with it; name another".to_owned()),
        _ => Ok((node, line)),
    }
}

const EXAMPLE: &str = "2@3000 is node 2, when 3000 lines are counted";
