//! Exact arithmetic: results that need more than 28 digits are rounded half-even to 28, as Python's `decimal` does by default.
//!
//! The crate's own operators keep 28 or 29 digits, depending on the digits: that would be rounding a user cannot predict.

use holon_model::Decimal;
use std::cmp::Ordering;

/// Most significant digits, and most digits after the point.
const DIGITS: u32 = 28;
const LIMIT: u128 = 10u128.pow(DIGITS);

/// Powers of ten, 10^0 to 10^28.
const POWERS: [i128; DIGITS as usize + 1] = {
    let mut powers = [1; DIGITS as usize + 1];
    let mut at = 1;
    while at < powers.len() {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

/// 256 bits, least significant limb first: the exact product of two mantissas has fewer than 192.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Wide([u32; 8]);

impl Wide {
    fn from(mut value: u128) -> Self {
        let mut limbs = [0; 8];
        for limb in limbs.iter_mut().take(4) {
            *limb = low(value);
            value >>= 32;
        }
        Self(limbs)
    }

    /// The product; both factors have at most 96 bits and a little, so it fits.
    fn product(a: u128, b: u128) -> Self {
        let (a, b) = (Self::from(a).0, Self::from(b).0);
        let mut out = [0u32; 8];
        for (i, x) in a.iter().take(4).enumerate() {
            let mut carry = 0u64;
            for (j, y) in b.iter().take(4).enumerate() {
                let sum = u64::from(*x) * u64::from(*y) + u64::from(out[i + j]) + carry;
                out[i + j] = low(sum.into());
                carry = sum >> 32;
            }
            out[i + 4] = low(carry.into());
        }
        Self(out)
    }

    fn plus(mut self, other: Self) -> Self {
        let mut carry = 0u64;
        for (limb, added) in self.0.iter_mut().zip(other.0) {
            let sum = u64::from(*limb) + u64::from(added) + carry;
            *limb = low(sum.into());
            carry = sum >> 32;
        }
        self
    }

    /// The difference; `other` is not larger.
    fn minus(mut self, other: Self) -> Self {
        let mut borrow = 0i64;
        for (limb, taken) in self.0.iter_mut().zip(other.0) {
            let difference = i64::from(*limb) - i64::from(taken) - borrow;
            borrow = i64::from(difference < 0);
            *limb = low((difference + (borrow << 32)).unsigned_abs().into());
        }
        self
    }

    fn cmp(&self, other: &Self) -> Ordering {
        self.0.iter().rev().cmp(other.0.iter().rev())
    }

    /// Divides by ten, gives the remainder.
    fn divide_by_ten(&mut self) -> u8 {
        let mut rest = 0u64;
        for limb in self.0.iter_mut().rev() {
            let value = (rest << 32) | u64::from(*limb);
            *limb = low((value / 10).into());
            rest = value % 10;
        }
        u8::try_from(rest).unwrap_or(0)
    }

    fn narrow(&self) -> Option<u128> {
        (self.0[4..] == [0; 4])
            .then(|| self.0[..4].iter().rev().fold(0, |value, limb| (value << 32) | u128::from(*limb)))
    }
}

fn low(value: u128) -> u32 {
    (value & 0xffff_ffff) as u32
}

/// `negative · mantissa · 10^-scale`, rounded half-even to what fits; `sticky` says that digits below were dropped already.
fn rounded(negative: bool, mantissa: Wide, mut scale: i64, mut sticky: bool) -> Option<Decimal> {
    let mut wide = mantissa;
    let mut last = 0u8;
    let limit = Wide::from(LIMIT);
    while scale > i64::from(DIGITS) || wide.cmp(&limit) != Ordering::Less {
        sticky |= last != 0;
        last = wide.divide_by_ten();
        scale -= 1;
    }
    let mut value = wide.narrow()?;
    if last > 5 || (last == 5 && (sticky || value % 2 == 1)) {
        value += 1;
        if value == LIMIT {
            value /= 10;
            scale -= 1;
        }
    }
    while scale < 0 {
        value = value.checked_mul(10).filter(|value| *value < LIMIT)?;
        scale += 1;
    }
    finish(negative, value, scale)
}

fn finish(negative: bool, value: u128, scale: i64) -> Option<Decimal> {
    let value = i128::try_from(value).ok()?;
    Decimal::try_from_i128_with_scale(if negative { -value } else { value }, u32::try_from(scale).ok()?).ok()
}

fn small(value: i128, scale: u32) -> Option<Decimal> {
    (value.unsigned_abs() < LIMIT && scale <= DIGITS)
        .then(|| Decimal::try_from_i128_with_scale(value, scale).ok())
        .flatten()
}

/// The product, by one instruction where both factors are short, as they nearly always are.
fn product(a: i128, b: i128) -> Option<i128> {
    match (i64::try_from(a), i64::try_from(b)) {
        (Ok(a), Ok(b)) => Some(i128::from(a) * i128::from(b)),
        _ => a.checked_mul(b),
    }
}

/// The sum; `None` when it does not fit.
pub(super) fn add(a: Decimal, b: Decimal) -> Option<Decimal> {
    let (a, b) = if a.scale() >= b.scale() { (a, b) } else { (b, a) };
    let shift = POWERS[(a.scale() - b.scale()) as usize];
    let aligned = if shift == 1 { Some(b.mantissa()) } else { product(b.mantissa(), shift) };
    if let Some(sum) = aligned.and_then(|b| b.checked_add(a.mantissa()))
        && let Some(sum) = small(sum, a.scale())
    {
        return Some(sum);
    }
    let wide_a = Wide::from(a.mantissa().unsigned_abs());
    let wide_b = Wide::product(b.mantissa().unsigned_abs(), shift.unsigned_abs());
    let (negative_a, negative_b) = (a.mantissa() < 0, b.mantissa() < 0);
    let scale = i64::from(a.scale());
    if negative_a == negative_b {
        return rounded(negative_a, wide_a.plus(wide_b), scale, false);
    }
    match wide_a.cmp(&wide_b) {
        Ordering::Less => rounded(negative_b, wide_b.minus(wide_a), scale, false),
        _ => rounded(negative_a, wide_a.minus(wide_b), scale, false),
    }
}

/// The difference.
pub(super) fn subtract(a: Decimal, b: Decimal) -> Option<Decimal> {
    add(a, -b)
}

/// The product.
pub(super) fn multiply(a: Decimal, b: Decimal) -> Option<Decimal> {
    let scale = a.scale() + b.scale();
    if let Some(product) = product(a.mantissa(), b.mantissa())
        && let Some(product) = small(product, scale)
    {
        return Some(product);
    }
    let negative = (a.mantissa() < 0) != (b.mantissa() < 0);
    rounded(negative, Wide::product(a.mantissa().unsigned_abs(), b.mantissa().unsigned_abs()), scale.into(), false)
}

/// The quotient, with as many digits as it needs, at most 28. `b` is not zero.
pub(super) fn divide(a: Decimal, b: Decimal) -> Option<Decimal> {
    let negative = (a.mantissa() < 0) != (b.mantissa() < 0);
    let divisor = b.mantissa().unsigned_abs();
    let dividend = a.mantissa().unsigned_abs();
    let mut quotient = dividend.checked_div(divisor)?;
    let mut rest = dividend % divisor;
    let mut scale = i64::from(a.scale()) - i64::from(b.scale());
    // Long division: one digit at a time while there is room for it; `rest` stays below 2^96, so ten of it fit.
    while (rest != 0 || scale < 0) && scale < i64::from(DIGITS) && quotient < LIMIT / 10 {
        quotient = quotient * 10 + rest * 10 / divisor;
        rest = rest * 10 % divisor;
        scale += 1;
    }
    if rest != 0 {
        // One digit more decides the rounding, together with what is left.
        let next = rest * 10 / divisor;
        let wide = Wide::from(quotient * 10 + next);
        return rounded(negative, wide, scale + 1, !(rest * 10).is_multiple_of(divisor)).filter(|_| scale >= 0);
    }
    rounded(negative, Wide::from(quotient), scale, false)
}

/// The remainder of truncating division, with the sign of `a`. `b` is not zero.
pub(super) fn remainder(a: Decimal, b: Decimal) -> Option<Decimal> {
    a.checked_rem(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::from_str_exact(text).unwrap()
    }

    #[test]
    fn results_have_at_most_28_digits_rounded_half_even() {
        for (a, b, quotient) in [
            ("1", "3", "0.3333333333333333333333333333"),
            ("2", "3", "0.6666666666666666666666666667"),
            ("10", "3", "3.333333333333333333333333333"),
            ("20", "3", "6.666666666666666666666666667"),
            ("7", "2", "3.5"),
            ("1.00", "2", "0.50"),
            ("2.4", "0.6", "4"),
            ("100", "0.5", "200"),
            ("1", "8", "0.125"),
            ("-1", "3", "-0.3333333333333333333333333333"),
            ("1", "9999999999999999999999999999", "0.0000000000000000000000000001"),
            ("9999999999999999999999999999", "3", "3333333333333333333333333333"),
            ("0", "3", "0"),
        ] {
            assert_eq!(divide(decimal(a), decimal(b)).unwrap().to_string(), quotient, "{a} / {b}");
        }
        let big = decimal("9999999999999999999999999999");
        assert_eq!(add(big, decimal("0.5")), None, "it would need 29 digits");
        assert_eq!(add(big, decimal("0.4")).unwrap(), big);
        assert_eq!(
            subtract(big, decimal("0.5")).unwrap().to_string(),
            "9999999999999999999999999998",
            "half goes to even"
        );
        assert_eq!(multiply(big, decimal("2")), None);
        assert_eq!(
            multiply(decimal("1.00000000000005"), decimal("1.00000000000001")).unwrap().to_string(),
            "1.000000000000060000000000000",
            "half goes to even"
        );
        assert_eq!(
            multiply(decimal("0.1000000000000000000000000001"), decimal("0.5")).unwrap().to_string(),
            "0.0500000000000000000000000000"
        );
        assert_eq!(multiply(decimal("19.90"), decimal("3")).unwrap().to_string(), "59.70");
        assert_eq!(add(decimal("0.1"), decimal("0.2")).unwrap().to_string(), "0.3");
    }

    proptest! {
        #[test]
        fn wide_numbers_add_and_subtract_back(a in any::<u64>(), b in any::<u64>(), c in any::<u64>()) {
            let product = Wide::product(a.into(), b.into());
            prop_assert_eq!(product.narrow(), Some(u128::from(a) * u128::from(b)));
            prop_assert!(product.plus(Wide::from(c.into())).minus(Wide::from(c.into())) == product);
        }

        #[test]
        fn what_the_crate_computes_exactly_is_the_same_here(a in -1_000_000_000_000i64..1_000_000_000_000, b in -1_000_000_000i64..1_000_000_000, s in 0u32..9, t in 0u32..9) {
            let (a, b) = (Decimal::new(a, s), Decimal::new(b, t));
            prop_assert_eq!(add(a, b), a.checked_add(b));
            prop_assert_eq!(subtract(a, b), a.checked_sub(b));
            prop_assert_eq!(multiply(a, b), a.checked_mul(b));
        }

        #[test]
        fn a_quotient_is_the_nearest_decimal(a in -1_000_000_000_000i64..1_000_000_000_000, b in 1i64..1_000_000_000) {
            let quotient = divide(a.into(), b.into()).unwrap();
            // |a - q·b| is at most half a unit of the last digit times b.
            let rest = Wide::product(quotient.mantissa().unsigned_abs(), b.unsigned_abs().into());
            let target = Wide::product(u128::from(a.unsigned_abs()), 10u128.pow(quotient.scale()));
            let gap = if rest.cmp(&target) == Ordering::Less { target.minus(rest) } else { rest.minus(target) };
            let twice = gap.plus(gap);
            prop_assert!(twice.cmp(&Wide::from(b.unsigned_abs().into())) != Ordering::Greater);
        }
    }
}
