//! How much is a quantity of the API, in units of another one?

use crate::api::Quantity;

/// What the smallest part of a quantity is counted in.
const PARTS: i128 = 1_000_000_000;

/// How many of the divisor are needed for it; a divisor of nothing is one. None when either is not a
/// quantity.
pub(crate) fn divided(quantity: &Quantity, divisor: &Quantity) -> Option<i128> {
    let (quantity, divisor) = (parts(quantity)?, parts(divisor)?);
    let divisor = if divisor == 0 { PARTS } else { divisor };
    Some(quantity.checked_add(divisor - 1)?.div_euclid(divisor))
}

fn parts(quantity: &Quantity) -> Option<i128> {
    let text = quantity.0.trim();
    let is_number = |letter: char| letter.is_ascii_digit() || matches!(letter, '.' | '+' | '-');
    let end = text.find(|letter| !is_number(letter)).unwrap_or(text.len());
    let (number, suffix) = text.split_at_checked(end)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let digits = fraction.get(..fraction.len().min(9))?;
    let fraction: i128 = if digits.is_empty() { 0 } else { digits.parse().ok()? };
    let fraction = fraction * 10_i128.pow(9 - u32::try_from(digits.len()).ok()?);
    let number = whole.checked_mul(PARTS)?.checked_add(fraction)?;
    let (times, by) = scale(suffix)?;
    number.checked_mul(times).map(|number| number / by)
}

fn scale(suffix: &str) -> Option<(i128, i128)> {
    let power = |letter: &str, of: &str| of.find(letter).and_then(|at| u32::try_from(at).ok());
    match suffix {
        "" => Some((1, 1)),
        "n" => Some((1, 1_000_000_000)),
        "u" => Some((1, 1_000_000)),
        "m" => Some((1, 1_000)),
        _ => match suffix.strip_suffix('i') {
            Some(letter) => Some((1024_i128.pow(1 + power(letter, "KMGTPE")?), 1)),
            None => Some((1000_i128.pow(1 + power(suffix, "kMGTPE")?), 1)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_counted_in_others_and_rounded_up() {
        let text = |text: &str| Quantity(text.to_owned());
        let cases = [
            ("250m", "1", Some(1)),
            ("250m", "1m", Some(250)),
            ("1.5", "1m", Some(1500)),
            ("64Mi", "1Mi", Some(64)),
            ("64Mi", "0", Some(67_108_864)),
            ("2k", "1", Some(2000)),
            ("1Gi", "1Mi", Some(1024)),
            ("much", "1", None),
            ("1x", "1", None),
        ];
        for (quantity, divisor, expected) in cases {
            let found = divided(&text(quantity), &text(divisor));
            assert_eq!(found, expected, "{quantity} in {divisor}");
        }
        assert_eq!(divided(&text("2"), &Quantity::default()), Some(2));
    }
}
