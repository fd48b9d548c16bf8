//! How many times does a number double?
//!
//! Role       Logarithms in thousandths, by whole numbers alone: equal on every machine.

/// The logarithm of `number` to base 2, in thousandths, rounded down; 0 for 0.
pub(super) fn log2_milli(number: usize) -> u64 {
    const FRACTION_BITS: u32 = 30;
    let number = number.max(1) as u64;
    let whole = number.ilog2();
    // Between 1 and 2, with 30 bits behind the point.
    let mut rest = if whole > FRACTION_BITS {
        number >> (whole - FRACTION_BITS)
    } else {
        number << (FRACTION_BITS - whole)
    };
    let mut fraction = 0_u64;
    for bit in (0..16).rev() {
        rest = (rest * rest) >> FRACTION_BITS;
        if rest >= 2 << FRACTION_BITS {
            rest >>= 1;
            fraction |= 1 << bit;
        }
    }
    u64::from(whole) * 1000 + ((fraction * 1000) >> 16)
}

/// The logarithm of `number` to base 10, in thousandths.
pub(super) fn log10_milli(number: usize) -> u64 {
    log2_milli(number) * 1000 / 3321
}

#[cfg(test)]
mod tests {
    use super::{log2_milli, log10_milli};

    #[test]
    fn logarithms() {
        for (number, log2, log10) in [
            (0, 0, 0),
            (1, 0, 0),
            (2, 1000, 301),
            (3, 1584, 476),
            (10, 3321, 1000),
            (1000, 9965, 3000),
            (1024, 10_000, 3011),
            (10_000, 13_287, 4000),
        ] {
            assert_eq!(log2_milli(number), log2, "{number}");
            assert_eq!(log10_milli(number), log10, "{number}");
        }
    }
}
