//! Which passwords are refused: those too short, and those that are tried first (NIST SP 800-63B-4 §3.1.1.2). No rules
//! of composition: they make passwords worse.

use holon_model::wire::identity::SHORTEST_PASSWORD as SHORTEST;

/// The most: more is only work for the server.
const LONGEST: usize = 256;

/// Words that long passwords are made of when they are made without thought.
const WORDS: &[&str] = &[
    "password",
    "passwort",
    "motdepasse",
    "contrasena",
    "senha",
    "wachtwoord",
    "letmein",
    "welcome",
    "willkommen",
    "administrator",
    "admin",
    "qwertyuiop",
    "qwerty",
    "qwertz",
    "azerty",
    "asdfghjkl",
    "zxcvbnm",
    "iloveyou",
    "monkey",
    "dragon",
    "sunshine",
    "princess",
    "football",
    "baseball",
    "superman",
    "batman",
    "trustno",
    "master",
    "secret",
    "changeme",
    "default",
    "login",
    "guest",
    "hello",
    "shadow",
    "michael",
    "jordan",
    "computer",
    "internet",
    "starwars",
    "abcdefghijklmnopqrstuvwxyz",
    "abcdef",
    "abc",
    "test",
    "user",
    "root",
    "holon",
    "summer",
    "winter",
    "spring",
    "autumn",
    "january",
    "monday",
    "correcthorsebatterystaple",
    "onetwothree",
    "iamthebest",
    "whatever",
    "nothing",
];

/// Why a password is refused; none when it is good. `about` are words an attacker knows: name, e-mail, workspace.
pub fn refuse(password: &str, about: &[&str]) -> Option<String> {
    let length = password.chars().count();
    if length < SHORTEST {
        return Some(format!("needs at least {SHORTEST} characters; a few words in a row are easy to remember"));
    }
    if length > LONGEST {
        return Some(format!("has more than {LONGEST} characters"));
    }
    let known: Vec<String> = about
        .iter()
        .flat_map(|text| text.split(|c: char| !c.is_alphanumeric()))
        .filter(|word| word.chars().count() >= 3)
        .map(str::to_lowercase)
        .collect();
    let words = WORDS.iter().copied().chain(known.iter().map(String::as_str));
    if what_is_left(&plain(password), words) < 4 {
        return Some(
            "is among the first that are tried: choose one that is not made of common words, names or rows of keys"
                .to_owned(),
        );
    }
    None
}

/// Lower case, the usual digits for letters undone, everything else but letters and digits gone.
fn plain(password: &str) -> String {
    password
        .chars()
        .flat_map(char::to_lowercase)
        .map(|c| match c {
            '@' => 'a',
            '$' => 's',
            '!' => 'i',
            other => other,
        })
        .filter(|c| c.is_alphanumeric())
        .collect()
}

/// How many characters are left that are neither part of a known word, nor digits, nor one step from the character
/// before (`aaaa`, `abcd`), nor a repetition of what stands in front.
fn what_is_left<'w>(password: &str, words: impl Iterator<Item = &'w str>) -> usize {
    let mut words: Vec<&str> = words.collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let left = |text: String| {
        let rest = words.iter().fold(text, |rest, word| rest.replace(word, " "));
        let mut chars: Vec<char> = rest.chars().filter(|c| !c.is_whitespace() && !c.is_ascii_digit()).collect();
        let period = (1..=chars.len() / 2).find(|n| chars.iter().zip(chars.iter().skip(*n)).all(|(a, b)| a == b));
        chars.truncate(period.unwrap_or(chars.len()));
        let steps = chars.windows(2).filter(|pair| u32::from(pair[0]).abs_diff(u32::from(pair[1])) <= 1).count();
        chars.len() - steps
    };
    // Once as it stands and once with digits read as the letters they look like: `p4ssw0rd`.
    left(password.to_owned()).min(left(password.chars().map(letter).collect()))
}

/// The letter that a digit stands for, where it does.
fn letter(c: char) -> char {
    match c {
        '4' => 'a',
        '3' => 'e',
        '1' => 'i',
        '0' => 'o',
        '5' => 's',
        '7' => 't',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABOUT: &[&str] = &["Ada Lovelace", "ada@example.com", "Analytical Engines"];

    #[test]
    fn what_is_tried_first_is_refused() {
        for bad in [
            "short",
            "fourteen chars",
            "aaaaaaaaaaaaaaaa",
            "123456789012",
            "passwordpassword",
            "Password1234!",
            "P@ssw0rd2026!!",
            "qwertyuiop123",
            "abcdefghijklmn",
            "abababababab",
            "iloveyou12345",
            "adalovelace1815",
            "Analytical.Engines",
            "correcthorsebatterystaple",
            "letmeinletmein",
            "111122223333",
            "zyxwvutsrqponm",
        ] {
            assert!(refuse(bad, ABOUT).is_some(), "{bad}");
        }
        assert!(refuse(&"x7kq".repeat(100), ABOUT).is_some(), "too long");
    }

    #[test]
    fn long_passwords_of_any_kind_are_taken() {
        for good in [
            "tangerine boat ladder",
            "k3Jx-9Qmz-Lw2p-x",
            "der schnelle braune fuchs",
            "пароль из многих слов",
            "mit 15 Zeichen.",
            "purple-otter-fjord",
            "correct horse battery staple wagon",
        ] {
            assert_eq!(refuse(good, ABOUT), None, "{good}");
        }
    }
}
